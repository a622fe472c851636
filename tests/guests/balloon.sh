# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./balloon: fills MiB of a tmpfs, as balloon.fill=MIB says,
# and frees them; ./balloon watches what the host has of it. With balloon.held=MIB
# so much is to be in the balloon first. A verdict for each claim.
. /guest.sh
# MiB that meminfo has under NAME
mib() {
	echo $(($(sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo) / 1024))
}
fill=0 held=0
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	balloon.fill=*) fill=${word#*=} ;;
	balloon.held=*) held=${word#*=} ;;
	esac
done
free=$(mib MemAvailable)
load_modules
if [ "$held" != 0 ]; then
	i=0
	while [ $((free - $(mib MemAvailable))) -lt $((held - 10)) ] && [ $i -lt 100 ]; do
		sleep 0.2
		i=$((i + 1))
	done
	[ $((free - $(mib MemAvailable))) -ge $((held - 10)) ]
	verdict held $? "$free MiB were available, $(mib MemAvailable) MiB are"
fi
echo "BALLOON fills"
mkdir -p /mnt
mount -t tmpfs -o size=95% tmpfs /mnt
dd if=/dev/zero of=/mnt/data bs=1M count="$fill" 2>/dev/null
[ "$(wc -c </mnt/data)" = $((fill << 20)) ]
verdict filled $? "$(wc -c </mnt/data) bytes"
# Longer than ./balloon looks away
sleep 2
rm /mnt/data
echo "BALLOON frees"
# Two seconds pass before Linux reports what is free, and again between its rounds;
# the device wants statistics every five
sleep 8
# What is given back is good memory
dd if=/dev/urandom of=/mnt/data bs=1M count=16 2>/dev/null
sum=$(sha256sum </mnt/data)
cp /mnt/data /mnt/copy && [ "$(sha256sum </mnt/copy)" = "$sum" ]
verdict again $? "what was written differs"
no_complaints 'Out of memory|oom-kill|virtio.*(error|fail)'
exit $bad
