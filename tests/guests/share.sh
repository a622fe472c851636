# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./share: the tag "folder" has from-host, with the digest in
# share.sum, share.tag is that of a folder that cannot be written. A verdict for each
# claim; prints "SHARE wants a file" for sub/late, "SHARE wants no virtiofsd" when the
# one behind "folder" may be killed, and "SUM digest" of what to-host has.
. /guest.sh
want='' tag=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	share.sum=*) want=${word#*=} ;;
	share.tag=*) tag=${word#*=} ;;
	esac
done
sum() {
	sha256sum <"$1" | cut -d' ' -f1
}
load_modules
mkdir -p /folder /ro /others
mount -t virtiofs folder /folder && mount -t virtiofs "$tag" /ro &&
	mount -t virtiofs others /others && ! mount -t virtiofs nobody /root 2>/dev/null
verdict mounted $? "$(grep virtiofs /proc/mounts)"
cd /folder || exit 1

# Both processors at once; the second time past the guest's cache
sum from-host >/tmp/a &
sum from-host >/tmp/b
wait
echo 3 >/proc/sys/vm/drop_caches
[ "$(cat /tmp/a)" = "$want" ] && [ "$(cat /tmp/b)" = "$want" ] && [ "$(sum from-host)" = "$want" ]
verdict from-host $? "read as $(cat /tmp/a /tmp/b), $(sum from-host)"
dd if=/dev/urandom of=/tmp/data bs=1M count=16 2>/dev/null
dd if=/tmp/data of=to-host bs=64k conv=fsync 2>/dev/null
echo "SUM $(sum /tmp/data)"

echo one >old
echo kept >target
mv old new && mv new target && mv target new && [ ! -e old ] && [ ! -e target ] &&
	[ "$(cat new)" = one ] && echo two >>new && [ "$(cat new)" = "one
two" ]
verdict rename $? "$(ls -l)"
ln -s sub/none soft && ln new hard && [ "$(readlink soft)" = sub/none ] && [ ! -e soft ] &&
	[ "$(stat -c %h new)" = 2 ]
verdict links $? "$(ls -l)"
chmod 2750 new && [ "$(stat -c %a new)" = 2750 ] && [ "$(stat -c %a hard)" = 2750 ]
verdict mode $? "$(stat -c %a new hard)"
said=$(cat none 2>&1) || said="$said, $(rmdir sub/none/none 2>&1), $(rmdir from-host 2>&1)"
[ "$said" = "cat: can't open 'none': No such file or directory, rmdir: 'sub/none/none': No such file or directory, rmdir: 'from-host': Not a directory" ]
verdict missing $? "$said"
mkdir many
i=0
while [ $i -lt 300 ]; do
	: >"many/a-file-with-a-name-of-some-length-$i"
	i=$((i + 1))
done
[ "$(find many -type f | wc -l)" = 300 ] && rm many/*1 && [ "$(find many -type f | wc -l)" = 270 ] &&
	rm -r many && [ ! -e many ]
verdict listing $? "$(find many -type f | wc -l) files"
[ ! -e sub/late ]
echo "SHARE wants a file"
i=0
while [ "$(cat sub/late 2>/dev/null)" != late ] && [ $i -lt 100 ]; do
	sleep 0.2
	i=$((i + 1))
done
verdict late $((i == 100)) "$(ls sub)"
said=$({ echo x >/ro/file; } 2>&1; rm /ro/file 2>&1; cat /ro/file)
case $said in
*"Read-only file system"*"Read-only file system"*read-only) ;;
*) false ;;
esac
verdict read-only $? "$said"
[ "$(cat /others/file)" = "another's" ]
verdict others $? "$(ls -l /others)"

echo "SHARE wants no virtiofsd"
i=0
while dd if=/tmp/data of=to-nobody bs=64k conv=fsync 2>/tmp/said && [ $i -lt 1000 ]; do
	i=$((i + 1))
done
grep -q 'not connected' /tmp/said
verdict killed-under-way $? "$(cat /tmp/said)"
said=$(ls /folder/sub 2>&1; cat /folder/from-nowhere 2>&1)
case $said in
*"not connected"*"not connected"*) ;;
*) false ;;
esac
verdict killed $? "$said"
# What the kernel asks first when it mounts is an error, too
cd / && umount /folder && mount -t virtiofs folder /folder && ! ls /folder 2>/tmp/said &&
	umount /folder && ! grep -q /folder /proc/mounts
verdict unmounted $? "$(cat /tmp/said)"
[ "$(cat /ro/file)" = read-only ] && echo more >/others/new && [ "$(cat /others/new)" = more ] &&
	umount /ro && umount /others
verdict the-others-go-on $? "$(ls -l /ro /others)"
grep virtio /proc/interrupts
no_complaints 'nobody cared|virtio.*(error|fail)|hung_task'
exit $bad
