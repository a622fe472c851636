# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./net: 10.9.9.1 is the host, where port 7001 tells what it
# got and 7002 sends. A verdict for each claim.
. /guest.sh
sum() {
	sha256sum | cut -d' ' -f1
}
load_modules
# On bridges: eth0 on that of 10.9.10.1, eth1 in its VLAN 7, where the host is 10.9.11.1
if [ -e /sys/class/net/eth1 ]; then
	ip addr add 10.9.10.2/24 dev eth0
	ip addr add 10.9.11.2/24 dev eth1
	ip link set eth0 up
	ip link set eth1 up
	ping -q -c 3 -i 0.2 -w 20 10.9.10.1 >/tmp/ping
	verdict untagged $? "$(tail -n 2 /tmp/ping)"
	ping -q -c 3 -i 0.2 -w 20 10.9.11.1 >/tmp/ping
	verdict tagged $? "$(tail -n 2 /tmp/ping)"
	# Until the host has looked around
	nc -l -p 7009 </dev/null >/dev/null
	# Each network by the other's interface
	ip addr flush dev eth0
	ip addr flush dev eth1
	ip addr add 10.9.11.2/24 dev eth0
	ip addr add 10.9.10.2/24 dev eth1
	! ping -q -c 3 -i 0.2 -w 3 10.9.10.1 >/tmp/ping
	verdict tagged-apart $? "$(tail -n 2 /tmp/ping)"
	! ping -q -c 3 -i 0.2 -w 3 10.9.11.1 >/tmp/ping
	verdict untagged-apart $? "$(tail -n 2 /tmp/ping)"
	exit $bad
fi
[ "$(cat /sys/class/net/eth0/address)" = 02:00:00:00:09:02 ]
verdict address $? "$(cat /sys/class/net/eth0/address)"
ip addr add 10.9.9.2/24 dev eth0
ip link set eth0 up
ping -q -c 5 -i 0.2 -w 10 10.9.9.1 >/tmp/ping
verdict ping $? "$(tail -n 2 /tmp/ping)"
ping -q -c 5 -i 0.2 -w 10 -s 20000 10.9.9.1 >/tmp/ping
verdict ping-in-pieces $? "$(tail -n 2 /tmp/ping)"

dd if=/dev/urandom of=/tmp/data bs=1M count=16 2>/dev/null
told=$(nc 10.9.9.1 7001 </tmp/data)
[ "$told" = "$(sum </tmp/data)" ]
verdict to-host $? "the host got $told"
nc 10.9.9.1 7002 </dev/null >/tmp/got
[ "$(tail -c 65 /tmp/got)" = "$(head -c 16777216 /tmp/got | sum)" ]
verdict to-guest $? "$(wc -c </tmp/got) bytes came"
# Both ways at once
nc 10.9.9.1 7002 </dev/null >/tmp/got &
told=$(nc 10.9.9.1 7001 </tmp/data)
wait
[ "$told" = "$(sum </tmp/data)" ] &&
	[ "$(tail -c 65 /tmp/got)" = "$(head -c 16777216 /tmp/got | sum)" ]
verdict both $? "the host got $told, $(wc -c </tmp/got) bytes came"

# Two pairs of queues, and a processor that sends through each; answers come where the
# host got the packets of a connection from
if [ -e /sys/class/net/eth0/queues/rx-1 ]; then
	head -c 4194304 /tmp/data >/tmp/less
	for cpu in 1 2; do
		taskset $cpu nc 10.9.9.1 7001 </tmp/less >/tmp/told$cpu &
	done
	wait
	# Interrupts of all processors
	n=$(awk '/virtio0-input/ { for (i = 2; i <= 3; i++) n[$NF] += $i }
		END { for (q in n) if (n[q] > 20) used++; print used }' /proc/interrupts)
	[ "$n" = 2 ] && [ "$(cat /tmp/told1 /tmp/told2 | sort -u)" = "$(sum </tmp/less)" ]
	verdict queues $? "$n have more than 20 interrupts: $(grep virtio0 /proc/interrupts)"
fi

grep virtio /proc/interrupts
cat /sys/class/net/eth0/statistics/rx_errors /sys/class/net/eth0/statistics/tx_errors
echo "NET wants no tap"
i=0
while [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && [ $i -lt 20 ]; do
	sleep 0.5
	i=$((i + 1))
done
[ "$(cat /sys/class/net/eth0/carrier)" = 0 ]
verdict link-down $? "carrier $(cat /sys/class/net/eth0/carrier)"
no_complaints 'nobody cared|NETDEV WATCHDOG|virtio.*(error|fail)'
exit $bad
