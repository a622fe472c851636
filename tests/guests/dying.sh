# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./dying, where the names of the disks are: those with v- are by
# virtio-blk, those with s- by SCSI. Asks for what is to break with a line "DYING ...",
# and knows by the disk "bell" that it is. A verdict for each claim.
. /guest.sh
load_modules
# Each disk as /tmp/SERIAL, which is a link; those of SCSI are found some time later
find_disks() {
	for d in /sys/block/[sv]d*; do
		name=
		if [ -e "$d/serial" ]; then
			read -r name <"$d/serial"
		elif [ -e "$d/device/vpd_pg80" ]; then
			name=$(tail -c +5 "$d/device/vpd_pg80")
		fi
		[ -z "$name" ] || ln -sf "/dev/${d##*/}" "/tmp/$name"
	done
}
i=0
while find_disks && [ $i -lt 50 ] && ! { [ -e /tmp/s-short ] && [ -e /tmp/s-bad ] &&
	[ -e /tmp/s-full ] && [ -e /tmp/s-killed ]; }; do
	sleep 0.3
	i=$((i + 1))
done
told() { # WORD: has the host said it last?
	read -r word <<-END
		$(dd if=/tmp/bell bs=512 count=1 iflag=direct 2>/dev/null)
	END
	[ "$word" = "$1" ]
}
await() { # WORD
	until told "$1"; do
		sleep 0.3
	done
}
fails() { # COMMAND...: for an I/O error, which $said has; ENODATA is a medium error to Linux
	said=$("$@" 2>&1) && said="$said (and it succeeded)" && return 1
	[ "${said#*Input/output error}" != "$said" ] || [ "${said#*No data available}" != "$said" ]
}
digest() { # DISK [MIB]: of a MiB, past the guest's cache
	dd if="$1" bs=1M skip="${2-0}" count=1 iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1
}
at() { # DISK MIB PAGES [OPTION...]: writes there
	to=$1 seek=$2 n=$3
	shift 3
	dd if=/tmp/data of="$to" bs=4k seek=$((seek * 256)) count="$n" "$@"
}
dd if=/dev/urandom of=/tmp/data bs=1M count=1 2>/dev/null
sum=$(sha256sum </tmp/data | cut -d' ' -f1)

# Files that become shorter: what is cut off is an error, and so is every flush
for n in v-short s-short; do
	at /tmp/$n 0 256 conv=fsync 2>/dev/null
done
echo "DYING wants its files shorter"
await shorter
for n in v-short s-short; do
	d=/tmp/$n
	fails dd if="$d" bs=4k skip=2048 count=16 iflag=direct &&
		fails at "$d" 2 16 conv=fsync && [ "$(digest "$d")" = "$sum" ]
	verdict $n $? "$said, digest $(digest "$d")"
done

# Devices that fail from their middle on, several times: errors, and only there
v=/tmp/v-bad s=/tmp/s-bad
at "$v" 0 256 oflag=direct 2>/dev/null
at "$s" 0 256 conv=fsync 2>/dev/null
echo "DYING wants its devices broken"
await broken
i=0
said=
while [ $i -lt 4 ] && fails at "$v" 9 4 oflag=direct &&
	fails dd if="$v" bs=4k skip=$((2304 + i)) count=1 iflag=direct; do
	i=$((i + 1))
done
[ $i = 4 ] && [ "$(digest "$v")" = "$sum" ]
verdict v-bad $? "try $i: $said, digest $(digest "$v")"
fails dd if="$s" bs=4k skip=2304 count=1 iflag=direct && fails at "$s" 10 16 conv=fsync &&
	[ "$(digest "$s")" = "$sum" ]
verdict s-bad $? "$said, digest $(digest "$s")"
echo "DYING wants its devices whole"
await whole
at "$v" 8 256 oflag=direct conv=fsync 2>/dev/null && [ "$(digest "$v" 8)" = "$sum" ]
verdict v-bad-whole $? "it cannot be written"
# What the host's cache has lost it cannot write
fails at "$s" 0 1 conv=fsync
verdict s-bad-forgotten $? "$said"

# Full file systems: the guest waits
for n in v s; do
	(dd if=/tmp/data of="/tmp/$n-full" bs=64k oflag=direct conv=fsync 2>/dev/null
	echo $? >/tmp/status-$n) &
done
await full
[ ! -e /tmp/status-v ] && [ ! -e /tmp/status-s ]
verdict full-waits $? "it has not: $(cat /tmp/status-*)"
echo "DYING wants space"
wait
for n in v s; do
	[ "$(cat /tmp/status-$n)" = 0 ] && [ "$(digest "/tmp/$n-full")" = "$sum" ]
	verdict $n-full $? "status $(cat /tmp/status-$n), digest $(digest "/tmp/$n-full")"
done

# Processes that are killed, ours and another, while the guest writes: the next ones
# get it all
for n in v s; do
	(while dd if=/tmp/data of="/tmp/$n-killed" bs=16k oflag=direct conv=fsync 2>/dev/null; do
		! told killed || exit 0
	done
	exit 1) &
	eval "writer_$n=$!"
done
echo "DYING wants its processes killed"
for n in v s; do
	eval "wait \$writer_$n"
	status=$?
	[ $status = 0 ] && [ "$(digest "/tmp/$n-killed")" = "$sum" ]
	verdict $n-killed $? "status $status, digest $(digest "/tmp/$n-killed")"
done
echo "SUM $sum"

# A tap that is deleted while the guest sends
ip addr add 10.9.9.2/24 dev eth0
ip link set eth0 up
ping -q -c 1 -w 10 10.9.9.1 >/tmp/ping || cat /tmp/ping
for i in 1 2; do
	ping -q -i 0.01 -s 1400 10.9.9.1 >/dev/null 2>&1 &
done
sleep 0.2
echo "DYING wants no tap"
i=0
while [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && [ $i -lt 50 ]; do
	sleep 0.3
	i=$((i + 1))
done
sent=$(cat /sys/class/net/eth0/statistics/tx_packets)
[ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && [ "$sent" -gt 20 ]
verdict tap $? "carrier $(cat /sys/class/net/eth0/carrier), $sent packets sent"
killall ping
no_complaints 'nobody cared|NETDEV WATCHDOG|blocked for more|virtio.*(error|fail)'
exit $bad
