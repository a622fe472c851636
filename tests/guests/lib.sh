# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the guest tests: sourced, in the lab host as well as outside.

guests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${HVMON_BUILD:-$(cd "$guests/../.." && pwd)/build}

# boot NAME KERNEL-DIRECTORY CPUS MEMORY IMAGE LIMIT [OPTION...]
# Runs a guest whose script ends with a status; its console goes to $console.
# True if it came up with all processors, its script succeeded and it powered
# off; otherwise $why says what happened.
boot() {
	local name=$1 kernel=$2 cpus=$3 memory=$4 image=$5 limit=$6 status up result
	shift 6
	why=
	console=/tmp/$name.console
	timeout -k 10 "$limit" hvmon-run --kernel "$kernel/vmlinuz" --initrd "$image" \
		--cpus "$cpus" --memory "$memory" --append "console=ttyS0 loglevel=5" \
		--serial "file:$console" "$@" </dev/null >"/tmp/$name.out" 2>&1
	status=$?
	tr -d '\r' <"$console" >"$console.text"
	up=$(grep -m1 '^GUEST-UP ' "$console.text")
	result=$(sed -n 's/^GUEST-STATUS \([0-9]*\)$/\1/p' "$console.text" | tail -n1)
	if [ -z "$up" ]; then
		why="the guest did not come up, hvmon-run's status $status: $(tail -n1 "/tmp/$name.out")"
	elif [ "${up#*, $cpus CPUs,}" = "$up" ]; then
		why="$up, expected $cpus CPUs"
	elif [ "$result" != 0 ]; then
		why="the guest's script ended with status ${result:-none}, hvmon-run's $status: $(grep -m1 BAD "$console.text")"
	elif [ "$status" != 0 ]; then
		why="poweroff gave hvmon-run's status $status: $(tail -n1 "/tmp/$name.out")"
	fi
	[ -z "$why" ]
}

# result NAME STATUS WHY: a result line, and $failed
result() {
	if [ "$2" = 0 ]; then
		echo "ok guests/$1"
	else
		echo "not ok guests/$1: $3"
		failed=1
	fi
}

# claims NAME CLAIM...: a result for each, from the guest's console (see guest.sh)
claims() {
	local name=$1 c
	shift
	for c; do
		grep -q "^CLAIM $c ok" "$console.text"
		result "$name-$c" $? "$(grep -m1 "^CLAIM $c" "$console.text" || echo "no result")"
	done
}

# refuse NAME WORDS OPTION...: $run with those says the words, in one line, and fails
refuse() {
	local name=$1 words=$2 said
	shift 2
	# shellcheck disable=SC2154 # the caller's
	! said=$($run "$@" 2>&1) && [[ $said = *"$words"* && $said != *$'\n'* ]]
	result "$name" $? "$said"
}

# acked FILE: n of the last line "ACK n" in it, 0 without one. A line that is
# still being written is none: its number may lack digits.
acked() {
	local n
	n=$({ cat "$1" && echo /; } | tr -d '\r' | sed -n 's/^ACK \([0-9]*\)$/\1/p' | tail -n 1)
	echo "${n:-0}"
}

# verdict NAME: a result line from $why, with the console's end if it is bad
verdict() {
	if [ -z "$why" ]; then
		echo "ok guests/$1"
	else
		tail -n 25 "$console.text" "/tmp/$1.out" | sed 's/^/# /'
		echo "not ok guests/$1: $why"
	fi
}
