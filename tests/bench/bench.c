// SPDX-License-Identifier: GPL-2.0
/*
 * What operations of a guest cost, in cycles of the TSC: instructions, where it
 * counts those (tests/lab/lab --icount, Bochs); and the kernel memory of VMs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "mark.h"

#define PAGE		4096
#define HUGE		(2UL << 20)
#define IDLE_VMS	40
#define TOUCHED_VMS	4
#define MEMORY_ROUNDS	5
/* What maps IDLE_SIZE by pages of 4 KiB: a table for each 2 MiB */
#define LEAF_TABLES_KIB	(IDLE_SIZE / HUGE * PAGE / 1024)

struct row;

struct bench {
	const struct backend *be;
	const struct row *row;
	struct machine m;
	uint8_t *mem;
	volatile struct words *words;
	int cpu[2];
	int tsc_cpus;		/* processors whose instructions the TSC averages */
	bool cycles;		/* it counts time: nothing is to be subtracted */
	bool marks;		/* insns.c counts, between marks of the guest */
	int doorbell, irqfd;
};

/**
 * struct row - something to measure
 * @name: as on the command line
 * @measure: prints "NAME VALUE"
 * @code: what vCPU 0 runs
 * @other: what vCPU 1 runs, if there is one
 * @rounds: operations between two readings of the TSC
 * @repeats: the least of so many results counts, as timer ticks spoil some
 * @prepare: before each of them, or NULL
 * @setup: before the first one, or NULL
 */
struct row {
	const char *name;
	double (*measure)(struct bench *b);
	const uint8_t *code;
	const uint8_t *other;
	unsigned int rounds;
	unsigned int repeats;
	void (*prepare)(struct bench *b);
	void (*setup)(struct bench *b);
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

static uint8_t *map(size_t size)
{
	/* Aligned for huge pages, so that there can be some */
	char *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("no memory");
	return (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
}

/* ---- threads ---- */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static void policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	must(sched_setscheduler(0, policy, &param), "sched_setscheduler");
}

struct spinner {
	struct bench *b;
	int i;
};

/*
 * Runs where a processor would be idle, and counts the instructions of that:
 * an emulator's TSC jumps over idle time, and these can be subtracted.
 */
static void *spinner(void *arg)
{
	struct spinner *s = arg;

	pin(s->b->cpu[s->i]);
	policy(SCHED_IDLE, 0);
	asm volatile("1: nopl %c1(%%rax)\n\taddl $3, %0\n\tjmp 1b"
		     : "+m"(s->b->words->spin[SPIN_CPU0 + s->i].count) : "i"(WAIT_DISP(2)));
	return NULL;
}

static void start_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		die("no thread");
}

static void spin_when_idle(struct bench *b)
{
	static struct spinner s[2];
	int i;

	if (b->cycles)
		return;
	for (i = 0; i < (b->row->other ? 2 : 1); i++) {
		s[i] = (struct spinner){ b, i };
		start_thread(spinner, &s[i]);
	}
}

/* Waits for the doorbell, above the vCPU's thread, and tells the guest at once */
static void *answerer(void *arg)
{
	struct bench *b = arg;
	uint64_t n, one = 1;

	pin(b->cpu[0]);
	policy(SCHED_FIFO, 1);
	for (;;) {
		if (read(b->doorbell, &n, sizeof(n)) != sizeof(n))
			die("doorbell: %s", strerror(errno));
		if (b->irqfd < 0)
			b->words->flag = 1;
		else if (write(b->irqfd, &one, sizeof(one)) != sizeof(one))
			die("irqfd: %s", strerror(errno));
	}
}

static void start_answerer(struct bench *b)
{
	b->doorbell = must(eventfd(0, 0), "eventfd");
	start_thread(answerer, b);
	usleep(10000);		/* until it waits */
}

static void answer(struct bench *b)
{
	start_answerer(b);
	b->be->ioeventfd(&b->m, b->doorbell);
}

static void answer_irqfd(struct bench *b)
{
	b->irqfd = must(eventfd(0, 0), "eventfd");
	b->be->irqfd(&b->m, b->irqfd);
	answer(b);
}

/* ---- machines ---- */

static void load(uint8_t *mem)
{
	static const uint64_t gdt[4] = { 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	const struct {
		int vector;
		const uint8_t *code;
	} gates[] = {
		{ VECTOR_TIMER, guest_on_timer },
		{ VECTOR_IPI, guest_on_ipi },
		{ VECTOR_IRQFD, guest_on_irqfd },
	};
	size_t i;

	memcpy(mem + CODE_GPA, guest_start, guest_end - guest_start);
	memcpy(mem + GDT_GPA, gdt, sizeof(gdt));
	for (i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		uint64_t at = CODE_GPA + (gates[i].code - guest_start);
		uint64_t gate = (at & 0xffff) | 0x10 << 16 | 0x8eULL << 40 | (at >> 16) << 48;

		memcpy(mem + IDT_GPA + 8 * gates[i].vector, &gate, 8);
	}
}

static void start(struct bench *b, int i, const uint8_t *code)
{
	b->be->vcpu(&b->m, i);
	b->be->start(&b->m, i, CODE_GPA + (code - guest_start), STACK_GPA - PAGE * i, 0);
}

/* Runs to the guest's next result, as a launcher with one device would */
static uint32_t result(struct bench *b, int i)
{
	uint16_t port = 0;
	void *data = NULL;

	for (;;) {
		switch (b->be->run(&b->m, i, &port, &data)) {
		case EXIT_OUT:
			if (port == PORT_RESULT)
				return *(uint32_t *)data;
			break;
		case EXIT_IN:
			*(uint8_t *)data = 1;
			break;
		case EXIT_READ:
			*(uint32_t *)data = 1;
			break;
		case EXIT_WRITE:
			break;
		case EXIT_OTHER:
			b->be->explain(&b->m, i);
			die("%s: the guest ended", b->row->name);
		}
	}
}

static void *other_vcpu(void *arg)
{
	struct bench *b = arg;

	pin(b->cpu[1]);
	result(b, 1);
	return NULL;
}

static long work(const struct bench *b, uint32_t tsc, uint32_t spun)
{
	return b->cycles ? (long)tsc : (long)tsc * b->tsc_cpus - (int32_t)spun;
}

/* ---- rows ---- */

static long least(long n, long so_far)
{
	return so_far < 0 || n < so_far ? n : so_far;
}

static double measure_guest(struct bench *b)
{
	unsigned int i;
	long low = -1;

	load(b->mem);
	b->be->create(&b->m, b->mem, MEM_SIZE);
	b->words->rounds = b->row->rounds;
	start(b, 0, b->row->code);
	if (b->row->setup)
		b->row->setup(b);
	if (b->row->other) {
		start(b, 1, b->row->other);
		start_thread(other_vcpu, b);
		while (!b->words->ready)
			usleep(1000);
	}
	for (i = 0; i < b->row->repeats; i++) {
		uint32_t tsc;

		if (b->row->prepare)
			b->row->prepare(b);
		tsc = result(b, 0);
		if (b->marks)
			puts(b->row->name);
		low = least(work(b, tsc, b->words->spun), low);
	}
	return (double)low / b->row->rounds;
}

static void advise(struct bench *b, int advice)
{
	must(madvise(b->mem + TOUCH_GPA, TOUCH_SIZE, advice), "madvise");
}

static void prepare_fresh(struct bench *b)
{
	advise(b, MADV_DONTNEED);
	advise(b, MADV_NOHUGEPAGE);
}

static void prepare_thp(struct bench *b)
{
	advise(b, MADV_DONTNEED);
	advise(b, MADV_HUGEPAGE);
}

static void prepare_populated(struct bench *b)
{
	prepare_fresh(b);
	memset(b->mem + TOUCH_GPA, 1, TOUCH_SIZE);
}

/* What a process pays for the same, per page */
static double touch_by_host(struct bench *b)
{
	volatile uint8_t *p = b->mem + TOUCH_GPA;
	unsigned int i, page;
	long low = -1;

	for (i = 0; i < b->row->repeats; i++) {
		uint64_t t;

		b->row->prepare(b);
		t = __rdtsc();
		for (page = 0; page < b->row->rounds; page++)
			p[(size_t)page * PAGE] = 1;
		low = least(__rdtsc() - t, low);
	}
	return (double)low / b->row->rounds;
}

static double measure_touch(struct bench *b)
{
	double host = touch_by_host(b);
	double guest = measure_guest(b);

	fprintf(stderr, "%s: %.1f in the guest, %.1f by a process\n", b->row->name, guest, host);
	return guest - host;
}

/* Without a VM: what a doorbell costs a thread that writes to the eventfd itself */
static double measure_wakeup(struct bench *b)
{
	uint64_t one = 1, t;
	unsigned int i, n;
	long low = -1;

	start_answerer(b);
	for (i = 0; i < b->row->repeats; i++) {
		t = __rdtsc();
		for (n = 0; n < b->row->rounds; n++) {
			b->words->flag = 0;
			if (write(b->doorbell, &one, sizeof(one)) != sizeof(one))
				die("wakeup: %s", strerror(errno));
			while (!b->words->flag)
				;
		}
		low = least(__rdtsc() - t, low);
	}
	return (double)low / b->row->rounds;
}

static double measure_life(struct bench *b)
{
	volatile uint32_t *spun = &b->words->spin[SPIN_CPU0].count;
	unsigned int i;
	long low = -1;

	load(b->mem);
	b->words->rounds = 1;
	spin_when_idle(b);
	for (i = 0; i < b->row->repeats; i++) {
		uint64_t tsc = __rdtsc();
		uint32_t before = *spun;

		b->be->create(&b->m, b->mem, MEM_SIZE);
		start(b, 0, b->row->code);
		result(b, 0);
		b->be->destroy(&b->m);
		low = least(work(b, __rdtsc() - tsc, *spun - before), low);
	}
	return low;
}

/* ---- memory ---- */

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

/*
 * Pages that CPUs keep for themselves are not in MemFree: small lists of them,
 * and compaction empties those too.
 */
static void settle(void)
{
	put("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	sync();
	put("/proc/sys/vm/drop_caches", "3");
	usleep(300000);		/* RCU */
	put("/proc/sys/vm/drop_caches", "3");
	put("/proc/sys/vm/compact_memory", "1");
	usleep(100000);
}

static long mem_free(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (kib < 0)
		die("/proc/meminfo has no MemFree");
	fclose(f);
	return kib;
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* KiB for one of @vms machines; the median, as caches shrink and grow meanwhile */
static double measure_memory(struct bench *b, void (*make)(struct bench *b), int vms)
{
	long used[MEMORY_ROUNDS], before;
	int i, round;

	make(b);	/* what is needed but once */
	for (round = 0; round < MEMORY_ROUNDS; round++) {
		settle();
		before = mem_free();
		for (i = 0; i < vms; i++)
			make(b);
		settle();
		used[round] = before - mem_free();
		fprintf(stderr, "%s, round %d: %ld KiB for %d\n", b->row->name, round,
			used[round], vms);
	}
	qsort(used, MEMORY_ROUNDS, sizeof(used[0]), by_value);
	return (double)used[MEMORY_ROUNDS / 2] / vms;
}

/* With one vCPU; it stays until the process ends */
static void make_machine(struct bench *b)
{
	b->be->create(&b->m, b->mem, IDLE_SIZE);
	start(b, 0, b->row->code);
}

static void make_touched(struct bench *b)
{
	make_machine(b);
	result(b, 0);
}

static double measure_idle(struct bench *b)
{
	return measure_memory(b, make_machine, IDLE_VMS);
}

static double measure_touched(struct bench *b)
{
	must(madvise(b->mem, IDLE_SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	memset(b->mem, 1, IDLE_SIZE);
	load(b->mem);
	b->words->rounds = b->row->rounds;
	return measure_memory(b, make_touched, TOUCHED_VMS) - LEAF_TABLES_KIB;
}

/* ---- the table ---- */

#define PLAIN(name)		{ #name, measure_guest, guest_##name, NULL, 1000, 15, NULL, NULL }
#define TOUCH(name, measure)							\
	{ "touch_" #name, measure, guest_touch, NULL, TOUCH_SIZE / PAGE, 15,	\
	  prepare_##name, NULL }

static struct row rows[] = {
	PLAIN(nothing), PLAIN(cpuid), PLAIN(rdmsr), PLAIN(wrmsr),
	{ "hypercall", measure_guest, NULL, NULL, 1000, 15, NULL, NULL },
	PLAIN(pit_read), PLAIN(pit_write), PLAIN(ioapic_read), PLAIN(ioapic_write),
	PLAIN(lapic_read), PLAIN(lapic_write),
	PLAIN(in), PLAIN(out), PLAIN(mmio_read), PLAIN(mmio_write),
	{ "doorbell", measure_guest, guest_doorbell, NULL, 20, 30, NULL, answer },
	{ "wakeup", measure_wakeup, NULL, NULL, 20, 30, NULL, NULL },
	{ "doorbell_irqfd", measure_guest, guest_doorbell, NULL, 20, 30, NULL, answer_irqfd },
	{ "ipi_running", measure_guest, guest_ipi, guest_spin, 1, 30, NULL, NULL },
	{ "ipi_halted", measure_guest, guest_ipi, guest_halt, 1, 30, NULL, spin_when_idle },
	{ "halt_timer", measure_guest, guest_halt_timer, NULL, 1, 60, NULL, spin_when_idle },
	{ "tsc_deadline", measure_guest, guest_deadline, NULL, 1, 60, NULL, NULL },
	TOUCH(populated, measure_guest), TOUCH(fresh, measure_touch), TOUCH(thp, measure_touch),
	{ "create_destroy", measure_life, guest_nothing, NULL, 1, 15, NULL, NULL },
	{ "idle_vm_kib", measure_idle, guest_nothing, NULL, 1, 1, NULL, NULL },
	{ "touched_vm_kib", measure_touched, guest_touch_all, NULL,
	  (IDLE_SIZE - (1 << 20)) / PAGE, 1, NULL, NULL },
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

static bool host_is_intel(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[4096];
	bool vmx = false;

	while (f && !vmx && fgets(line, sizeof(line), f))
		vmx = strstr(line, " vmx ") && !strncmp(line, "flags", 5);
	if (f)
		fclose(f);
	return vmx;
}

static int take_cpus(struct bench *b)
{
	cpu_set_t set;
	int i, n = 0;

	must(sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
	for (i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			b->cpu[n++] = i;
	return n;
}

/* In a process of its own, whose end takes its threads and VMs along */
static int run_row(struct bench *b, const struct row *row)
{
	double value;
	int status;
	pid_t pid;

	b->row = row;
	if (row->other && take_cpus(b) < 2) {
		fprintf(stderr, "%s: needs two processors\n", row->name);
		return 0;
	}
	fflush(stdout);
	pid = must(fork(), "fork");
	if (!pid) {
		take_cpus(b);
		pin(b->cpu[0]);
		b->irqfd = -1;
		b->mem = map(IDLE_SIZE);
		b->words = (void *)(b->mem + WORDS_GPA);
		value = row->measure(b);
		if (!b->marks)
			printf("%s %.*f\n", row->name, value < 100, value);
		fflush(stdout);
		_exit(0);
	}
	must(waitpid(pid, &status, 0), "waitpid");
	return status;
}

static const char usage[] =
	"usage: bench [--cycles | --tsc-cpus N | --marks] hvmon|kvm [ROW...]\n"
	"       bench --list\n"
	"  Prints \"ROW VALUE\" lines: cycles of the TSC per operation, or KiB.\n"
	"  --cycles      the TSC counts time, not instructions: waiting is not subtracted\n"
	"  --tsc-cpus N  it counts the instructions of N processors as one\n"
	"  --marks       insns.c counts them, between marks of the guest in rows that have\n"
	"                any: prints \"ROW\" for each two\n"
	"  --list        the names of the rows";

static bool wanted(const struct row *row, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, row->name))
			return true;
	return false;
}

static void say_and_exit(const char *option)
{
	size_t i;

	if (!strcmp(option, "--list"))
		for (i = 0; i < NR_ROWS; i++)
			puts(rows[i].name);
	else if (!strcmp(option, "--help"))
		puts(usage);
	else
		die("%s: unknown option\n%s", option, usage);
	exit(0);
}

int main(int argc, char **argv)
{
	struct bench b = { .tsc_cpus = 1 };
	int status = 0;
	size_t i;
	char **arg;

	(void)argc;
	for (arg = argv + 1; *arg && **arg == '-'; arg++) {
		if (!strcmp(*arg, "--cycles"))
			b.cycles = true;
		else if (!strcmp(*arg, "--tsc-cpus") && arg[1] && atoi(arg[1]) > 0)
			b.tsc_cpus = atoi(*++arg);
		else if (!strcmp(*arg, "--marks"))
			b.marks = true;
		else
			say_and_exit(*arg);
	}
	if (*arg && !strcmp(*arg, "hvmon"))
		b.be = &hvmon_backend;
	if (*arg && !strcmp(*arg, "kvm"))
		b.be = &kvm_backend;
	if (!b.be)
		die("%s", usage);
	for (i = 0; i < NR_ROWS; i++) {
		if (!strcmp(rows[i].name, "hypercall"))
			rows[i].code = host_is_intel() ? guest_vmcall : guest_vmmcall;
		if (wanted(&rows[i], arg + 1) && run_row(&b, &rows[i]))
			status = 1;
	}
	return status;
}
