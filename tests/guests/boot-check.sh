# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC3043
# Runs in a booted guest: time advances, and the kernel has no complaint.
bad=0
centi() {
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}
before=$(centi)
sleep 2
passed=$(($(centi) - before))
if [ $passed -lt 195 ] || [ $passed -gt 1500 ]; then
	echo "BAD: sleep 2 took $passed hundredths of a second"
	bad=1
fi
year=$(date +%Y)
if [ "$year" -lt 2024 ]; then
	echo "BAD: the year is $year: the RTC or its reading is wrong"
	bad=1
fi
# RETBleed's is about the processor, and the host has it, too
if dmesg | grep -v 'RETBleed: WARNING' | grep -E 'BUG:|WARNING:|Oops|soft lockup|rcu.*stall|Call Trace|clocksource.*unstable|nobody cared|timed out'; then
	echo "BAD: the kernel complains"
	bad=1
fi
echo "CLOCKSOURCE $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
grep -E 'ttyS0|LOC|timer' /proc/interrupts
exit $bad
