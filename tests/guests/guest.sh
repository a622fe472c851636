# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# For what runs in the test guests, where it is /guest.sh; to be sourced.

# 1 when something was found to be wrong: a script ends with "exit $bad"
bad=0

# verdict NAME STATUS WHY: prints "CLAIM NAME ok" or "CLAIM NAME BAD: WHY", which
# claims() of lib.sh makes the host's results of
verdict() {
	if [ "$2" = 0 ]; then
		echo "CLAIM $1 ok"
	else
		echo "CLAIM $1 BAD: $3"
		bad=1
	fi
}

# load_modules: those that ./initrd --modules has put there
load_modules() {
	for m in /modules/*.ko; do
		# All may be built in
		[ -e "$m" ] || continue
		insmod "$m" || echo "BAD: insmod $m"
	done
}

# no_complaints PATTERN: the kernel's log has neither that (extended) nor an oops
no_complaints() {
	if dmesg | grep -E "BUG:|Oops|Call Trace|$1"; then
		echo "BAD: the kernel complains"
		bad=1
	fi
}
