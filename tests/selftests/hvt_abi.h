/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every ioctl owes its caller, checked the same way for each: sizes,
 * tails, flags, reserved fields, pointers, kinds of fd.
 */
#ifndef HVT_ABI_H
#define HVT_ABI_H

#include "hvt.h"

#define HVT_ABI_MAX	8192

/**
 * struct hvt_abi - one ioctl and an argument that it accepts
 * @name: for messages
 * @fd: the right kind of fd
 * @cmd: ioctl number
 * @arg: a valid argument
 * @size: its size
 * @known_flags: bits of "flags" that mean something
 * @reserved: byte offsets of fields (32 bits) that must be zero, 0 ends
 * @once: succeeds a single time, so that nothing here may succeed
 * @fresh: puts the object back into the state in which @arg is accepted
 */
struct hvt_abi {
	const char *name;
	int fd;
	unsigned long cmd;
	const void *arg;
	size_t size;
	u32 known_flags;
	unsigned int reserved[4];
	bool once;
	void (*fresh)(void);
};

static inline void hvt_abi_refuse(const struct hvt_abi *a, int fd, void *arg, int err,
				  const char *what)
{
	long r;

	errno = 0;
	r = ioctl(fd, a->cmd, arg);
	if (r >= 0)
		FAIL("%s with %s succeeded, expected %s", a->name, what, strerror(err));
	if (errno != err)
		FAIL("%s with %s: %s, expected %s", a->name, what, strerror(errno), strerror(err));
}

static inline void hvt_abi_accept(const struct hvt_abi *a, void *arg, const char *what)
{
	long r;

	if (a->once)
		return;
	if (a->fresh)
		a->fresh();
	r = ioctl(a->fd, a->cmd, arg);
	if (r < 0)
		FAIL("%s with %s: %s, expected success", a->name, what, strerror(errno));
	if (a->cmd == HVMON_VM_CREATE || a->cmd == HVMON_VCPU_CREATE)
		close(r);
}

/* A page whose neighbour is not mapped; what is at its end cannot be overrun */
static inline u8 *hvt_abi_edge(void)
{
	u8 *p = mmap(NULL, 4 * HVT_ABI_MAX, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + 2 * HVT_ABI_MAX, 2 * HVT_ABI_MAX))
		FAIL("no memory");
	return p + 2 * HVT_ABI_MAX;
}

/* All refusals that do not depend on what the call does */
static inline void hvt_abi_check(const struct hvt_abi *a)
{
	static u8 buf[2 * HVT_ABI_MAX];
	u32 *size = (u32 *)buf, *flags = (u32 *)buf + 1;
	int fds[] = { open("/dev/null", O_RDWR), hvt_dev(), -1, -1 };
	u8 *edge = hvt_abi_edge();
	struct hvt_vm *vm = hvt_vm();
	unsigned int i;
	u32 bit;

#define HVT_FRESH_ARG()	(memset(buf, 0, sizeof(buf)), memcpy(buf, a->arg, a->size))
	/* Refusals first: they must leave a @once call possible */
	HVT_FRESH_ARG();
	*size = 0;
	hvt_abi_refuse(a, a->fd, buf, EINVAL, "size 0");
	*size = 8;
	if (a->size > 8)
		hvt_abi_refuse(a, a->fd, buf, EINVAL, "size 8");
	*size = a->size - 1;
	hvt_abi_refuse(a, a->fd, buf, EINVAL, "a size one too small");
	*size = a->size - 4;
	hvt_abi_refuse(a, a->fd, buf, EINVAL, "a size four too small");
	HVT_FRESH_ARG();
	*size = a->size + 64;
	buf[a->size] = 1;
	hvt_abi_refuse(a, a->fd, buf, E2BIG, "a non-zero byte after the struct");
	buf[a->size] = 0;
	buf[a->size + 63] = 0x80;
	hvt_abi_refuse(a, a->fd, buf, E2BIG, "a non-zero byte at the end of its tail");
	HVT_FRESH_ARG();
	for (bit = 0; bit < 32; bit++) {
		HVT_FRESH_ARG();
		if (a->known_flags & (1u << bit))
			continue;
		*flags |= 1u << bit;
		hvt_abi_refuse(a, a->fd, buf, EINVAL, "an unknown flag");
	}
	for (i = 0; i < ARRAY_SIZE(a->reserved) && a->reserved[i]; i++) {
		HVT_FRESH_ARG();
		*(u32 *)(buf + a->reserved[i]) = 1;
		hvt_abi_refuse(a, a->fd, buf, EINVAL, "bit 0 of a reserved field");
		*(u32 *)(buf + a->reserved[i]) = 0x80000000;
		hvt_abi_refuse(a, a->fd, buf, EINVAL, "bit 31 of a reserved field");
	}
	hvt_abi_refuse(a, a->fd, NULL, EFAULT, "a null pointer");
	hvt_abi_refuse(a, a->fd, (void *)1, EFAULT, "pointer 1");
	hvt_abi_refuse(a, a->fd, (void *)0xffff800000000000ULL, EFAULT, "a kernel pointer");
	hvt_abi_refuse(a, a->fd, edge, EFAULT, "an unmapped pointer");
	memcpy(edge - a->size + 4, a->arg, a->size - 4);
	hvt_abi_refuse(a, a->fd, edge - a->size + 4, EFAULT, "a struct that crosses into a hole");
	/* ... and its size field alone is readable */
	*(u32 *)(edge - 4) = a->size;
	hvt_abi_refuse(a, a->fd, edge - 4, EFAULT, "only its size readable");

	/* Kinds of fd: 0x00.. belong to the device, 0x20.. to VMs, 0x40.. to vCPUs */
	fds[2] = vm->fd;
	fds[3] = SYS(hvt_try_vcpu(vm->fd, 0));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		unsigned int nr = _IOC_NR(a->cmd);
		unsigned int kind = nr >= 0x40 ? 3 : nr >= 0x20 ? 2 : 1;

		HVT_FRESH_ARG();
		if (i != kind)
			hvt_abi_refuse(a, fds[i], buf, ENOTTY, "the wrong kind of fd");
	}
	HVT_FRESH_ARG();
	hvt_abi_refuse(a, -1, buf, EBADF, "no fd");

	HVT_FRESH_ARG();
	hvt_abi_accept(a, buf, "a valid argument");
	HVT_FRESH_ARG();
	*size = a->size + 64;
	hvt_abi_accept(a, buf, "a longer struct with a tail of zeros");
	memcpy(edge - a->size, a->arg, a->size);
	hvt_abi_accept(a, edge - a->size, "a struct right before a hole");
}

/* ------------------------------------------------------------------ */
/* An argument that another thread changes while the call reads it */

struct hvt_flip {
	pthread_t thread;
	volatile u32 *word;
	u32 a, b;
	int stop;
	u64 start;
};

static inline void *hvt_flip_fn(void *p)
{
	struct hvt_flip *f = p;

	while (!__atomic_load_n(&f->stop, __ATOMIC_ACQUIRE)) {
		*f->word = f->a;
		*f->word = f->b;
	}
	return NULL;
}

static inline void hvt_flip_start(struct hvt_flip *f, void *word, u32 a, u32 b)
{
	*f = (struct hvt_flip){ .word = word, .a = a, .b = b, .start = hvt_now_ns() };
	if (pthread_create(&f->thread, NULL, hvt_flip_fn, f))
		FAIL("pthread_create failed");
}

/* For another round? As many as that, or what a slow host does of them in 10 s */
static inline bool hvt_flip_again(const struct hvt_flip *f, int round, int rounds)
{
	return round < rounds && hvt_now_ns() - f->start < 10000000000ULL;
}

static inline void hvt_flip_stop(struct hvt_flip *f)
{
	__atomic_store_n(&f->stop, 1, __ATOMIC_RELEASE);
	pthread_join(f->thread, NULL);
}

#endif /* HVT_ABI_H */
