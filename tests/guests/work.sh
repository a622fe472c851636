# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs in the work guest: real work with results that are checked. Prints
# "WORK name ok" or "WORK name BAD: why" for each piece.
bad=0
verdict() { # NAME STATUS WHY
	if [ "$2" = 0 ]; then
		echo "WORK $1 ok"
	else
		echo "WORK $1 BAD: $3"
		bad=1
	fi
}

# A build: 24 files, a Makefile, two jobs at once, and the program's answer
mkdir /tmp/build && cd /tmp/build || exit 1
i=0
{
	echo 'all: sum'
	printf 'OBJS ='
	while [ $i -lt 24 ]; do printf ' f%d.o' $i; i=$((i + 1)); done
	echo
	echo 'sum: main.o $(OBJS)'
	echo '	tcc -o $@ $^ -lm'
	echo '%.o: %.c'
	echo '	tcc -c -o $@ $<'
} >Makefile
{
	echo '#include <stdio.h>'
	echo '#include <math.h>'
	i=0
	while [ $i -lt 24 ]; do echo "int f$i(int);"; i=$((i + 1)); done
	echo 'int main(void) { int s = 0;'
	i=0
	while [ $i -lt 24 ]; do
		cat >f$i.c <<-END
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		static int g(int n) { return n < 2 ? n : g(n - 1) + g(n - 2); }
		int f$i(int x) { char b[64]; snprintf(b, sizeof(b), "%d", g($i % 15) + x); return atoi(b); }
		END
		echo "s += f$i($i);"
		i=$((i + 1))
	done
	echo 'printf("%d %.6f\n", s, sqrt(2.0)); return 0; }'
} >main.c
make -s -j2 >make.log 2>&1 || cat make.log
# Fibonacci numbers of i % 15 for i < 24, plus i each
answer=$(./sum 2>&1)
[ "$answer" = "1316 1.414214" ]
verdict build $? "the program says '$answer'"
cd /

# Vector code of another kind, against known digests
digest=$(dd if=/dev/zero bs=1M count=4 2>/dev/null | openssl sha256 -r)
[ "${digest%% *}" = bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8 ]
verdict sha256 $? "$digest"
dd if=/dev/urandom of=/tmp/plain bs=1M count=2 2>/dev/null
openssl enc -aes-256-ctr -k x -pbkdf2 -iter 10 -in /tmp/plain -out /tmp/cipher 2>/dev/null
openssl enc -d -aes-256-ctr -k x -pbkdf2 -iter 10 -in /tmp/cipher -out /tmp/back 2>/dev/null
cmp /tmp/plain /tmp/back && ! cmp -s /tmp/plain /tmp/cipher
verdict aes $? "what was deciphered differs"
rm -f /tmp/plain /tmp/cipher /tmp/back

out=$(/payload/fpu 15)
verdict fpu $? "$out"
out=$(/payload/forks 1000)
verdict forks $? "$out"
/payload/memory 96 1 >/tmp/m1 &
/payload/memory 96 2 >/tmp/m2
a=$?
wait $!
b=$?
verdict memory $((a | b)) "$(cat /tmp/m1 /tmp/m2)"
exit $bad
