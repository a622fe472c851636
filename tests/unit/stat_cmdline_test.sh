#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Bad command lines of hvmon-stat: one line on standard error that begins with
# its name, status 2 (1 for what is missing), nothing on standard output.
# Usage: HVMON_STAT=PATH sh stat_cmdline_test.sh

stat=${HVMON_STAT:?the path of hvmon-stat}
program=$stat label=stat
. "$(dirname "$0")/refuse.sh"

refuse 2 '--frobnicate: no such option' --frobnicate
refuse 2 '-vm: no such option' -vm foo
refuse 2 '--batch=1: it takes no argument' --batch=1
refuse 2 'argument is missing' --record
refuse 2 'from 0.1 to 3600' --interval 0
refuse 2 'from 0.1 to 3600' --interval 1x
refuse 2 'from 1 to' --count 0
refuse 2 'what is "x"' x
refuse 2 'a whole number' --count 1.5
refuse 2 'not both' --record a --flame b
refuse 2 'goes with --flame' --symbols a
refuse 2 'goes with --record' --seconds 1
for option in '--interval 1' '--count 1' --batch; do
	# shellcheck disable=SC2086
	refuse 2 'does not go with --record' $option --record a
	# shellcheck disable=SC2086
	refuse 2 'does not go with --flame' $option --flame a
done
refuse 2 'does not go with --flame' --vm 1 --flame a
refuse 1 'is hvmon loaded' --debugfs "$dir/none"
refuse 1 'No such file' --flame "$dir/none"
refuse 1 'no VM is running' --debugfs "$dir" --record "$dir/rec"
echo nonsense >"$dir/bad"
refuse 1 'bad: line 1 is none' --flame "$dir/bad"
refuse 1 "$dir: Is a directory" --flame "$dir"
echo '1 a;vCPU 0;HLT;0xffff 5' >"$dir/good"
refuse 1 'bad: no functions in it' --flame "$dir/good" --symbols "$dir/bad"

# What a recording that fails leaves: nothing new, and an older one as it was
check() {
	if [ "$2" = "$3" ]; then
		echo "ok stat: $1"
	else
		echo "not ok stat: $1: $2 instead of $3"
		fails=$((fails + 1))
	fi
}
check 'a recording that fails makes no file' "$([ -e "$dir/rec" ] && echo one)" ''
refuse 1 'no VM is running' --debugfs "$dir" --record "$dir/good"
check 'a recording that fails leaves an older one' "$(cat "$dir/good")" '1 a;vCPU 0;HLT;0xffff 5'
"$stat" --flame "$dir/good" >/dev/full 2>"$dir/err"
check 'a picture that cannot be written is an error' "$? $(grep -c 'No space' "$dir/err")" '1 1'

mkdir "$dir/1-vm"
echo 'exits 1' >"$dir/1-vm/vcpu0"
if "$stat" --debugfs "$dir" --interval 0.1 --count 2 >"$dir/out" &&
   [ "$(wc -l <"$dir/out")" = 3 ] && [ "$(awk -F'\t' '{ print NF }' "$dir/out" | sort -u)" = 24 ]; then
	echo "ok stat: without a terminal a header and a line per vCPU and look, 24 fields each"
else
	echo "not ok stat: without a terminal a header and a line per vCPU and look, 24 fields each"
	sed 's/^/# /' "$dir/out"
	fails=$((fails + 1))
fi

timeout --preserve-status -s INT 0.5 "$stat" --debugfs "$dir" --interval 100 >"$dir/out" 2>&1
got=$?
if [ "$got" = 0 ]; then
	echo "ok stat: SIGINT ends it at once, with status 0"
else
	echo "not ok stat: SIGINT ends it at once, with status 0"
	echo "# status $got"
	fails=$((fails + 1))
fi
[ "$fails" = 0 ]
