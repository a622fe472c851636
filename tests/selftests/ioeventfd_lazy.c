// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for the eventfd of a lazy doorbell does not take the processor from the
 * guest: it is run for several doorbells at once, yet no later than defer_us says.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/utsname.h>

#include "hvt_eventfd.h"

#define PORT		0xa8
#define N		400
#define ROUNDS		41
#define FLAG		0x20000
#define PARAM		"/sys/module/hvmon/parameters/defer_us"

GUEST64(many,
	"1: out %eax, $0xe4\n"
	"mov $400, %esi\n"
	"2: out %al, $0xa8\n"
	"dec %esi\n"
	"jnz 2b\n"
	"jmp 1b\n");

/* Rings once, and does nothing that would leave the guest until it is heard */
GUEST64(lonely,
	"sti\n"				/* or Bochs withholds the host's interrupts */
	"mov $0x20000, %rbx\n"
	"1: out %eax, $0xe4\n"
	"movl $1, (%rbx)\n"
	"rdtsc\n"
	"mov %eax, %esi\n"
	"out %al, $0xa8\n"
	"2: cmpl $0, (%rbx)\n"
	"jne 2b\n"
	"rdtsc\n"
	"sub %esi, %eax\n"
	"jmp 1b\n");

static int fd;
static u32 wakes;
static u32 *flag;
static pthread_barrier_t ready;

/* The scheduler runs it as soon as it is woken */
static void *reader(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	u64 n;

	(void)arg;
	SYS(sched_setscheduler(0, SCHED_FIFO, &param));
	pthread_barrier_wait(&ready);
	while (read(fd, &n, sizeof(n)) == sizeof(n)) {
		__atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
		__atomic_store_n(flag, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

static char old_value[16];

static int set(const char *value)
{
	int f = SYS(open(PARAM, O_WRONLY)), r = 0;

	if (write(f, value, strlen(value)) < 0)
		r = errno;
	close(f);
	return r;
}

static void restore(void)
{
	set(old_value);
}

static u32 wakes_of(struct hvt_vcpu *v, u32 flags)
{
	u32 before = __atomic_load_n(&wakes, __ATOMIC_RELAXED);

	hvt_ioeventfd(v->vm, HVMON_IOEVENTFD_PIO | flags, PORT, 1, 0, fd);
	EXPECT_REPORT(v);
	hvt_sleep_ms(10);
	SYS(hvt_try_ioeventfd(v->vm->fd, HVMON_IOEVENTFD_PIO | HVMON_IOEVENTFD_DEASSIGN, PORT, 1,
			      0, fd));
	return __atomic_load_n(&wakes, __ATOMIC_RELAXED) - before;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Of the time from the doorbell to its reader, in thousands of the TSC's cycles */
static int median(struct hvt_vcpu *v)
{
	int t[ROUNDS];

	EXPECT_REPORT(v);
	for (int i = 0; i < ROUNDS; i++)
		t[i] = EXPECT_REPORT(v) / 1000;
	qsort(t, ROUNDS, sizeof(*t), compare);
	return t[ROUNDS / 2];
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	SYS(sched_setaffinity(0, sizeof(set), &set));
}

int main(void)
{
	int cycles_per_us = hvt_info().tsc_khz / 1000, f, got, tries;
	struct hvt_vcpu *v = HVT_BOOT(64, many), *w = HVT_BOOT(64, lonely);
	struct utsname u;
	pthread_t t;
	u32 eager, lazy;

	SYS(uname(&u));
	if (strstr(u.version, "PREEMPT_RT"))
		hvt_skip("PREEMPT_RT leaves the section for it");
	f = SYS(open(PARAM, O_RDONLY));
	CHECK(read(f, old_value, sizeof(old_value) - 1) > 0, "no value");
	close(f);
	atexit(restore);
	CHECK_EQ(set("1001"), EINVAL);
	CHECK_EQ(set("-1"), EINVAL);
	CHECK_EQ(set("soon"), EINVAL);

	pin();
	fd = SYS(eventfd(0, EFD_CLOEXEC));
	flag = (u32 *)(w->vm->mem + FLAG);
	pthread_barrier_init(&ready, NULL, 2);
	CHECK(!pthread_create(&t, NULL, reader, NULL), "no thread");
	pthread_barrier_wait(&ready);
	EXPECT_REPORT(v);
	CHECK_EQ(set("1000"), 0);
	eager = wakes_of(v, 0);
	lazy = wakes_of(v, HVMON_IOEVENTFD_LAZY);
	CHECK(eager > N / 2, "%u doorbells woke the reader %u times", N, eager);
	CHECK(lazy && lazy < eager / 2, "%u lazy ones %u times, others %u times", N, lazy, eager);
	CHECK_EQ(set("0"), 0);
	eager = wakes_of(v, HVMON_IOEVENTFD_LAZY);
	CHECK(eager > N / 2, "without a time %u lazy ones woke it %u times", N, eager);

	/* The host's tick comes every 4 ms, 2 ms later on average. A busy host may be late */
	CHECK_EQ(set("200"), 0);
	hvt_ioeventfd(w->vm, HVMON_IOEVENTFD_PIO | HVMON_IOEVENTFD_LAZY, PORT, 1, 0, fd);
	for (tries = 0; tries < 5; tries++) {
		got = median(w) * 1000 / cycles_per_us;
		printf("# heard after %d us\n", got);
		CHECK(got >= 150, "heard after %d us", got);
		if (got < 1000)
			return 0;
	}
	FAIL("heard after %d us", got);
}
