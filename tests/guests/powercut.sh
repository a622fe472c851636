# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./powercut: writes numbered records to /dev/vda for ever, and
# says "ACK n" when fsync() has said that record n is there. Beside it somebody writes
# without fsync(), to what lies behind the records.
RECORDS=512
. /guest.sh
load_modules
while :; do
	dd if=/dev/zero of=/dev/vda bs=64k seek=$RECORDS count=256 conv=notrunc 2>/dev/null
done &
n=0
while :; do
	n=$((n + 1))
	printf '%04096d' $n >/tmp/record
	# One every 64 KiB: a cluster of its own in qcow2
	if dd if=/tmp/record of=/dev/vda bs=4k seek=$((n % RECORDS * 16)) conv=notrunc,fsync 2>/dev/null
	then
		echo "ACK $n"
	else
		echo "BAD: record $n was refused"
	fi
done
