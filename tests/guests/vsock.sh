# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the guest of ./vsock. Of the host, port 7001 tells what it got, 7002 sends
# and at 7003 it gives its verdict on this guest's ports: 7011 tells what it got,
# 7012 sends that back and 7013 stays silent. A verdict for each
# claim.
. /guest.sh
sum() {
	sha256sum | cut -d' ' -f1
}
load_modules

dd if=/dev/urandom of=/tmp/data bs=1M count=4 2>/dev/null
told=$(/vsock connect 2 7001 </tmp/data)
[ "$told" = "$(sum </tmp/data)" ]
verdict to-host $? "the host got $told"
/vsock connect 2 7002 </dev/null >/tmp/got
[ "$(tail -c 65 /tmp/got)" = "$(head -c 4194304 /tmp/got | sum)" ]
verdict from-host $? "$(wc -c </tmp/got) bytes came"
# Both ways at once
/vsock connect 2 7002 </dev/null >/tmp/got &
told=$(/vsock connect 2 7001 </tmp/data)
wait
[ "$told" = "$(sum </tmp/data)" ] &&
	[ "$(tail -c 65 /tmp/got)" = "$(head -c 4194304 /tmp/got | sum)" ]
verdict both $? "the host got $told, $(wc -c </tmp/got) bytes came"
said=$(/vsock connect 2 7999 </dev/null 2>&1)
[ "$said" = "connect: Connection reset by peer" ]
verdict refused-by-host $? "$said"

/vsock serve 7011 sha256sum &
/vsock serve 7012 cat &
/vsock serve 7013 sleep 1000 &
sleep 1
said=$(/vsock connect 2 7003 </dev/null)
[ "$said" = ok ]
verdict served $? "$said"
grep virtio /proc/interrupts
no_complaints 'nobody cared|virtio.*(error|fail)'
exit $bad
