// SPDX-License-Identifier: GPL-2.0
/* Exits and registers in words */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libhvmon.h"

struct text {
	char *buf;
	size_t len;
	size_t used;	/* may grow beyond len: what would have been needed */
};

__attribute__((format(printf, 2, 3)))
static void put(struct text *t, const char *fmt, ...)
{
	size_t room = t->used < t->len ? t->len - t->used : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? t->buf + t->used : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used += n;
}

static void put_bytes(struct text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(t, " %02x", p[i]);
}

static const char *access_word(uint32_t access)
{
	if (access & HVMON_ACCESS_EXEC)
		return "fetch";
	return access & HVMON_ACCESS_WRITE ? "write" : "read";
}

static void put_pio(struct text *t, const struct hvmon_run *run)
{
	int out = run->pio.direction == HVMON_PIO_OUT;

	put(t, "port %s 0x%x, %u byte%s", out ? "write" : "read", run->pio.port,
	    run->pio.size, run->pio.size == 1 ? "" : "s");
	if (run->pio.count != 1)
		put(t, ", %u times", run->pio.count);
	if (out && run->pio.size <= 4) {
		put(t, ":");
		put_bytes(t, run->data, run->pio.size);
	}
}

static void put_mmio(struct text *t, const struct hvmon_run *run)
{
	put(t, "memory-mapped %s at 0x%llx, %u bytes", run->mmio.write ? "write" : "read",
	    (unsigned long long)run->mmio.gpa, run->mmio.len);
	if (run->mmio.write && run->mmio.len <= 32) {
		put(t, ":");
		put_bytes(t, run->data, run->mmio.len);
	}
}

static void put_emulation(struct text *t, const struct hvmon_run *run)
{
	uint32_t len = run->emulation.len;

	put(t, "an instruction cannot be emulated");
	if (run->emulation.gpa != ~0ULL)
		put(t, " (it accesses device memory at 0x%llx)",
		    (unsigned long long)run->emulation.gpa);
	if (len > sizeof(run->emulation.bytes))
		len = sizeof(run->emulation.bytes);
	if (len) {
		put(t, ", bytes");
		put_bytes(t, run->emulation.bytes, len);
	}
}

static void put_message(struct text *t, const struct hvmon_run *run)
{
	size_t n = strnlen(run->message, sizeof(run->message));

	if (!n)
		return;
	put(t, ": ");
	/* The page is the module's, but a wrong byte must not upset a terminal */
	for (size_t i = 0; i < n; i++) {
		unsigned char c = run->message[i];

		put(t, "%c", c >= ' ' && c < 127 ? c : '?');
	}
}

size_t hvmon_exit_describe(const struct hvmon_run *run, char *buf, size_t len)
{
	struct text t = { buf, len, 0 };

	if (len)
		buf[0] = '\0';
	switch (run->exit) {
	case HVMON_EXIT_NONE:
		put(&t, "no exit yet");
		break;
	case HVMON_EXIT_PIO:
		put_pio(&t, run);
		break;
	case HVMON_EXIT_MMIO:
		put_mmio(&t, run);
		break;
	case HVMON_EXIT_HLT:
		put(&t, "halted");
		break;
	case HVMON_EXIT_SHUTDOWN:
		put(&t, "triple fault");
		break;
	case HVMON_EXIT_FAULT:
		put(&t, "memory at 0x%llx cannot be had for a %s (%s)",
		    (unsigned long long)run->fault.gpa, access_word(run->fault.access),
		    strerror(run->fault.error));
		break;
	case HVMON_EXIT_EMULATION:
		put_emulation(&t, run);
		put_message(&t, run);
		break;
	case HVMON_EXIT_INVALID:
		put(&t, "the processor refused the state (code 0x%llx)",
		    (unsigned long long)run->invalid.code);
		put_message(&t, run);
		break;
	case HVMON_EXIT_INTR_WINDOW:
		put(&t, "ready for an interrupt");
		break;
	case HVMON_EXIT_UNEXPECTED:
		put(&t, "unexpected exit 0x%llx (0x%llx, 0x%llx)",
		    (unsigned long long)run->unexpected.code,
		    (unsigned long long)run->unexpected.info1,
		    (unsigned long long)run->unexpected.info2);
		put_message(&t, run);
		break;
	default:
		put(&t, "unknown exit %u", run->exit);
	}
	if (run->regs_valid & HVMON_RUN_REGS)
		put(&t, " at rip 0x%llx", (unsigned long long)run->regs.rip);
	return t.used;
}

static void put_regs(struct text *t, const struct hvmon_regs *r)
{
	static const char name[16][4] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};

	for (int i = 0; i < 16; i++)
		put(t, "%-3s %016llx%s", name[i], (unsigned long long)r->gpr[i],
		    i % 4 == 3 ? "\n" : "  ");
	put(t, "rip %016llx  rflags %08llx\n", (unsigned long long)r->rip,
	    (unsigned long long)r->rflags);
}

static void put_sregs(struct text *t, const struct hvmon_sregs *s)
{
	static const char name[HVMON_NR_SEGS][3] = {
		"es", "cs", "ss", "ds", "fs", "gs", "ld", "tr",
	};

	for (int i = 0; i < HVMON_NR_SEGS; i++)
		put(t, "%s %04x base %016llx limit %08x attr %05x%s", name[i],
		    s->seg[i].selector, (unsigned long long)s->seg[i].base,
		    s->seg[i].limit, s->seg[i].attr, i % 2 ? "\n" : "  ");
	put(t, "gdt %016llx:%04x  idt %016llx:%04x\n", (unsigned long long)s->gdt.base,
	    s->gdt.limit, (unsigned long long)s->idt.base, s->idt.limit);
	put(t, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %04llx\n",
	    (unsigned long long)s->cr0, (unsigned long long)s->cr2,
	    (unsigned long long)s->cr3, (unsigned long long)s->cr4,
	    (unsigned long long)s->efer);
}

size_t hvmon_regs_describe(const struct hvmon_run *run, char *buf, size_t len)
{
	struct text t = { buf, len, 0 };

	if (len)
		buf[0] = '\0';
	if (run->regs_valid & HVMON_RUN_REGS)
		put_regs(&t, &run->regs);
	if (run->regs_valid & HVMON_RUN_SREGS)
		put_sregs(&t, &run->sregs);
	return t.used;
}
