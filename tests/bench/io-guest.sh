# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./io-host: a mark for the boot, then each row of
# bench.rows=NAME,... to warm up, then three times with one and with three times the
# row's amount of work. A line "MARK NAME" on hvc0 after each, "BAD WHY" for what
# failed, "DONE".
. /guest.sh
rows=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	bench.count=*) "${word#*=}" ;;
	bench.rows=*) rows=$(echo "${word#*=}" | tr , ' ') ;;
	esac
done
load_modules
stty -F /dev/hvc0 raw -echo
exec >/dev/hvc0 2>&1
ip addr add 10.9.9.2/24 dev eth0 && ip link set eth0 up || echo "BAD no network"
i=0
until ping -q -c 1 -W 1 10.9.9.1 >/dev/null || [ $((i += 1)) = 10 ]; do
	:
done

# disk RW BLOCK DEPTH MIB
disk() {
	fio --name=row --filename=/dev/vda --size=96m --direct=1 --ioengine=libaio --thread \
		--rw="$1" --bs="$2" --iodepth="$3" --io_size="$4m" --norandommap --eta=never
}

# work ROW AMOUNT: as much as tests/bench/guestio.py says, AMOUNT times
work() {
	case $1 in
	fio_randread) disk randread 4k 16 $((24 * $2)) ;;
	fio_randwrite) disk randwrite 4k 16 $((24 * $2)) ;;
	fio_read) disk read 1m 4 $((1024 * $2)) ;;
	fio_write) disk write 1m 4 $((1024 * $2)) ;;
	iperf_to_host) iperf3 -c 10.9.9.1 -n $((128 * $2))M ;;
	iperf_to_guest) iperf3 -c 10.9.9.1 -R -n $((128 * $2))M ;;
	ping) ping -q -A -c $((500 * $2)) 10.9.9.1 ;;
	*) ! echo "there is no such row" ;;
	esac
}

for row in $rows; do
	for amount in 1 1 3 1 3 1 3; do
		work "$row" $amount >/tmp/said 2>&1 ||
			echo "BAD $row: $(grep -v '^$' /tmp/said | tail -n 1)"
		echo "MARK $row"
	done
done
echo DONE
