// SPDX-License-Identifier: GPL-2.0
/* How a guest ends: reasons, exit statuses, words */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vm.h"

/*
 * Statuses of the launcher are even, those of the test device odd, so that a
 * test kernel's verdict cannot be taken for a failure to run it. hvmon-run(1)
 * has the same table.
 */
static const struct {
	int status;
	const char *words;
} endings[] = {
	[END_NONE]		= { EXIT_HOST, "the launcher lost its guest" },
	[END_POWEROFF]		= { 0, "guest powered off" },
	[END_REBOOT]		= { 6, "guest asked for a reboot" },
	[END_TRIPLE_FAULT]	= { 8, "guest died of a triple fault" },
	[END_EMULATION]		= { 10, "guest stopped" },
	[END_INVALID]		= { 12, "guest stopped" },
	[END_FAULT]		= { 14, "guest stopped" },
	[END_UNEXPECTED]	= { 16, "guest stopped" },
	[END_HOST_ERROR]	= { EXIT_HOST, "host error" },
	[END_TESTDEV]		= { 0, "guest left through the test device" },
	[END_ESCAPE]		= { 18, "ended by the escape key" },
	[END_SIGNAL]		= { 0, "ended by a signal" },
	[END_QUIT]		= { 20, "ended by the control socket" },
};

/* True for the one caller that may fill in the rest */
static bool end_first(struct vm *vm, enum end_reason reason, int value)
{
	pthread_mutex_lock(&vm->end_lock);
	if (vm->end != END_NONE) {
		pthread_mutex_unlock(&vm->end_lock);
		return false;
	}
	vm->end = reason;
	vm->end_value = value;
	return true;
}

static void end_done(struct vm *vm)
{
	pthread_mutex_unlock(&vm->end_lock);
	loop_quit(&vm->loop);
}

void vm_end(struct vm *vm, enum end_reason reason, int value)
{
	if (end_first(vm, reason, value))
		end_done(vm);
}

void vm_end_text(struct vm *vm, enum end_reason reason, const char *fmt, ...)
{
	va_list ap;

	if (!end_first(vm, reason, 0))
		return;
	va_start(ap, fmt);
	vsnprintf(vm->end_text, sizeof(vm->end_text), fmt, ap);
	va_end(ap);
	end_done(vm);
}

/* Guest memory may be gone (a shortened memfd): a plain read would be a SIGBUS */
static ssize_t peek(const struct guest_mem *mem, uint64_t gpa, void *to, size_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { mem_at(mem, gpa, len), len };

	return remote.iov_base ? process_vm_readv(getpid(), &local, 1, &remote, 1, 0) : -1;
}

/* RIP's bytes when the exit does not carry them; best effort, may find none */
static void add_bytes_at_rip(struct vm *vm, const struct vcpu *vcpu)
{
	const struct hvmon_regs *regs = &vcpu->run->regs;
	uint64_t gva = regs->rip + vcpu->run->sregs.seg[HVMON_CS].base;
	size_t used = strlen(vm->end_text);
	uint8_t bytes[16];
	uint64_t gpa;
	ssize_t n;

	if (!(vcpu->run->regs_valid & HVMON_RUN_REGS) ||
	    !(vcpu->run->regs_valid & HVMON_RUN_SREGS))
		return;
	if (hvmon_translate(vcpu->fd, gva, 0, &gpa, NULL))
		return;
	n = peek(&vm->mem, gpa, bytes, sizeof(bytes) - (gpa & 15));
	if (n <= 0 || used >= sizeof(vm->end_text))
		return;
	used += snprintf(vm->end_text + used, sizeof(vm->end_text) - used, ", bytes");
	for (ssize_t i = 0; i < n; i++)
		if (used < sizeof(vm->end_text))
			used += snprintf(vm->end_text + used, sizeof(vm->end_text) - used,
					 " %02x", bytes[i]);
}

void vm_end_exit(struct vm *vm, enum end_reason reason, const struct vcpu *vcpu)
{
	int n;

	if (!end_first(vm, reason, 0))
		return;
	n = snprintf(vm->end_text, sizeof(vm->end_text), "vCPU %u: ", vcpu->id);
	hvmon_exit_describe(vcpu->run, vm->end_text + n, sizeof(vm->end_text) - n);
	if (reason != END_EMULATION)
		add_bytes_at_rip(vm, vcpu);
	hvmon_regs_describe(vcpu->run, vm->end_regs, sizeof(vm->end_regs));
	end_done(vm);
}

int vm_end_report(const struct vm *vm)
{
	const char *words = endings[vm->end].words;

	if (vm->end == END_TESTDEV) {
		/* As QEMU's isa-debug-exit has it, for test kernels that know it */
		complain(0, "%s (value 0x%x)", words, vm->end_value);
		return (vm->end_value << 1 | 1) & 0xff;
	}
	if (vm->end == END_SIGNAL) {
		complain(0, "%s (%s)", words, strsignal(vm->end_value));
		return 128 + vm->end_value;
	}
	if (vm->end_text[0])
		complain(0, "%s: %s", words, vm->end_text);
	else
		complain(0, "%s", words);
	if (vm->end_regs[0])
		fputs(vm->end_regs, stderr);
	return endings[vm->end].status;
}
