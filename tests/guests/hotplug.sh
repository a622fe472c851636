# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./hotplug: as often as hotplug.rounds= says, a disk and a network
# interface come, are used and go again; 10.9.9.1 is the host. Last, the guest gives a
# disk back of its own accord. A verdict for each claim, and "SUM round digest" for the
# host to compare.
. /guest.sh
rounds=1
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	hotplug.rounds=*) rounds=${word#*=} ;;
	esac
done
load_modules

# await there|gone PATH...
await() {
	want=$1
	shift
	for path; do
		i=0
		while [ "$([ -e "$path" ] && echo there || echo gone)" != "$want" ]; do
			i=$((i + 1))
			[ $i -lt 900 ] || return 1
			sleep 0.1
		done
	done
}

slots() {
	find /sys/bus/pci/slots -maxdepth 1 -mindepth 1 | wc -l
}

[ "$(slots)" = 31 ]
verdict slots $? "the kernel knows $(slots) slots for hotplug"
dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null
round=1
while [ $round -le "$rounds" ]; do
	echo "HOTPLUG wants $round"
	await there /dev/vda /sys/class/net/eth0
	verdict comes-$round $? "$(echo /sys/block/* /sys/class/net/*)"
	[ "$(cat /sys/block/vda/serial)" = round-$round ]
	verdict disk-$round $? "serial '$(cat /sys/block/vda/serial)'"
	dd if=/tmp/data of=/dev/vda bs=64k conv=fsync 2>/dev/null
	sum=$(dd if=/dev/vda bs=64k count=64 iflag=direct 2>/dev/null | sha256sum)
	[ "$sum" = "$(sha256sum </tmp/data)" ]
	verdict written-$round $? "read back as $sum"
	echo "SUM $round ${sum%% *}"
	ip addr add 10.9.9.2/24 dev eth0
	ip link set eth0 up
	ping -q -c 3 -i 0.2 -w 20 10.9.9.1 >/tmp/ping
	verdict net-$round $? "$(tail -n 2 /tmp/ping)"
	echo "HOTPLUG done $round"
	await gone /dev/vda /sys/class/net/eth0
	verdict goes-$round $? "$(echo /sys/block/* /sys/class/net/*)"
	# Other data the next time
	dd if=/dev/urandom of=/tmp/data bs=64k count=1 conv=notrunc 2>/dev/null
	round=$((round + 1))
done
echo "HOTPLUG wants last"
await there /dev/vda
slot=$(readlink -f /sys/block/vda | sed 's#.*/0000:00:\([0-9a-f]*\)\.0/.*#\1#')
echo 0 >"/sys/bus/pci/slots/$((0x$slot))/power"
await gone /dev/vda
verdict given-back $? "it is still there"
echo "HOTPLUG done last"
await there /dev/vda
verdict comes-again $? "$(echo /sys/block/*)"
no_complaints 'nobody cared|virtio.*(error|fail)|pci.*(fail|conflict|collision|no space)|ACPI.*(rror|xception)'
exit $bad
