#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Bad command lines of hvmon-run: one line on standard error that begins with
# its name, the documented status, and nothing on standard output.
# Usage: HVMON_RUN=PATH sh cmdline_test.sh

run=${HVMON_RUN:?the path of hvmon-run}
program=$run label=cmdline
. "$(dirname "$0")/refuse.sh"

head -c 512 /dev/zero >"$dir/flat"
: >"$dir/empty"
nodev="--device $dir/none"

refuse 2 'nothing to boot'
refuse 2 '--frobnicate: unknown option' --frobnicate
refuse 2 '-kernel: unknown option; options begin with --' -kernel x
refuse 2 '--me: several options begin so' --kernel x --me 512
refuse 2 '--rng: it takes no argument' --kernel x --rng=1
refuse 2 '--ask: it comes before' --verbose --ask /path list
refuse 2 '--flat-mode: it goes with --flat' --flat-mode 16 --kernel x
for option in kernel initrd firmware device control config; do
	refuse 2 "$option: the name of a file is empty" "--$option" ''
done
refuse 2 '--kernel: an argument is missing' --kernel
refuse 2 'unexpected argument' --kernel x y
refuse 2 'one of them' --kernel x --flat y@0
refuse 2 'FILE@ADDR' --flat x
refuse 2 'FILE@ADDR' --flat x@
refuse 2 'FILE@ADDR' --flat x@-5
refuse 2 '1 to 64' --cpus 0 --kernel x
refuse 2 '1 to 64' --cpus 1000 --kernel x
refuse 2 'not a number' --cpus two --kernel x
refuse 2 'not a number' --cpus -1 --kernel x
refuse 2 'not with --kernel or --flat' --firmware x --kernel y
refuse 2 'go with --kernel' --firmware x --append y
refuse 2 'go with --kernel' --firmware x --initrd y
refuse 2 'goes with --firmware' --boot-menu --kernel x
refuse 2 'No such file' --firmware "$dir/none"
refuse 2 'not a regular file' --firmware "$dir"
refuse 2 '512 bytes are no firmware image' --firmware "$dir/flat"
refuse 2 '0 bytes are no firmware image' --firmware "$dir/empty"
refuse 2 'console and --debug-console: one' --console stdio --debug-console stdio --kernel x
refuse 2 'serial and --debug-console: one' --serial stdio --debug-console stdio --kernel x
refuse 2 'stdio, file' --debug-console vga --kernel x
refuse 2 'memory 10T: want a whole number of MiB' --memory 10T --kernel x
refuse 2 'memory 1.5G: want a whole number of MiB' --memory 1.5G --kernel x
refuse 2 '2 MiB' --memory 0 --kernel x
refuse 2 'more than any' --memory 99999999999999999 --kernel x
refuse 2 'not a number' --memory 99999999999999999999999 --kernel x
refuse 2 "more than the host's" --memory 900000G --kernel x
refuse 2 '--balloon-target all: not a number' --balloon-target all --kernel x
refuse 2 'target 100K: want a whole number' --balloon-target 100K --kernel x
refuse 2 '2 MiB at least' --balloon-target 1 --kernel x
refuse 2 "513 MiB are more than --memory's 512 MiB" --balloon-target 513 --kernel x
refuse 2 'not with --memory-backend hugetlb' --balloon --memory-backend hugetlb --kernel x
refuse 2 'not with --memory-backend hugetlb' --balloon-target 5 --memory-backend hugetlb --kernel x
refuse 2 'stdio, file' --serial com1 --kernel x
refuse 2 '31 characters' --name 12345678901234567890123456789012 --kernel x
refuse 2 'printable' --name a/b --kernel x
refuse 2 'tdp or shadow' --mmu ept --kernel x
refuse 2 'anon, memfd' --memory-backend disk --kernel x
refuse 2 '16, 32 or 64' --flat-mode 8 --kernel x
refuse 2 'stdio, file' --console hvc0 --kernel x
refuse 2 'can be stdio' --serial stdio --console stdio --kernel x
refuse 2 'want FILE' --disk '' --kernel x
refuse 2 'x2: not one .* hidden: x2apic .* rdtscp' --cpu-without pcid,x2 --kernel x
refuse 2 'want NAME' --cpu-without '' --kernel x
refuse 2 'want FILE' --disk ,ro --kernel x
refuse 2 'want format=' --disk x,size=5 --kernel x
refuse 2 'want raw or qcow2' --disk x,format=vmdk --kernel x
refuse 2 'want vhost-user=SOCKET' --disk vhost-user= --kernel x
refuse 2 'not with vhost-user' --disk vhost-user=s,format=raw --kernel x
refuse 2 'not with vhost-user' --disk vhost-user=s,cache=none --kernel x
refuse 2 'can be shared' --disk vhost-user=s --memory-backend hugetlb --kernel x
refuse 2 'none or writeback' --disk x,cache=unsafe --kernel x
refuse 2 'bus=ide: want virtio or scsi' --disk x,bus=ide --kernel x
refuse 2 'bus=: want virtio or scsi' --disk x,bus= --kernel x
refuse 2 'bus=virtio: it has a bus already' --disk x,bus=scsi,bus=virtio --kernel x
refuse 2 'bus=scsi: it has a bus already' --disk vhost-user=s,bus=scsi,bus=scsi --kernel x
refuse 2 'split or packed' --disk x,ring=round --kernel x
refuse 2 'iothread, iops=' --disk x,iothread=2 --kernel x
refuse 2 'iothread: only for format=raw' --disk x,iothread=1,format=qcow2 --kernel x
refuse 2 'iothread: only for format=raw' --disk vhost-user=s,iothread --kernel x
refuse 2 'iops=no: not a number' --disk x,iops=no --kernel x
refuse 2 'iops=1K: a number has no unit' --disk x,iops=1K --kernel x
refuse 2 'bps=1T: the unit is K, M or G' --disk x,bps=1T --kernel x
refuse 2 'bps=1gb: the unit is K, M or G' --disk x,bps=1gb --kernel x
refuse 2 'bps=17179869185G: want 1 at least, and no more' --disk x,bps=17179869185G --kernel x
refuse 2 'bps=1025g: want 1 at least, and no more' --disk x,bps=1025g --kernel x
refuse 2 'bps=0: want 1' --disk x,bps=0 --kernel x
refuse 2 '1 to 20 characters' --disk x,serial=123456789012345678901 --kernel x
refuse 2 'want tap=NAME, bridge=NAME or user' --net users --kernel x
refuse 2 'want tap=NAME, bridge=NAME or user' --net user=x --kernel x
refuse 2 'want NAME of 1 to 15' --net tap=a234567890123456 --kernel x
refuse 2 'want NAME of 1 to 15' --net bridge= --kernel x
for tag in '' 0 4095 -1 1x 65537; do
	refuse 2 "tag=$tag: want 1 to 4094" --net "bridge=br,tag=$tag" --kernel x
done
for n in '' 0 9 -1 2x; do
	refuse 2 "queues=$n: want 1 to 8" --net "tap=t,queues=$n" --kernel x
done
refuse 2 'want mac=, queues=, tag= or vhost' --net bridge=br,vlan=1 --kernel x
refuse 2 'want mac=, queues= or vhost' --net tap=t,tag=1 --kernel x
refuse 2 'want hostfwd=' --net user,queues=2 --kernel x
refuse 2 'want hostfwd=' --net user,tag=1 --kernel x
refuse 2 'no such interface' --net bridge=hvmon-none --kernel x
refuse 2 'not a bridge' --net bridge=lo --kernel x
refuse 2 'no such interface' --net tap=hvmon-none,queues=2 --kernel x
refuse 2 'want mac=' --net tap=t,hostfwd=tcp::2222-:22 --kernel x
refuse 2 'want hostfwd=' --net user,bridge=x --kernel x
for f in '' tcp tcp: tcp::22 tcp::22-22 tcp:22-:22 tcp::-:22 tcp::0-:22 tcp::65536-:22 \
	tcp::22-:22x tcp:127.0.0:22-:22 tcp:localhost:22-:22 sctp::22-:22 udp::22-:22-:22 \
	tcp::-1-:22 tcp:::22-:22; do
	refuse 2 "hostfwd=$f: want tcp|udp" --net "user,hostfwd=$f" --kernel x
done
refuse 2 'want six bytes' --net tap=t,mac=02:00:00:00:00 --kernel x
refuse 2 'want six bytes' --net tap=t,mac=02:00:00:00:00:01x --kernel x
refuse 2 'of a group' --net tap=t,mac=03:00:00:00:00:01 --kernel x
refuse 2 'two interfaces' --net tap=t,mac=02:00:00:00:00:01 \
	--net tap=u,mac=02:00:00:00:00:01 --kernel x
for cid in '' 3 cid= cid=x cid=-3 cid=3,4 cid=0x10 port=3; do
	refuse 2 "vsock $cid: want cid=N" --vsock "$cid" --kernel x
done
for n in 0 2 4294967295 4294967299; do
	refuse 2 "cid=$n: want 3 to 4294967294" --vsock "cid=$n" --kernel x
done
tag37=$(printf 'é%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)x
refuse 2 'want DIR,tag=NAME' --share '' --kernel x
refuse 2 'want DIR,tag=NAME' --share ,tag=x --kernel x
refuse 2 "share $dir: want tag=NAME" --share "$dir" --kernel x
refuse 2 'tag=: want 1 to 36 bytes' --share "$dir,tag=" --kernel x
refuse 2 "tag=$tag37: want 1 to 36 bytes" --share "$dir,tag=$tag37" --kernel x
refuse 2 'a control character' --share "$dir,tag=$(printf 'a\tb')" --kernel x
refuse 2 'tag=x: two shares have it' --share "$dir,tag=x" --share "$dir,tag=x,ro" --kernel x
refuse 2 'want tag= or ro' --share "$dir,tag=x,rw" --kernel x
refuse 2 'want vhost-user=SOCKET' --share vhost-user=,tag=x --kernel x
refuse 2 'not with vhost-user' --share vhost-user=s,tag=x,ro --kernel x
refuse 2 "share $dir: its process needs .* not --memory-backend hugetlb" --share "$dir,tag=x" \
	--memory-backend hugetlb --kernel x
refuse 2 'No such file' --kernel "$dir/none"
refuse 2 'empty' --kernel "$dir/empty"
refuse 2 'not a regular file' --kernel "$dir"
refuse 2 'needs --flat' --kernel "$dir/flat"
refuse 2 'No such file' --flat "$dir/flat@0x1000" --initrd "$dir/none"
refuse 2 'overlaps 0x90000-0xfffff' --flat "$dir/flat@0x90000"
refuse 2 'overlaps 0xc0000000-0xffffffff, where devices' --flat "$dir/flat@0xc0000000" \
	--memory 4G
refuse 2 'outside of guest memory; give more' --flat "$dir/flat@0x20000000"
refuse 2 '4095' --flat "$dir/flat@0x1000" --append "$(head -c 5000 /dev/zero | tr '\0' x)"
flat="--flat $dir/flat@0x1000"
: >"$dir/disk" && truncate -s 1000 "$dir/odd"
# shellcheck disable=SC2086
{
	refuse 2 'none: No such file' $flat --disk "$dir/none,ro"
	refuse 2 'none: No such file' $flat --disk "$dir/none,format=qcow2"
	refuse 2 'socket: No such file' $flat --disk "vhost-user=$dir/socket"
	refuse 2 'not in qcow2 format' $flat --disk "$dir/odd,format=qcow2"
	refuse 2 'it is empty' $flat --disk "$dir/disk"
	refuse 2 'a directory' $flat --disk "$dir"
	refuse 2 '1000 bytes are not a multiple' $flat --disk "$dir/odd"
	printf 'QFI\373' >"$dir/image"
	refuse 2 'a qcow2 image: give format=qcow2, or format=raw' $flat --disk "$dir/image"
	truncate -s 4096 "$dir/image"
	refuse 2 'a qcow2 image: give' $flat --disk "$dir/image,ro,cache=none"
	refuse 4 'modprobe hvmon' $flat $nodev --disk "$dir/image,format=raw"
	printf 'KDMV' | dd of="$dir/image" conv=notrunc status=none
	refuse 2 'a VMDK image: convert it' $flat --disk "$dir/image,serial=x"
	truncate -s 1024 "$dir/disk"
	refuse 2 'disk: given twice' $flat --disk "$dir/disk" --disk "$dir/disk,ro"
	ln -s disk "$dir/link"
	refuse 2 'link: in use by another' $flat --disk "$dir/disk" --disk "$dir/link"
	refuse 2 'none: No such file' $flat --share "$dir/none,tag=x"
	refuse 2 'disk: not a directory' $flat --share "$dir/disk,tag=x"
	refuse 2 'socket: No such file' $flat --share "vhost-user=$dir/socket,tag=x"
}
# Where the one of the machine would come first, ours is not found
if [ ! -e /usr/libexec/virtiofsd ] && [ ! -e /usr/lib/qemu/virtiofsd ]; then
	mkdir "$dir/bin"
	# shellcheck disable=SC2016 # for the script that is made
	printf '#!/bin/sh\nPATH=%s exec %s "$@"\n' "$dir" "$(realpath "$run")" >"$dir/bin/hvmon-run"
	chmod +x "$dir/bin/hvmon-run"
	program=$dir/bin/hvmon-run
	# shellcheck disable=SC2086
	refuse 4 "share $dir: no virtiofsd in .*; install it" $flat --share "$dir,tag=x"
	# shellcheck disable=SC2086
	refuse 2 'qemu-storage-daemon: not found; install it' $flat --disk "$dir/odd,format=qcow2"
	printf '#!/bin/sh\necho "what help?"\n' >"$dir/virtiofsd"
	chmod +x "$dir/virtiofsd"
	# shellcheck disable=SC2086
	refuse 4 "neither QEMU's virtiofsd nor" $flat --share "$dir,tag=x"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ "$1" = --help ] && echo --shared-dir && exit\necho no rights >&2; exit 1\n' \
		>"$dir/virtiofsd"
	# shellcheck disable=SC2086
	refuse 4 "share $dir: virtiofsd: no rights" $flat --share "$dir,tag=x"
	program=$run
fi
# shellcheck disable=SC2086
refuse 4 'modprobe hvmon' --flat "$dir/flat@0x1000" $nodev
refuse 4 'not the hvmon device' --flat "$dir/flat@0x1000" --device /dev/null

# One that has been asked for something
refuse 2 'want --ask PATH COMMAND' --ask
refuse 2 'want --ask PATH COMMAND' --ask "$dir/none"
refuse 2 "$dir/none: No such file" --ask "$dir/none" list
refuse 2 "$dir/flat: Connection refused" --ask "$dir/flat" list
refuse 2 'File name too long' --ask "$(head -c 200 /dev/zero | tr '\0' x)" list
refuse 2 'one line of 8192 bytes' --ask "$dir/none" "$(head -c 8192 /dev/zero | tr '\0' x)"
refuse 2 'one line of 8192 bytes' --ask "$dir/none" 'list
list'
refuse 2 'argument is missing' --control

# config STATUS WORDS LINE...: in a file
config() {
	status=$1 said=$2
	shift 2
	printf '%s\n' "$@" >"$dir/config"
	refuse "$status" "$said" --config "$dir/config"
}
config 2 'nothing to boot' '# a comment' '' 'memory 512'
config 2 'config:2: --cpus 0: a guest has 1 to 64' 'memory 512M' 'cpus 0'
config 2 'config:1: --memory: not an option for a file' '--memory 512'
config 2 'config:3: frob: not an option' 'rng' '' '  frob 1'
config 2 'config:1: kernel: an argument is missing' 'kernel '
config 2 'config:1: rng: it takes no argument' 'rng yes'
config 2 'config:1: config: not an option for a file' "config $dir/config"
config 2 'config:2: --kernel and --flat: one of them' 'kernel x' 'kernel y'
config 2 "$dir/none: No such file" "kernel $dir/none" 'append a b  c # d'
a='disk a,ro'
config 2 'config:17: --disk: a guest has 16 disks' "$a" "$a" "$a" "$a" "$a" "$a" "$a" "$a" "$a" \
	"$a" "$a" "$a" "$a" "$a" "$a" "$a" "$a"
config 2 'config:9: --share: a guest has 8 shares' 'share /,tag=1' 'share /,tag=2' 'share /,tag=3' \
	'share /,tag=4' 'share /,tag=5' 'share /,tag=6' 'share /,tag=7' 'share /,tag=8' 'share /,tag=9'
config 4 'modprobe hvmon' "  flat   $dir/flat@0x1000  " "device $dir/none" 'serial none'
printf 'kernel x\0\n' >"$dir/config"
refuse 2 'config:1: a byte of 0' --config "$dir/config"
refuse 2 "config $dir/none: No such file" --config "$dir/none"
refuse 2 "config $dir: Is a directory" --config "$dir"

if "$run" --help | grep -q -- --testdev && "$run" --version | grep -q '^hvmon-run [0-9]'; then
	echo "ok cmdline: --help and --version"
else
	echo "not ok cmdline: --help and --version"
	fails=$((fails + 1))
fi
[ "$fails" = 0 ]
