// SPDX-License-Identifier: GPL-2.0
/*
 * Steal time grows while another thread has the vCPU's processor, and the
 * others see "preempted" then; the guest itself never sees that, nor an odd
 * version, nor less time stolen than before.
 */
#include "hvt.h"

#define PAGE	0x102000

/* Documentation/virt/kvm/x86/msr.rst */
struct steal {
	u64 steal;
	u32 version, flags;
	u8 preempted;
};

GUEST64(guest,
	"mov $0x4b564d03, %ecx\n"
	"mov $0x102001, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"xor %ebx, %ebx\n"
	"xor %eax, %eax\n"
	G_REPORT
	"1: testb $1, 0x102008\n"
	"mov $1, %eax\n"
	"jnz 2f\n"
	"cmpb $0, 0x102010\n"
	"mov $2, %eax\n"
	"jne 2f\n"
	"mov 0x102000, %rcx\n"
	"cmp %rbx, %rcx\n"
	"mov $3, %eax\n"
	"jb 2f\n"
	"mov %rcx, %rbx\n"
	"pause\n"
	"jmp 1b\n"
	"2: out %eax, $0xf4\n");	/* HVT_PORT_STOP */

static volatile bool stop;

static void *compete(void *arg)
{
	while (!stop)
		;
	return arg;
}

/* Where the test may run; not all processors, perhaps */
static cpu_set_t ours;

/* @n counts from 0 */
static void pin(pthread_t thread, int n)
{
	cpu_set_t set;
	int cpu;

	for (cpu = 0; !CPU_ISSET(cpu, &ours) || n--; cpu++)
		;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		FAIL("cannot pin a thread to CPU %d", cpu);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile struct steal *st = (struct steal *)(v->vm->mem + PAGE);
	static const char *const found[] = {
		"nothing", "an odd version", "itself preempted", "less time stolen",
	};
	bool many;
	u32 in = 0, out = 0, version;
	u64 before, start, real;
	struct hvt_thread t;
	pthread_t rival;

	hvt_spawn(&t, v);
	SYS(sched_getaffinity(0, sizeof(ours), &ours));
	many = CPU_COUNT(&ours) > 1;
	pin(t.thread, 0);
	pin(pthread_self(), many);
	hvt_wait_reports(&t, 0);
	hvt_sleep_ms(100);
	before = st->steal;
	version = st->version;
	start = hvt_now_ns();
	if (pthread_create(&rival, NULL, compete, NULL))
		FAIL("pthread_create failed");
	pin(rival, 0);
	while (hvt_now_ns() - start < 1000000000) {
		if (st->preempted & 1)
			out++;
		else
			in++;
	}
	stop = true;
	pthread_join(rival, NULL);
	hvt_sleep_ms(100);
	real = hvt_now_ns() - start;
	CHECK(!t.ended, "the guest found %s", found[*(u32 *)v->run->data & 3]);
	CHECK(st->steal - before > 100000000 && st->steal - before < real,
	      "%llu ns were stolen of %llu", (unsigned long long)(st->steal - before),
	      (unsigned long long)real);
	CHECK(st->version > version, "the version is still %u", version);
	CHECK(out, "it was never seen preempted");
	CHECK(in || !many, "it was always seen preempted");
	hvt_stop(&t);
	return 0;
}
