# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# In the lab host: the guest of ./debian on /dev/vda, with its sshd at port 2222.
# Sourced, with $debian (the folder that ./debian printed), $kernel (the directory
# of its kernel) and $initrd set.
# shellcheck disable=SC2034,SC2154

PATH=$PATH:/usr/sbin:/sbin

# debian_image KERNEL-DIRECTORY OUT: the initramfs that enters it; prints its path
debian_image() {
	"$(dirname "${BASH_SOURCE[0]}")/initrd" demo --out "$2" --modules \
		"$1:virtio_blk,virtio_net,virtio-rng,ext4,button,evdev,af_packet"
}

# debian_options WORDS: what hvmon-run is to be given, in $options; WORDS are for the
# kernel's command line
debian_options() {
	options=(--kernel "$kernel/vmlinuz" --initrd "$initrd" --memory 512
		--append "console=ttyS0 quiet systemd.show_status=0 guest.root=/dev/vda $1"
		--disk /dev/vda --net "user,hostfwd=tcp:127.0.0.1:2222-:22" --rng)
}

# guest COMMAND...: in it, over ssh
guest() {
	ssh -q -p 2222 -i "$debian/id_ed25519" -o HostKeyAlias=guest \
		-o UserKnownHostsFile="$debian/known_hosts" -o StrictHostKeyChecking=yes \
		-o BatchMode=yes -o ConnectTimeout=10 root@127.0.0.1 "$@"
}

# debian_start [OPTION...]: in the background, as process $pid, with its console
# in /tmp/console and hvmon-run's words in /tmp/said; true when ssh gets in
debian_start() {
	ip link set lo up
	debian_options ''
	: >/tmp/console
	hvmon-run "${options[@]}" --serial file:/tmp/console "$@" </dev/null 2>/tmp/said &
	pid=$!
	while ! guest true </dev/null; do
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.5
	done
}

# debian_ended SECONDS: hvmon-run's status in $status; it is killed after the time
debian_ended() {
	local n=$(($1 * 5))
	while kill -0 "$pid" 2>/dev/null && [ $n -gt 0 ]; do
		sleep 0.2
		n=$((n - 1))
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid"
	status=$?
}
