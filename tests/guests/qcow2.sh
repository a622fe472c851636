# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./qcow2: vda is the disk to write, vdb a read-only one with
# the digest in qcow2.sum. A verdict for each claim; prints "QCOW2 writes" when the host may kill the process behind vda, and
# "SUM digest" of what vda has at the end.
. /guest.sh
digest() { # FILE MIB-SKIP MIB
	dd if="$1" bs=1M skip="$2" count="$3" iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1
}
want=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	qcow2.sum=*) want=${word#*=} ;;
	esac
done
load_modules
dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null
sum=$(sha256sum </tmp/data | cut -d' ' -f1)
[ "$(cat /sys/block/vda/size)" = 65536 ] && [ "$(cat /sys/block/vda/serial)" = second ]
verdict identity $? "serial '$(cat /sys/block/vda/serial)', $(cat /sys/block/vda/size) sectors"
dd if=/tmp/data of=/dev/vda bs=64k conv=fsync 2>/dev/null
[ "$(digest /dev/vda 0 8)" = "$sum" ]
verdict written $? "read back as $(digest /dev/vda 0 8)"
[ "$(cat /sys/block/vdb/ro)" = 1 ] && [ "$(digest /dev/vdb 0 8)" = "$want" ]
verdict read-only $? "read as $(digest /dev/vdb 0 8)"
blkdiscard -o 4194304 -l 4194304 /dev/vda
[ "$(digest /dev/vda 4 4)" = bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8 ]
verdict discard $? "it reads as $(digest /dev/vda 4 4)"

echo "QCOW2 writes"
i=0
while [ $i -lt 2 ]; do
	taskset $((1 << i)) dd if=/tmp/data of=/dev/vda bs=4k seek=$((2048 + i * 2048)) \
		oflag=direct conv=fsync 2>/dev/null &
	i=$((i + 1))
done
wait
[ "$(digest /dev/vda 8 8)" = "$sum" ] && [ "$(digest /dev/vda 16 8)" = "$sum" ]
verdict killed $? "read back as $(digest /dev/vda 8 8) and $(digest /dev/vda 16 8)"
sync
echo "SUM $(digest /dev/vda 0 32)"
no_complaints 'I/O error|nobody cared'
exit $bad
