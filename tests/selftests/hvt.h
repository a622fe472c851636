/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Selftest harness: raw ioctls of uapi/hvmon.h, small flat guests, and
 * expectations. Each test is a process of its own and ends at its first
 * failure, so nothing here frees or unwinds.
 *
 * Guest-physical layout of a VM made by hvt_vm():
 *   0x00000  IVT (real mode)       0x07000  GDT          0x08000  IDT (64-bit)
 *   0x01000  PML4, PDPT, 4 PDs     0x09000  exception stubs, TSS at 0x9800
 *   0x10000  code                  below 0x40000: stack
 *   0x100000 and up: the test's data. Paging maps 4 GiB one to one.
 */
#ifndef HVT_H
#define HVT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../uapi/hvmon.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KiB		1024UL
#define MiB		(1024 * KiB)
#define GiB		(1024 * MiB)

#define HVT_PML4	0x1000UL
#define HVT_PDPT	0x2000UL
#define HVT_PD		0x3000UL
#define HVT_GDT		0x7000UL
#define HVT_IDT		0x8000UL
#define HVT_STUBS	0x9000UL
#define HVT_TSS		0x9800UL
#define HVT_CODE	0x10000UL
#define HVT_STACK	0x40000UL
#define HVT_DATA	0x100000UL
#define HVT_MEM		(4 * MiB)

#define HVT_SEL_CODE32	0x08
#define HVT_SEL_DATA	0x10
#define HVT_SEL_CODE64	0x18
#define HVT_SEL_UCODE	0x23
#define HVT_SEL_UDATA	0x2b
#define HVT_SEL_TSS	0x30

/* Ports by convention of the guests here; no in-kernel device has them */
#define HVT_PORT_EXC	0xe0	/* an exception stub writes its vector */
#define HVT_PORT	0xe4	/* a guest reports a value */

#define HVT_SKIP	77	/* exit status of a test that cannot run here */

/*
 * Assembles @... (string literals) into read-only data; NAME and NAME_end
 * bound it. Guests are loaded at HVT_CODE.
 */
#define HVT_GUEST(bits, name, ...)					\
	extern const u8 name[], name##_end[];				\
	asm(".pushsection .rodata\n\t.balign 16\n\t.code" #bits "\n"	\
	    #name ":\n" __VA_ARGS__ "\n" #name "_end:\n\t.code64\n\t.popsection\n")
/* A label in a guest, whose place in it is wanted */
#define GUEST_LABEL(name)	extern const u8 name[]
#define GUEST16(name, ...)	HVT_GUEST(16, name, __VA_ARGS__)
#define GUEST32(name, ...)	HVT_GUEST(32, name, __VA_ARGS__)
#define GUEST64(name, ...)	HVT_GUEST(64, name, __VA_ARGS__)

struct hvt_vm {
	int fd;
	u8 *mem;		/* slot 0, at guest-physical 0 */
	size_t mem_size;
};

struct hvt_vcpu {
	int fd;
	u32 id;
	struct hvmon_run *run;
	struct hvt_vm *vm;
};

/* ------------------------------------------------------------------ */
/* Verdicts */

__attribute__((format(printf, 3, 4), noreturn))
static inline void hvt_fail(const char *file, int line, const char *fmt, ...)
{
	char msg[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "FAIL: %s:%d: %s\n", file, line, msg);
	_exit(1);
}

__attribute__((format(printf, 1, 2), noreturn))
static inline void hvt_skip(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "SKIP: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	_exit(HVT_SKIP);
}

#define FAIL(...)	hvt_fail(__FILE_NAME__, __LINE__, __VA_ARGS__)
#define CHECK(cond, fmt, ...)						\
	do {								\
		if (!(cond))						\
			hvt_fail(__FILE_NAME__, __LINE__, "%s does not hold: " fmt, #cond, \
				 ##__VA_ARGS__);			\
	} while (0)
#define CHECK_EQ(a, b)							\
	do {								\
		unsigned long long a_ = (unsigned long long)(a);	\
		unsigned long long b_ = (unsigned long long)(b);	\
									\
		if (a_ != b_)						\
			hvt_fail(__FILE_NAME__, __LINE__,		\
				 "%s is %#llx, not %s (%#llx)", #a, a_, #b, b_); \
	} while (0)
/* A system call that must work; gives its result */
#define SYS(call)							\
	({								\
		long r_ = (long)(call);					\
									\
		if (r_ < 0)						\
			hvt_fail(__FILE_NAME__, __LINE__, "%s: %s", #call, strerror(errno)); \
		r_;							\
	})
/* A call that must fail with errno @err */
#define REFUSED(call, err)						\
	do {								\
		long r_;						\
									\
		errno = 0;						\
		r_ = (long)(call);					\
		if (r_ >= 0)						\
			hvt_fail(__FILE_NAME__, __LINE__,		\
				 "%s succeeded, expected %s", #call, #err); \
		if (errno != (err))					\
			hvt_fail(__FILE_NAME__, __LINE__,		\
				 "%s: %s, expected %s", #call, strerror(errno), #err); \
	} while (0)

static inline u64 hvt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline void hvt_sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* ------------------------------------------------------------------ */
/* Calls. Each hvt_X() fails the test if the call fails. */

#define HVT_DEFINE_ARG(type, name, ...)					\
	struct type name = { .size = sizeof(struct type), ##__VA_ARGS__ }

static inline int hvt_dev(void)
{
	int fd = open("/dev/hvmon", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		FAIL("/dev/hvmon: %s", strerror(errno));
	return fd;
}

static inline struct hvmon_info hvt_info(void)
{
	HVT_DEFINE_ARG(hvmon_info, info);
	int fd = hvt_dev();

	SYS(ioctl(fd, HVMON_INFO, &info));
	close(fd);
	return info;
}

/* The emulated processors of the lab differ in more than their vendor */
static inline bool hvt_is_vmx(void)
{
	return hvt_info().vendor == HVMON_VENDOR_VMX;
}

static inline int hvt_vm_fd(void)
{
	HVT_DEFINE_ARG(hvmon_vm_create, arg);
	int dev = hvt_dev(), fd;

	fd = SYS(ioctl(dev, HVMON_VM_CREATE, &arg));
	close(dev);
	return fd;
}

static inline int hvt_try_mem(int vmfd, u32 slot, u32 flags, u64 gpa, u64 len, const void *hva)
{
	HVT_DEFINE_ARG(hvmon_mem, arg, .slot = slot, .flags = flags, .gpa = gpa, .len = len,
		       .hva = (u64)(uintptr_t)hva);

	return ioctl(vmfd, HVMON_MEM_SET, &arg);
}

static inline void hvt_mem(struct hvt_vm *vm, u32 slot, u32 flags, u64 gpa, u64 len,
			   const void *hva)
{
	SYS(hvt_try_mem(vm->fd, slot, flags, gpa, len, hva));
}

static inline void hvt_mem_remove(struct hvt_vm *vm, u32 slot)
{
	SYS(hvt_try_mem(vm->fd, slot, 0, 0, 0, NULL));
}

static inline void *hvt_anon(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu bytes: %s", len, strerror(errno));
	return p;
}

static inline u64 hvt_desc(u32 limit, u32 attr)
{
	/* Flat segment, base 0; attr as in struct hvmon_segment */
	return (limit & 0xffffULL) | ((u64)(attr & 0xff) << 40) |
	       ((u64)((limit >> 16) & 0xf) << 48) | ((u64)((attr >> 12) & 0xf) << 52);
}

#define HVT_ATTR_CODE32	0xc09b
#define HVT_ATTR_CODE64	0xa09b
#define HVT_ATTR_DATA	0xc093
#define HVT_ATTR_UCODE	0xa0fb
#define HVT_ATTR_UDATA	0xc0f3

static inline void hvt_gate64(struct hvt_vm *vm, int vector, u64 gpa)
{
	u64 *gate = (u64 *)(vm->mem + HVT_IDT + vector * 16);

	gate[0] = (gpa & 0xffff) | ((u64)HVT_SEL_CODE64 << 16) | (0x8eULL << 40) |
		  ((gpa & 0xffff0000) << 32);
	gate[1] = gpa >> 32;
}

/* Descriptor tables, page tables and the exception stubs */
static inline void hvt_tables(struct hvt_vm *vm)
{
	u64 *gdt = (u64 *)(vm->mem + HVT_GDT);
	u64 *pml4 = (u64 *)(vm->mem + HVT_PML4);
	u64 *pdpt = (u64 *)(vm->mem + HVT_PDPT);
	u64 *pd = (u64 *)(vm->mem + HVT_PD);
	int i;

	gdt[1] = hvt_desc(0xfffff, HVT_ATTR_CODE32);
	gdt[2] = hvt_desc(0xfffff, HVT_ATTR_DATA);
	gdt[3] = hvt_desc(0xfffff, HVT_ATTR_CODE64);
	gdt[4] = hvt_desc(0xfffff, HVT_ATTR_UCODE);
	gdt[5] = hvt_desc(0xfffff, HVT_ATTR_UDATA);
	gdt[6] = 0x67 | ((HVT_TSS & 0xffffff) << 16) | (0x8bULL << 40);
	*(u64 *)(vm->mem + HVT_TSS + 4) = HVT_STACK - 0x8000;	/* RSP0 */
	pml4[0] = HVT_PDPT | 7;
	for (i = 0; i < 4; i++)
		pdpt[i] = (HVT_PD + i * 0x1000) | 7;
	for (i = 0; i < 2048; i++)
		pd[i] = (u64)i << 21 | 0x87;
	for (i = 0; i < 32; i++) {
		/* mov $i,%al; out %al,$HVT_PORT_EXC; 1: hlt; jmp 1b */
		const u8 stub[] = { 0xb0, i, 0xe6, HVT_PORT_EXC, 0xf4, 0xeb, 0xfd };

		memcpy(vm->mem + HVT_STUBS + i * 16, stub, sizeof(stub));
		hvt_gate64(vm, i, HVT_STUBS + i * 16);
	}
}

static inline void hvt_vm_init(struct hvt_vm *vm, void *mem, size_t mem_size)
{
	vm->fd = hvt_vm_fd();
	vm->mem_size = mem_size;
	vm->mem = mem;
	hvt_tables(vm);
	hvt_mem(vm, 0, 0, 0, mem_size, mem);
}

static inline struct hvt_vm *hvt_vm(void)
{
	struct hvt_vm *vm = calloc(1, sizeof(*vm));

	hvt_vm_init(vm, hvt_anon(HVT_MEM), HVT_MEM);
	return vm;
}

static inline void hvt_irqchip(struct hvt_vm *vm, u32 flags)
{
	HVT_DEFINE_ARG(hvmon_irqchip_create, arg, .flags = flags);

	SYS(ioctl(vm->fd, HVMON_IRQCHIP_CREATE, &arg));
}

static inline int hvt_try_vcpu(int vmfd, u32 id)
{
	HVT_DEFINE_ARG(hvmon_vcpu_create, arg, .id = id);

	return ioctl(vmfd, HVMON_VCPU_CREATE, &arg);
}

static inline struct hvmon_run *hvt_map_run(int fd)
{
	static u32 size;
	void *p;

	if (!size)
		size = hvt_info().run_size;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL("mmap of the run page: %s", strerror(errno));
	return p;
}

static inline struct hvt_vcpu *hvt_vcpu(struct hvt_vm *vm, u32 id)
{
	struct hvt_vcpu *v = calloc(1, sizeof(*v));

	v->vm = vm;
	v->id = id;
	v->fd = SYS(hvt_try_vcpu(vm->fd, id));
	v->run = hvt_map_run(v->fd);
	return v;
}

static inline void hvt_get(struct hvt_vcpu *v, struct hvmon_state *st, u64 groups)
{
	memset(st, 0, sizeof(*st));
	st->size = sizeof(*st);
	st->groups = groups;
	SYS(ioctl(v->fd, HVMON_STATE_GET, st));
}

static inline int hvt_try_set(struct hvt_vcpu *v, struct hvmon_state *st, u64 groups)
{
	st->size = sizeof(*st);
	st->flags = 0;
	st->groups = groups;
	return ioctl(v->fd, HVMON_STATE_SET, st);
}

static inline void hvt_set(struct hvt_vcpu *v, struct hvmon_state *st, u64 groups)
{
	SYS(hvt_try_set(v, st, groups));
}

static inline u64 hvt_reg(struct hvt_vcpu *v, int reg)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS);
	return st.regs.gpr[reg];
}

static inline u64 hvt_rip(struct hvt_vcpu *v)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS);
	return st.regs.rip;
}

static inline void hvt_set_reg(struct hvt_vcpu *v, int reg, u64 val)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS);
	st.regs.gpr[reg] = val;
	hvt_set(v, &st, HVMON_STATE_REGS);
}

static inline void hvt_set_rip(struct hvt_vcpu *v, u64 rip)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS);
	st.regs.rip = rip;
	hvt_set(v, &st, HVMON_STATE_REGS);
}

static inline int hvt_try_get_msr(struct hvt_vcpu *v, u32 index, u64 *val)
{
	struct hvmon_msr msr = { .index = index };
	HVT_DEFINE_ARG(hvmon_msrs, arg, .count = 1, .msrs = (u64)(uintptr_t)&msr);
	int r = ioctl(v->fd, HVMON_MSRS_GET, &arg);

	*val = msr.value;
	return r;
}

static inline int hvt_try_set_msr(struct hvt_vcpu *v, u32 index, u64 val)
{
	struct hvmon_msr msr = { .index = index, .value = val };
	HVT_DEFINE_ARG(hvmon_msrs, arg, .count = 1, .msrs = (u64)(uintptr_t)&msr);

	return ioctl(v->fd, HVMON_MSRS_SET, &arg);
}

static inline struct hvmon_vcpu_stats hvt_stats(struct hvt_vcpu *v)
{
	HVT_DEFINE_ARG(hvmon_vcpu_stats, st);

	SYS(ioctl(v->fd, HVMON_VCPU_STATS, &st));
	return st;
}

static inline struct hvmon_vm_stats hvt_vm_stats(struct hvt_vm *vm)
{
	HVT_DEFINE_ARG(hvmon_vm_stats, st);

	SYS(ioctl(vm->fd, HVMON_VM_STATS, &st));
	return st;
}

static inline int hvt_try_inject(struct hvt_vcpu *v, u32 type, u32 vector, bool has_error,
				 u32 error, u64 payload)
{
	HVT_DEFINE_ARG(hvmon_inject, arg, .type = type, .vector = vector, .has_error = has_error,
		       .error = error, .payload = payload);

	return ioctl(v->fd, HVMON_INJECT, &arg);
}

static inline void hvt_irq_line(struct hvt_vm *vm, u32 gsi, u32 level)
{
	HVT_DEFINE_ARG(hvmon_irq_line, arg, .gsi = gsi, .level = level);

	SYS(ioctl(vm->fd, HVMON_IRQ_LINE, &arg));
}

/* ------------------------------------------------------------------ */
/* Start states: code at HVT_CODE, stack below HVT_STACK */

static inline struct hvmon_segment hvt_seg(u16 sel, u32 attr)
{
	struct hvmon_segment s = { .selector = sel, .attr = attr, .limit = 0xffffffff };

	return s;
}

static inline void hvt_state16(struct hvmon_state *st)
{
	int i;

	for (i = HVMON_ES; i <= HVMON_GS; i++)
		st->sregs.seg[i] = (struct hvmon_segment){ .limit = 0xffff, .attr = 0x93 };
	st->sregs.seg[HVMON_CS].attr = 0x9b;
	st->sregs.seg[HVMON_CS].base = HVT_CODE;
	st->sregs.seg[HVMON_CS].selector = HVT_CODE >> 4;
	st->sregs.idt = (struct hvmon_dtable){ .limit = 0x3ff };
	memset(&st->regs, 0, sizeof(st->regs));
	st->regs.rflags = 2;
	st->regs.gpr[HVMON_RSP] = 0xf000;
}

static inline void hvt_state_prot(struct hvmon_state *st)
{
	struct hvmon_sregs *s = &st->sregs;
	int i;

	for (i = HVMON_ES; i <= HVMON_GS; i++)
		s->seg[i] = hvt_seg(HVT_SEL_DATA, HVT_ATTR_DATA);
	s->seg[HVMON_LDTR] = (struct hvmon_segment){ .attr = 0x82 | HVMON_SEG_UNUSABLE };
	s->seg[HVMON_TR] = (struct hvmon_segment){
		.selector = HVT_SEL_TSS, .base = HVT_TSS, .limit = 0x67, .attr = 0x8b };
	s->gdt = (struct hvmon_dtable){ .base = HVT_GDT, .limit = 8 * 8 - 1 };
	memset(&st->regs, 0, sizeof(st->regs));
	st->regs.rflags = 2;
	st->regs.rip = HVT_CODE;
	st->regs.gpr[HVMON_RSP] = HVT_STACK;
}

static inline void hvt_state32(struct hvmon_state *st)
{
	hvt_state_prot(st);
	st->sregs.seg[HVMON_CS] = hvt_seg(HVT_SEL_CODE32, HVT_ATTR_CODE32);
	st->sregs.idt = (struct hvmon_dtable){ .base = HVT_IDT, .limit = 0 };
	st->sregs.cr0 = 0x31;
	st->sregs.cr4 = 0;
	st->sregs.efer = 0;
}

static inline void hvt_state64(struct hvmon_state *st)
{
	hvt_state_prot(st);
	st->sregs.seg[HVMON_CS] = hvt_seg(HVT_SEL_CODE64, HVT_ATTR_CODE64);
	st->sregs.idt = (struct hvmon_dtable){ .base = HVT_IDT, .limit = 256 * 16 - 1 };
	st->sregs.cr0 = 0x80010033;	/* PG, WP, NE, ET, MP, PE */
	st->sregs.cr3 = HVT_PML4;
	st->sregs.cr4 = 0x620;		/* OSXMMEXCPT, OSFXSR, PAE */
	st->sregs.efer = 0xd01;		/* NXE, LMA, LME, SCE */
}

/* The mode's segments at CPL 3, on top of hvt_state64() */
static inline void hvt_state_user(struct hvmon_state *st)
{
	int i;

	for (i = HVMON_ES; i <= HVMON_GS; i++)
		st->sregs.seg[i] = hvt_seg(HVT_SEL_UDATA, HVT_ATTR_UDATA);
	st->sregs.seg[HVMON_CS] = hvt_seg(HVT_SEL_UCODE, HVT_ATTR_UCODE);
}

static inline void hvt_load(struct hvt_vm *vm, u64 gpa, const u8 *code, const u8 *end)
{
	memcpy(vm->mem + gpa, code, end - code);
}

static inline void hvt_start(struct hvt_vcpu *v, int bits)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	if (bits == 16)
		hvt_state16(&st);
	else if (bits == 32)
		hvt_state32(&st);
	else
		hvt_state64(&st);
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
}

/* A VM with one vCPU about to run guest @name in @bits mode; no irqchip */
#define HVT_BOOT(bits, name)						\
	({								\
		struct hvt_vm *vm_ = hvt_vm();				\
		struct hvt_vcpu *v_ = hvt_vcpu(vm_, 0);			\
									\
		hvt_load(vm_, HVT_CODE, name, name##_end);		\
		hvt_start(v_, bits);					\
		v_;							\
	})

/* The same with interrupt controllers */
#define HVT_BOOT_IRQ(bits, name, flags)					\
	({								\
		struct hvt_vm *vm_ = hvt_vm();				\
		struct hvt_vcpu *v_;					\
									\
		hvt_irqchip(vm_, flags);				\
		v_ = hvt_vcpu(vm_, 0);					\
		hvt_load(vm_, HVT_CODE, name, name##_end);		\
		hvt_start(v_, bits);					\
		v_;							\
	})

/* ------------------------------------------------------------------ */
/* Running */

static inline const char *hvt_exit_name(int e)
{
	static const char *const names[] = {
		"NONE", "PIO", "MMIO", "HLT", "SHUTDOWN", "FAULT", "EMULATION",
		"INVALID", "INTR_WINDOW", "UNEXPECTED",
	};

	if (e < 0)
		return strerror(-e);
	return e < (int)ARRAY_SIZE(names) ? names[e] : "?";
}

/* HVMON_EXIT_* or -errno */
static inline int hvt_run(struct hvt_vcpu *v)
{
	if (ioctl(v->fd, HVMON_RUN, 0))
		return -errno;
	return v->run->exit;
}

static inline void hvt_explain(struct hvt_vcpu *v, int e, const char *file, int line,
			       const char *wanted)
{
	struct hvmon_run *r = v->run;
	struct hvmon_state st = { .size = sizeof(st),
				  .groups = HVMON_STATE_REGS | HVMON_STATE_SREGS };
	char detail[200] = "";

	ioctl(v->fd, HVMON_STATE_GET, &st);
	if (e == HVMON_EXIT_PIO)
		snprintf(detail, sizeof(detail), " port %#x size %u count %u %s data %#x%s",
			 r->pio.port, r->pio.size, r->pio.count, r->pio.direction ? "out" : "in",
			 *(u32 *)r->data,
			 r->pio.port == HVT_PORT_EXC ? " (an exception's vector)" : "");
	else if (e == HVMON_EXIT_MMIO)
		snprintf(detail, sizeof(detail), " gpa %#llx len %u %s", r->mmio.gpa, r->mmio.len,
			 r->mmio.write ? "write" : "read");
	else if (e == HVMON_EXIT_FAULT)
		snprintf(detail, sizeof(detail), " gpa %#llx access %#x error %u", r->fault.gpa,
			 r->fault.access, r->fault.error);
	else if (e == HVMON_EXIT_INVALID || e == HVMON_EXIT_UNEXPECTED)
		snprintf(detail, sizeof(detail), " code %#llx", r->unexpected.code);
	hvt_fail(file, line,
		 "vCPU %u: exit %s%s, expected %s; \"%.100s\" rip %#llx cs %#x rsp %#llx rax %#llx rflags %#llx cr2 %#llx",
		 v->id, hvt_exit_name(e), detail, wanted, e >= 0 ? r->message : "", st.regs.rip,
		 st.sregs.seg[HVMON_CS].selector, st.regs.gpr[HVMON_RSP], st.regs.gpr[HVMON_RAX],
		 st.regs.rflags, st.sregs.cr2);
}

static inline void hvt_expect_at(struct hvt_vcpu *v, int wanted, const char *file, int line)
{
	int e = hvt_run(v);

	if (e != wanted)
		hvt_explain(v, e, file, line, hvt_exit_name(wanted));
}

static inline u32 hvt_out_at(struct hvt_vcpu *v, u16 port, u8 size, const char *file, int line)
{
	struct hvmon_run *r = v->run;
	int e = hvt_run(v);
	u32 val = 0;

	if (e != HVMON_EXIT_PIO || r->pio.port != port || r->pio.size != size ||
	    r->pio.count != 1 || r->pio.direction != HVMON_PIO_OUT) {
		char wanted[60];

		snprintf(wanted, sizeof(wanted), "a write of %u bytes to port %#x", size, port);
		hvt_explain(v, e, file, line, wanted);
	}
	memcpy(&val, r->data, size);
	return val;
}

static inline void hvt_in_at(struct hvt_vcpu *v, u16 port, u8 size, u32 val, const char *file,
			     int line)
{
	struct hvmon_run *r = v->run;
	int e = hvt_run(v);

	if (e != HVMON_EXIT_PIO || r->pio.port != port || r->pio.size != size ||
	    r->pio.count != 1 || r->pio.direction != HVMON_PIO_IN) {
		char wanted[60];

		snprintf(wanted, sizeof(wanted), "a read of %u bytes from port %#x", size, port);
		hvt_explain(v, e, file, line, wanted);
	}
	memcpy(r->data, &val, size);
}

static inline void hvt_mmio_at(struct hvt_vcpu *v, u64 gpa, u32 len, bool write, const char *file,
			       int line)
{
	struct hvmon_run *r = v->run;
	int e = hvt_run(v);

	if (e != HVMON_EXIT_MMIO || r->mmio.gpa != gpa || r->mmio.len != len ||
	    r->mmio.write != write) {
		char wanted[80];

		snprintf(wanted, sizeof(wanted), "MMIO %s of %u bytes at %#llx",
			 write ? "write" : "read", len, (unsigned long long)gpa);
		hvt_explain(v, e, file, line, wanted);
	}
}

static inline u64 hvt_mmio_write_at(struct hvt_vcpu *v, u64 gpa, u32 len, const char *file,
				    int line)
{
	u64 val = 0;

	hvt_mmio_at(v, gpa, len, true, file, line);
	memcpy(&val, v->run->data, len < 8 ? len : 8);
	return val;
}

static inline void hvt_mmio_read_at(struct hvt_vcpu *v, u64 gpa, u32 len, u64 val,
				    const char *file, int line)
{
	hvt_mmio_at(v, gpa, len, false, file, line);
	memcpy(v->run->data, &val, len < 8 ? len : 8);
}

/* The next exit must be @exit */
#define EXPECT(v, exit)			hvt_expect_at(v, exit, __FILE_NAME__, __LINE__)
/* ... a write to a port; gives the value */
#define EXPECT_OUT(v, port, size)	hvt_out_at(v, port, size, __FILE_NAME__, __LINE__)
/* ... a read from a port, which the next RUN answers with @val */
#define EXPECT_IN(v, port, size, val)	hvt_in_at(v, port, size, val, __FILE_NAME__, __LINE__)
#define EXPECT_MMIO_WRITE(v, gpa, len)	hvt_mmio_write_at(v, gpa, len, __FILE_NAME__, __LINE__)
#define EXPECT_MMIO_READ(v, gpa, len, val) \
	hvt_mmio_read_at(v, gpa, len, val, __FILE_NAME__, __LINE__)
/* ... a report: out %eax,$HVT_PORT */
#define EXPECT_REPORT(v)		hvt_out_at(v, HVT_PORT, 4, __FILE_NAME__, __LINE__)
/* ... an exception, through the stubs of hvt_tables() */
#define EXPECT_EXC(v, vec)						\
	CHECK_EQ(hvt_out_at(v, HVT_PORT_EXC, 1, __FILE_NAME__, __LINE__), vec)

/* ... a #DB in 64-bit code, whose frame has @rip, and DR6 @causes of the bits @mask */
#define EXPECT_DB(v, rip, mask, causes)					\
	do {								\
		struct hvt_vcpu *db_ = (v);				\
		struct hvmon_state st_;					\
									\
		EXPECT_EXC(db_, 1);					\
		hvt_get(db_, &st_, HVMON_STATE_REGS | HVMON_STATE_DEBUG); \
		CHECK_EQ(*(u64 *)(db_->vm->mem + st_.regs.gpr[HVMON_RSP]), rip); \
		CHECK_EQ(st_.debug.dr6 & (mask), causes);		\
	} while (0)

/* In guests: report EAX. 0xe4 is HVT_PORT */
#define G_REPORT	"out %eax, $0xe4\n"

/* A vCPU thread that runs until @stop_port is written or RUN fails */
struct hvt_thread {
	pthread_t thread;
	struct hvt_vcpu *v;
	int exit;		/* last exit or -errno */
	u32 reports;		/* writes to HVT_PORT that were swallowed */
	u32 last;		/* the last of their values */
	int ended;
};

#define HVT_PORT_STOP	0xf4

static inline void *hvt_thread_fn(void *p)
{
	struct hvt_thread *t = p;
	struct hvmon_run *r = t->v->run;

	for (;;) {
		t->exit = hvt_run(t->v);
		if (t->exit != HVMON_EXIT_PIO || r->pio.direction != HVMON_PIO_OUT ||
		    r->pio.port != HVT_PORT)
			break;
		__atomic_store_n(&t->last, *(u32 *)r->data, __ATOMIC_RELEASE);
		__atomic_fetch_add(&t->reports, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&t->ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

static inline void hvt_spawn(struct hvt_thread *t, struct hvt_vcpu *v)
{
	memset(t, 0, sizeof(*t));
	t->v = v;
	if (pthread_create(&t->thread, NULL, hvt_thread_fn, t))
		FAIL("pthread_create failed");
}

static inline void hvt_join(struct hvt_thread *t)
{
	pthread_join(t->thread, NULL);
}

/* A signal that does nothing, so that RUN returns EINTR */
static inline void hvt_sig_nop(int sig)
{
	(void)sig;
}

static inline void hvt_catch(int sig)
{
	struct sigaction sa = { .sa_handler = hvt_sig_nop };

	SYS(sigaction(sig, &sa, NULL));
}

/* Makes the thread's RUN return, once, and joins it */
static inline void hvt_stop(struct hvt_thread *t)
{
	hvt_catch(SIGUSR1);
	t->v->run->immediate_exit = 1;
	while (!__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE)) {
		pthread_kill(t->thread, SIGUSR1);
		hvt_sleep_ms(2);
	}
	hvt_join(t);
	t->v->run->immediate_exit = 0;
}

/*
 * Says what a vCPU that ought to report does instead: its counters, what they
 * gained in the last half second, and its state once it has been stopped.
 */
static inline void hvt_explain_silence(struct hvt_thread *t, u32 n)
{
	/* Of struct hvmon_vcpu_stats from exits on, whose first word is two other fields */
	static const char *const names[] = {
		"exits", "user_exits", "cpuid", "msr_read", "msr_write", "pio", "mmio", "faults",
		"hlt", "hypercall", "host_intr", "other", "irq_injected", "nmi_injected",
		"exceptions", "emulated", "halted_ns", "guest_ns", "sections", "timer",
	};
	struct hvmon_state st = { .size = sizeof(st), .groups = HVMON_STATE_REGS |
				  HVMON_STATE_SREGS | HVMON_STATE_EVENTS };
	struct hvmon_vcpu_stats before = hvt_stats(t->v), now;
	u64 had[sizeof(before) / sizeof(u64)], has[ARRAY_SIZE(had)];

	hvt_sleep_ms(500);
	now = hvt_stats(t->v);
	memcpy(had, &before, sizeof(had));
	memcpy(has, &now, sizeof(has));
	for (size_t i = 1; i <= ARRAY_SIZE(names) && i < ARRAY_SIZE(has); i++)
		if (has[i])
			printf("# %s %llu (+%llu)\n", names[i - 1], (unsigned long long)has[i],
			       (unsigned long long)(has[i] - had[i]));
	fflush(stdout);
	hvt_stop(t);
	if (ioctl(t->v->fd, HVMON_STATE_GET, &st))
		printf("# STATE_GET: %m\n");
	printf("# after %u reports: rip %#llx rsp %#llx rflags %#llx\n", t->reports, st.regs.rip,
	       st.regs.gpr[HVMON_RSP], st.regs.rflags);
	printf("# NMIs pending: %u, flags of events: %#x\n", st.events.nmi_pending,
	       st.events.flags);
	FAIL("vCPU %u reported %u times in a minute, expected more than %u", t->v->id, t->reports,
	     n);
}

/* Waits until @t has swallowed more than @n reports; fails after a minute */
static inline void hvt_wait_reports(struct hvt_thread *t, u32 n)
{
	int i;

	for (i = 0; __atomic_load_n(&t->reports, __ATOMIC_ACQUIRE) <= n; i++) {
		if (__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE))
			hvt_explain(t->v, t->exit, "thread", __LINE__, "more reports");
		if (i > 60000)
			hvt_explain_silence(t, n);
		hvt_sleep_ms(1);
	}
}

#endif /* HVT_H */
