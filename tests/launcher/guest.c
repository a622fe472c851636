// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of the launcher's tests: does what the first word of its command
 * line says, prints on COM1, and leaves through the test device with status
 * 2 * 16 + 1 if all was well.
 */
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define COM1		0x3f8
#define TEST_PORT	0xf4
#define PM1_CONTROL	0x604
#define GOOD		16
#define BAD		17

#define LOADER_MAGIC	0x2badb002
#define START_MAGIC	0x336ec578
#define NOWHERE		0xd0000000UL	/* no memory, no device */
#define APIC		0xfee00000UL
#define AP_PAGE		0x8000UL

static const char *command, *module;
static const char *protocol;
static uint32_t module_len;
static uintptr_t map;
static uint32_t map_len;

static void outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void outw(uint16_t port, uint16_t v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, c);
}

static void say(const char *s)
{
	while (*s)
		put(*s++);
}

static void say_hex(uint64_t v)
{
	char s[20] = "";
	int n = sizeof(s) - 1;

	do {
		s[--n] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	say(s + n);
}

static void leave(uint8_t verdict)
{
	outb(TEST_PORT, verdict);
	for (;;)
		asm volatile("cli; hlt");
}

/* The first word of the command line; what follows it, or NULL */
static const char *is(const char *word)
{
	const char *p = command;

	while (*word)
		if (*p++ != *word++)
			return NULL;
	if (*p == ' ')
		return p + 1;
	return *p ? NULL : p;
}

static uint32_t field(uintptr_t p, int at)
{
	return *(volatile uint32_t *)(p + at);
}

static void parse(uint32_t magic, uintptr_t info)
{
	uintptr_t modules;
	uint32_t nr;

	if (magic == LOADER_MAGIC) {
		protocol = "multiboot";
		command = (const char *)(uintptr_t)field(info, 16);
		nr = field(info, 20);
		modules = field(info, 24);
		module = (const char *)(uintptr_t)field(modules, 0);
		module_len = nr ? field(modules, 4) - field(modules, 0) : 0;
		map = field(info, 48);
		map_len = field(info, 44);
	} else if (field(info, 0) == START_MAGIC) {
		protocol = "pvh";
		command = (const char *)(uintptr_t)field(info, 24);
		nr = field(info, 12);
		modules = field(info, 16);
		module = (const char *)(uintptr_t)field(modules, 0);
		module_len = nr ? field(modules, 8) : 0;
	} else {
		say("no protocol\n");
		leave(BAD);
	}
}

static void hello(const char *rest)
{
	say("hello from ");
	say(protocol);
	say(": ");
	say(rest);
	if (module_len) {
		say("; module: ");
		for (uint32_t i = 0; i < module_len; i++)
			put(module[i]);
	}
	say("\n");
	leave(GOOD);
}

/* ---- memory */

/* The address at which the guest sees @gpa, or 0 if it cannot */
static uintptr_t window(uint64_t gpa, int table)
{
#ifdef __x86_64__
	static uint64_t tables[2][512] __attribute__((aligned(4096)));
	uint64_t *pdpt = (uint64_t *)(0x92000UL + 0x1000);

	if (gpa >> 32) {
		for (int i = 0; i < 512; i++)
			tables[table][i] = (gpa >> 30 << 30) + i * 0x200000ULL + 0x83;
		pdpt[gpa >> 30] = (uintptr_t)tables[table] | 3;
		asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
	}
	return gpa;
#else
	(void)table;
	return gpa >> 32 ? 0 : gpa;
#endif
}

/* Writes and reads back both ends of each range of RAM above 1 MiB */
static void memory(void)
{
	uint64_t total = 0;

	for (uintptr_t p = map; p < map + map_len; p += field(p, 0) + 4) {
		uint64_t start = field(p, 4) | (uint64_t)field(p, 8) << 32;
		uint64_t len = field(p, 12) | (uint64_t)field(p, 16) << 32;
		volatile uint64_t *first, *last;

		if (field(p, 20) != 1)
			continue;
		total += len;
		say("ram ");
		say_hex(start);
		say(" ");
		say_hex(len);
		say("\n");
		if (start < 0x100000)
			continue;
		last = (void *)window(start + len - 8, 1);
		if (start == 0x100000)	/* where this runs */
			start += 0x100000;
		first = (void *)window(start, 0);
		if (!first || !last)
			continue;
		*first = start;
		*last = len;
		if (*first != start || *last != len) {
			say("lost what was written\n");
			leave(BAD);
		}
	}
	leave(GOOD);
}

/* ---- serial port */

static uint8_t get(void)
{
	while (!(inb(COM1 + 5) & 1))
		;
	return inb(COM1);
}

/* What Linux's driver does to a port before it reads from it */
static void init_port(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 1, 0x0f);
	outb(COM1 + 1, 0);
	outb(COM1 + 4, 0x1a);
	inb(COM1 + 6);
	outb(COM1 + 4, 0);
	for (int i = 0; i < 2; i++) {
		outb(COM1 + 2, 0x01);
		outb(COM1 + 2, 0x07);
		outb(COM1 + 2, 0);
	}
	for (int reg = 5; reg >= 0; reg -= 5)
		inb(COM1 + reg);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 4, 0x09);
	inb(COM1 + 5);
	inb(COM1);
	inb(COM1 + 2);
	outb(COM1 + 1, 0x05);
	outb(COM1 + 2, 0x01);
	outb(COM1 + 2, 0x81);
	outb(COM1 + 4, 0x0b);
}

/* Shows each byte until a 'q' */
static void echo(void)
{
	say("ready\n");
	for (;;) {
		uint8_t c = get();

		if (c == 'q')
			break;
		if (c >= ' ' && c < 127) {
			put(c);
		} else {
			put('<');
			say_hex(c);
			put('>');
		}
	}
	say("\n");
	leave(GOOD);
}

/* As drivers do: the FIFO's 16 bytes each time it is empty */
static void flood(void)
{
	static const char line[] = "Line without end";

	outb(COM1 + 2, 1);
	for (;;) {
		const char *p = line;
		unsigned long n = 16;

		while (!(inb(COM1 + 5) & 0x20))
			;
		asm volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(COM1) : "memory");
	}
}

/* ---- processors */

static void processors(void)
{
	volatile uint16_t *count = (void *)(AP_PAGE + (ap_end - ap_start) - 2);
	uint16_t want;

	outb(0x70, 0x5f);
	want = inb(0x71);
	for (long i = 0; i < ap_end - ap_start; i++)
		((volatile char *)AP_PAGE)[i] = ap_start[i];
	/* To all but this one: INIT, then SIPI with the page's number */
	*(volatile uint32_t *)(APIC + 0x300) = 0xc4500;
	*(volatile uint32_t *)(APIC + 0x300) = 0xc4600 | AP_PAGE >> 12;
	while (*count < want)
		asm volatile("pause");
	say("processors ");
	say_hex(*count + 1);
	say("\n");
	leave(GOOD);
}

/* ---- ends */

static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) none;

	asm volatile("lidt %0; int3" : : "m"(none));
}

static void end(void)
{
	if (is("poweroff"))
		outw(PM1_CONTROL, 5 << 10 | 1 << 13);
	else if (is("i8042"))
		outb(0x64, 0xfe);
	else if (is("port92"))
		outb(0x92, 1);
	else if (is("cf9"))
		outb(0xcf9, 6);
	else if (is("triple"))
		triple_fault();
	else if (is("status"))
		leave(0x7f);
	else if (is("undecodable"))
		asm volatile("fldl %0" : : "m"(*(double *)NOWHERE));
	else if (is("nowhere"))
		asm volatile("jmp *%0" : : "r"(NOWHERE));
	else
		say("unknown command\n");
	leave(BAD);
}

void guest(uint32_t magic, uint32_t info)
{
	const char *rest;

	parse(magic, info);
	rest = is("hello");
	if (rest)
		hello(rest);
	if (is("memory"))
		memory();
	if (is("initecho"))
		init_port();
	if (is("echo") || is("initecho"))
		echo();
	if (is("flood"))
		flood();
	if (is("processors"))
		processors();
	if (is("idle")) {
		say("idle\n");
		for (;;)
			asm volatile("cli; hlt");
	}
	if (is("touch")) {
		say("ready\n");
		get();
		*(volatile char *)0x4000000 = 1;
		leave(BAD);
	}
	end();
}
