# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./disks: vda is the disk to write, with an ext4 file
# system in its second half, vdb read-only, vdc, if there is one, without the
# host's cache, vdd a qcow2 image. On a SCSI bus they are those with the serial
# numbers first to fourth. A verdict for each claim, and "SUM disk digest" for the
# host to compare. Reads and writes hvc0, too.
. /guest.sh
digest() { # FILE MIB-SKIP MIB [OPTION]: of what is on the disk, not in the guest's cache
	echo 3 >/proc/sys/vm/drop_caches
	# shellcheck disable=SC2086
	dd if="$1" bs=1M skip="$2" count="$3" ${4-} 2>/dev/null | sha256sum | cut -d' ' -f1
}
want='' scsi=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	disks.sum=*) want=${word#*=} ;;
	disks.scsi=*) scsi=${word#*=} ;;
	esac
done
load_modules

# by_serial NAME: the SCSI disk that has it in its page of vital product data; they
# are found in any order, some time after the module is there
by_serial() {
	i=0
	while [ $i -lt 50 ]; do
		for d in /sys/block/sd*; do
			[ "$(tail -c +5 "$d/device/vpd_pg80" 2>/dev/null)" != "$1" ] ||
				{ basename "$d" && return; }
		done
		sleep 0.2
		i=$((i + 1))
	done
}

# zeroed DISK MIB-SKIP MIB: is it nothing but zeroes?
zeroed() {
	[ "$(digest "/dev/$1" "$2" "$3" iflag=direct)" = \
		"$(dd if=/dev/zero bs=1M count="$3" 2>/dev/null | sha256sum | cut -d' ' -f1)" ]
}

# zero DISK MIB MIB: by the block layer's write-zeroes, which is what a loop device
# on a disk makes of a discard
zero() {
	losetup -o $(($2 << 20)) /dev/loop1 "/dev/$1" &&
		blkdiscard -o 0 -l $(($3 << 20)) /dev/loop1
	losetup -d /dev/loop1
}

if [ -n "$scsi" ]; then
	vda=$(by_serial first) vdb=$(by_serial second) vdc='' vdd=''
	[ "$scsi" = 2 ] || vdc=$(by_serial third) vdd=$(by_serial fourth)
	disk=$(echo "/sys/block/$vda/device/scsi_disk/"*)
	# shellcheck disable=SC2046
	set -- $(cat "$disk/provisioning_mode" "$disk/cache_type" \
		"/sys/block/$vda/queue/rotational" "/sys/block/$vda/device/model")
	[ "$*" = "unmap write back 0 VIRTUAL DISK" ] && [ "$(cat "/sys/block/$vda/size")" = 65536 ]
	verdict identity $? "'$vda': $*, $(cat "/sys/block/$vda/size") sectors"
else
	vda=vda vdb=vdb vdc=vdc vdd=''
	[ "$(cat /sys/block/vda/serial)" = first ] && [ "$(cat /sys/block/vda/size)" = 65536 ]
	verdict identity $? "'$(cat /sys/block/vda/serial)', $(cat /sys/block/vda/size) sectors"
fi

dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null
sum=$(sha256sum </tmp/data | cut -d' ' -f1)

# Through the guest's cache, then flushed
dd if=/tmp/data of="/dev/$vda" bs=64k conv=fsync 2>/dev/null
got=$(digest "/dev/$vda" 0 8)
[ "$got" = "$sum" ]
verdict cached $? "read back as $got, written as $sum"

# Past it, in blocks of all sizes, from both processors at once
for bs in 512 4096 65536 1048576; do
	i=0
	while [ $i -lt 4 ]; do
		n=$((1048576 / bs))
		[ $n -le 256 ] || n=256
		taskset $((1 << i % 2)) dd if=/tmp/data of="/dev/$vda" bs=$bs count=$n \
			skip=$((i * n)) seek=$((8388608 / bs + i * n)) oflag=direct 2>/dev/null &
		i=$((i + 1))
	done
	wait
	len=$((4 * n * bs))
	a=$(dd if="/dev/$vda" bs=$bs skip=$((8388608 / bs)) count=$((4 * n)) iflag=direct 2>/dev/null |
		sha256sum)
	b=$(dd if=/tmp/data bs=$bs count=$((4 * n)) 2>/dev/null | sha256sum)
	[ "$a" = "$b" ]
	verdict direct-$bs $? "$len bytes: ${a%% *}, written as ${b%% *}"
done

# A file system
mkdir -p /mnt
dd if="/dev/$vda" of=/dev/null bs=1M count=1 2>/dev/null
if losetup -o 16777216 /dev/loop0 "/dev/$vda" 2>/dev/null && mount -t ext4 /dev/loop0 /mnt; then
	cp /tmp/data /mnt/data && mkdir /mnt/many && i=0
	while [ "$i" -lt 200 ]; do
		echo "file $i" >"/mnt/many/$i"
		i=$((i + 1))
	done
	sync
	umount /mnt
	echo 3 >/proc/sys/vm/drop_caches
	mount -t ext4 -o ro /dev/loop0 /mnt
	[ "$(sha256sum </mnt/data | cut -d' ' -f1)" = "$sum" ] && [ "$(cat /mnt/many/199)" = "file 199" ]
	verdict ext4 $? "what was written differs"
	umount /mnt
	losetup -d /dev/loop0
else
	verdict ext4 1 "it cannot be mounted"
fi

blkdiscard -o 4194304 -l 4194304 "/dev/$vda"
got=$(dd if="/dev/$vda" bs=1M skip=4 count=4 iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1)
[ "$got" = bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8 ]
verdict discard $? "it reads as $got"

[ "$(cat "/sys/block/$vdb/ro")" = 1 ] && [ "$(digest "/dev/$vdb" 0 8)" = "$want" ] &&
	[ "$(digest "/dev/$vdb" 0 8 iflag=direct)" = "$want" ]
verdict read-only $? "ro $(cat "/sys/block/$vdb/ro"), digest $(digest "/dev/$vdb" 0 8)"
! dd if=/tmp/data of="/dev/$vdb" bs=4096 count=1 conv=fsync 2>/dev/null &&
	[ "$(digest "/dev/$vdb" 0 8)" = "$want" ]
verdict read-only-stays $? "it was written to"

if [ -n "$vdc" ] && [ -e "/dev/$vdc" ]; then
	dd if=/tmp/data of="/dev/$vdc" bs=1M count=8 oflag=direct 2>/dev/null
	sync
	a=$(dd if=/tmp/data bs=1M count=8 2>/dev/null | sha256sum)
	[ "$(digest "/dev/$vdc" 0 8 iflag=direct)" = "${a%% *}" ]
	verdict uncached $? "what was written differs"
	echo "SUM vdc $(digest "/dev/$vdc" 0 8)"
fi

if [ -n "$scsi" ]; then
	dd if=/tmp/data of="/dev/$vda" bs=1M seek=12 count=4 conv=fsync 2>/dev/null
	! zeroed "$vda" 12 4 && zero "$vda" 12 4 && zeroed "$vda" 12 4
	verdict zeroes $? "not by $(cat "$disk/zeroing_mode")"
fi
if [ -n "$vdd" ]; then
	dd if=/tmp/data of="/dev/$vdd" bs=64k oflag=direct conv=fsync 2>/dev/null
	got=$(digest "/dev/$vdd" 0 8 iflag=direct)
	[ "$got" = "$sum" ]
	verdict qcow2 $? "read back as $got, written as $sum"
	blkdiscard -o 2097152 -l 2097152 "/dev/$vdd" && zeroed "$vdd" 2 2 &&
		zero "$vdd" 6 1 && zeroed "$vdd" 6 1
	verdict qcow2-zeroes $? "neither discard nor write-zeroes may leave data"
	echo "SUM vdd.raw $(digest "/dev/$vdd" 0 8)"
fi

if [ -e /dev/hwrng ]; then
	a=$(head -c 64 /dev/hwrng | sha256sum)
	b=$(head -c 64 /dev/hwrng | sha256sum)
	[ "$(cat /sys/class/misc/hw_random/rng_current)" = virtio_rng.0 ] && [ "$a" != "$b" ]
	verdict rng $? "$(cat /sys/class/misc/hw_random/rng_current)"
fi
if [ -e /dev/hvc0 ]; then
	exec 3<>/dev/hvc0
	stty -F /dev/hvc0 raw -echo
	echo ready >&3
	head -c 100000 /tmp/data | base64 >/tmp/text
	read -r line <&3
	[ "$line" = "a line of the host" ]
	verdict console $? "read '$line'"
	cat /tmp/text >&3
	exec 3>&-
	echo "SUM console $(sha256sum </tmp/text | cut -d' ' -f1)"
fi
echo "SUM vda $(digest "/dev/$vda" 0 32)"
grep -E 'virtio' /proc/interrupts
dmesg | grep -iE 'ecam|mmconfig|host bridge|[sv]d[a-z]:|scsi'
no_complaints "I/O error, dev ($vda|${vdc:-vdc})|nobody cared|virtio.*(error|fail)|Sense Key|FAILED"
exit $bad
