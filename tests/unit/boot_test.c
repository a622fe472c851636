// SPDX-License-Identifier: GPL-2.0
#include <asm/bootparam.h>
#include <elf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

static struct guest_mem mem;
static struct boot b;
static char path[32] = "/tmp/hvmon-unit.XXXXXX";
static char initrd_path[32] = "/tmp/hvmon-unit.XXXXXX";
static uint8_t image[2 << 16];

static int write_file(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(name, "w");
	int bad = !f || fwrite(p, 1, n, f) != n;

	return f ? fclose(f) || bad : -1;
}

/*
 * What read number @at of the loader, from 0, comes to: an error, the end of the file, or,
 * having worked, the last time that the file is what it was.
 */
static struct {
	enum { READS, FAILS, ENDS, CHANGES } what;
	int at, seen;
} reads;

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	static const uint8_t other[sizeof(image)];
	bool now = reads.what != READS && reads.seen++ == reads.at;
	ssize_t ret;

	if (now && reads.what == FAILS) {
		errno = EIO;
		return -1;
	}
	if (now && reads.what == ENDS)
		return 0;
	ret = syscall(SYS_pread64, fd, buf, n, offset);
	if (now)
		expect(!write_file(path, other, sizeof(other)));
	return ret;
}

/* Loads the first @n bytes of image[] */
static int load(size_t n)
{
	memset(mem.base, 0, mem.size);
	b = (struct boot){ .mem = &mem, .kernel = path, .cmdline = "quiet x=1" };
	if (write_file(path, image, n))
		return -2;
	return boot_load(&b);
}

static bool says(const char *words)
{
	return strstr(b.err, words) && !strchr(b.err, '\n');
}

static struct setup_header *make_linux(void)
{
	struct setup_header *h = (struct setup_header *)(image + 0x1f1);

	memset(image, 0x5a, sizeof(image));
	memset(image, 0, 2048);
	h->setup_sects = 3;
	h->syssize = 4096 / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = LOADED_HIGH;
	h->xloadflags = XLF_KERNEL_64;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->cmdline_size = 2047;
	h->pref_address = 0x1000000;
	h->init_size = 0x100000;
	return h;
}

static void test_linux(void)
{
	struct boot_params *bp = mem_at(&mem, BOOT_INFO, 4096);
	struct setup_header *h = make_linux();

	claim("linux: a bzImage is placed where it wants and entered at +0x200");
	expect(!load(2048 + 4096));
	expect(b.entry.mode == BOOT_LONG && b.entry.rip == 0x1000200);
	expect(b.entry.rsi == BOOT_INFO && b.entry.cs == 0x10 && b.entry.ds == 0x18);
	expect(*(uint8_t *)mem_at(&mem, 0x1000fff, 1) == 0x5a);
	expect(!*(uint8_t *)mem_at(&mem, 0x1001000, 1));
	expect(!strcmp(mem_at(&mem, BOOT_CMDLINE, 16), "quiet x=1"));
	expect(bp->hdr.header == 0x53726448 && bp->hdr.cmd_line_ptr == BOOT_CMDLINE);
	expect(bp->acpi_rsdp_addr == BIOS_RSDP && bp->e820_entries == 5);
	expect(bp->e820_table[3].addr == HIGH_START && bp->e820_table[3].type == 1);

	claim("linux: the initrd lies at the top of memory, above the kernel");
	b = (struct boot){ .mem = &mem, .kernel = path, .cmdline = "", .initrd = initrd_path };
	write_file(initrd_path, "initrd!", 7);
	expect(!boot_load(&b));
	expect(bp->hdr.ramdisk_size == 7 && bp->hdr.ramdisk_image == b.initrd_addr);
	expect(b.initrd_addr >= 0x1100000 && !(b.initrd_addr & 4095));
	expect(!memcmp(mem_at(&mem, b.initrd_addr, 7), "initrd!", 7));

	claim("linux: a kernel that does not fit where it wants is relocated");
	h->pref_address = 0x10000000;
	expect(!load(2048 + 4096) && b.entry.rip == 0x200200);
	h->relocatable_kernel = 0;
	expect(load(2048 + 4096) == -1 && says("--memory"));

	claim("linux: truncated, old, 32-bit and absurd images are refused in a line");
	make_linux();
	expect(load(2048 + 4000) == -1 && says("truncated"));
	expect(load(2048) == -1 && says("truncated"));
	expect(load(0x206) == -1 && says("truncated"));
	h->version = 0x20b;
	expect(load(6144) == -1 && says("2.11"));
	make_linux();
	h->xloadflags = 0;
	expect(load(6144) == -1 && says("64-bit"));
	make_linux();
	h->init_size = 0xffffffff;
	expect(load(6144) == -1 && says("--memory"));
	make_linux();
	h->syssize = 0xffffffff;
	expect(load(6144) == -1 && says("truncated"));
	make_linux();
	h->cmdline_size = 5;
	expect(load(6144) == -1 && says("--append"));
	make_linux();
	h->kernel_alignment = 3;
	h->pref_address = ~0ULL - 5;
	expect(load(6144) == -1 && says("--memory"));
}

static Elf32_Phdr *make_elf(uint32_t type)
{
	Elf32_Ehdr *e = (Elf32_Ehdr *)image;
	Elf32_Phdr *p = (Elf32_Phdr *)(image + sizeof(*e));

	memset(image, 0, sizeof(image));
	memcpy(e->e_ident, ELFMAG, SELFMAG);
	e->e_ident[EI_CLASS] = ELFCLASS32;
	e->e_ident[EI_DATA] = ELFDATA2LSB;
	e->e_machine = EM_386;
	e->e_entry = 0x100010;
	e->e_phoff = sizeof(*e);
	e->e_phentsize = sizeof(*p);
	e->e_phnum = 2;
	p[0].p_type = PT_LOAD;
	p[0].p_offset = 0x1000;
	p[0].p_paddr = 0x100000;
	p[0].p_filesz = 0x100;
	p[0].p_memsz = 0x2000;
	p[1].p_type = type;
	p[1].p_offset = 0x200;
	p[1].p_filesz = 20;
	p[1].p_align = 4;
	image[0x1000] = 0x77;
	return p;
}

static void put_note(void)
{
	uint32_t note[5] = { 4, 4, 18, 0x006e6558, 0x100020 };

	memcpy(image + 0x200, note, sizeof(note));
}

static void put_multiboot(size_t at, uint32_t flags)
{
	uint32_t h[8] = { 0x1badb002, flags, -(0x1badb002u + flags),
			  0x100000 + (uint32_t)at, 0x100000, 0x100800, 0x102000, 0x100040 };

	memcpy(image + at, h, sizeof(h));
}

static void test_elf(void)
{
	uint32_t *info = mem_at(&mem, BOOT_INFO, 64);
	Elf32_Phdr *p = make_elf(PT_NOTE);

	claim("pvh: the note's entry counts, EBX has the start info");
	put_note();
	expect(!load(0x2000));
	expect(b.entry.mode == BOOT_PROTECTED && b.entry.rip == 0x100020);
	expect(b.entry.rbx == BOOT_INFO && info[0] == 0x336ec578 && info[1] == 1);
	expect(*(uint8_t *)mem_at(&mem, 0x100000, 1) == 0x77);

	claim("elf: what the file has beside its segments needs no memory");
	b = (struct boot){ .mem = &mem, .kernel = path, .cmdline = "" };
	expect(!truncate(path, 100 * MiB) && !boot_load(&b) && b.entry.rip == 0x100020);

	claim("pvh: the note may be the last one of many");
	make_elf(PT_NOTE);
	*(uint32_t *)(image + 0x204) = 0x10800;
	memcpy(image + 0x200 + 12 + 0x10800, (uint32_t[]){ 4, 4, 18, 0x006e6558, 0x100030 }, 20);
	p[1].p_filesz = 12 + 0x10800 + 20;
	expect(!load(sizeof(image)) && b.entry.rip == 0x100030);
	make_elf(PT_NOTE);
	put_note();

	claim("elf: damaged and truncated files are refused in a line");
	expect(load(0x1080) == -1 && says("truncated"));
	p[0].p_filesz = 0x3000;
	expect(load(0x8000) == -1 && says("longer in the file"));
	make_elf(PT_NOTE);
	put_note();
	p[0].p_paddr = 0xfffff000;
	expect(load(0x2000) == -1 && says("where devices are"));
	p[0].p_paddr = 0x3fff000;
	expect(load(0x2000) == -1 && says("outside of guest memory"));
	p[0].p_paddr = 0x8f000;
	expect(load(0x2000) == -1 && says("overlaps"));
	make_elf(PT_NOTE);
	expect(load(0x2000) == -1 && says("without PVH note"));
	((Elf32_Ehdr *)image)->e_phoff = 0xfffffff0;
	put_multiboot(0x300, 0);
	expect(load(0x2000) == -1 && says("program headers"));
	make_elf(PT_NOTE);
	image[0x200] = 0xff;
	image[0x203] = 0xff;
	image[0x207] = 0xff;
	expect(load(0x2000) == -1 && says("without PVH note"));

	claim("multiboot: an ELF file is entered at its entry with the magic");
	make_elf(PT_NULL);
	put_multiboot(0x300, 3);
	expect(!load(0x2000) && b.entry.rip == 0x100010 && b.entry.rax == 0x2badb002);
	expect(b.entry.rbx == BOOT_INFO && (info[0] & 0x4d) == 0x4d);
	expect(!strcmp(mem_at(&mem, info[4], 10), "quiet x=1"));
}

static void test_multiboot(void)
{
	claim("multiboot: the addresses in the header place a raw kernel");
	memset(image, 0x33, sizeof(image));
	put_multiboot(0x40, 1 << 16);
	expect(!load(0x1000) && b.entry.rip == 0x100040);
	expect(*(uint8_t *)mem_at(&mem, 0x1007ff, 1) == 0x33);
	expect(!*(uint8_t *)mem_at(&mem, 0x100800, 1));

	claim("multiboot: truncated and impossible headers are refused in a line");
	expect(load(0x7ff) == -1 && says("truncated"));
	((uint32_t *)(image + 0x40))[4] = 0x200000;
	expect(load(0x1000) == -1 && says("before the file's start"));
	put_multiboot(0x40, 1 << 16 | 1 << 5);
	expect(load(0x1000) == -1 && says("demands"));
	((uint32_t *)(image + 0x40))[2]++;
	expect(load(0x1000) == -1 && says("neither"));
}

static int load_flat(int mode, uint64_t addr)
{
	b = (struct boot){ .mem = &mem, .kernel = path, .cmdline = "", .flat = true,
			   .flat_mode = mode, .flat_addr = addr };
	return boot_load(&b);
}

static void test_flat(void)
{
	claim("flat: entered at its address in the mode asked for");
	write_file(path, image, 512);
	expect(!load_flat(16, 0x7c05) && b.entry.mode == BOOT_REAL);
	expect(b.entry.cs == 0x7c0 && b.entry.rip == 5);
	expect(!load_flat(32, 0x100000) && b.entry.mode == BOOT_PROTECTED);
	expect(!load_flat(64, 0x100000) && b.entry.mode == BOOT_LONG);
	expect(b.entry.rip == 0x100000 && b.entry.rax == 0x2badb002);

	claim("flat: addresses that a mode cannot reach are refused");
	expect(load_flat(16, 0x100000) == -1 && says("real mode"));
	expect(load_flat(32, ABOVE_4G) == -1 && says("4 GiB"));
	expect(load_flat(32, 0xb8000) == -1 && says("overlaps"));
	expect(load_flat(32, 64 * MiB - 1) == -1 && says("outside"));
}

static void test_files(void)
{
	claim("files: missing, empty, too large and no file at all: one line each");
	expect(load(0) == -1 && says("empty"));
	b = (struct boot){ .mem = &mem, .kernel = "/nonexistent", .cmdline = "" };
	expect(boot_load(&b) == -1 && says("No such file"));
	b.kernel = "/tmp";
	expect(boot_load(&b) == -1 && says("not a regular file"));
	b.kernel = path;
	expect(!truncate(path, 100 * MiB) && load_flat(32, 0x100000) == -1 && says("--memory"));
	make_linux();
	expect(!load(6144) && !truncate(initrd_path, 60 * MiB));
	b = (struct boot){ .mem = &mem, .kernel = path, .cmdline = "", .initrd = initrd_path };
	expect(boot_load(&b) == -1 && says("initrd") && says("--memory"));
}

/*
 * Loads the first @n bytes of image[] with one read after the other going wrong. Returns how
 * often the loader said that the file had changed; elsewhere such a file is a damaged one.
 */
static int misread(size_t n)
{
	int changed = 0, ret;

	for (reads.what = FAILS; reads.what <= CHANGES; reads.what++) {
		for (reads.at = 0;; reads.at++) {
			reads.seen = 0;
			ret = load(n);
			if (reads.seen <= reads.at)
				break;
			switch (reads.what) {
			case FAILS:
				expect(ret == -1 && says("Input/output error"));
				break;
			case ENDS:
				expect(ret == -1 && says("became shorter"));
				break;
			default:
				expect(!ret || *b.err);
				changed += ret == -1 && says("the file changed");
				break;
			}
		}
		/* None was left to go wrong */
		expect(!ret && reads.at > 1);
	}
	reads.what = READS;
	return changed;
}

static void test_reads(void)
{
	claim("files: an error while one is read is told as such, whoever's turn it is");
	make_linux();
	expect(!misread(6144));
	make_elf(PT_NOTE);
	put_note();
	expect(misread(0x2000));
	make_elf(PT_NULL);
	put_multiboot(0x300, 3);
	expect(misread(0x2000));
	memset(image, 0x33, sizeof(image));
	put_multiboot(0x40, 1 << 16);
	expect(misread(0x1000));
}

static void test_state(void)
{
	struct boot_entry e = { .mode = BOOT_LONG, .rip = 0x1000200, .cs = 0x10, .ds = 0x18 };
	static struct hvmon_state st;
	uint64_t *pml4 = mem_at(&mem, BOOT_PAGES, 6 * 4096);

	claim("entry: 64-bit mode with 4 GiB mapped one to one");
	boot_tables(&mem);
	boot_state(&e, &st);
	expect(st.sregs.cr0 == 0x80000031 && st.sregs.cr4 == 0x20 && st.sregs.efer == 0x500);
	expect(st.sregs.seg[HVMON_CS].attr == 0xa09b && st.sregs.seg[HVMON_DS].attr == 0xc093);
	expect(st.sregs.cr3 == BOOT_PAGES && st.regs.rflags == 2);
	expect(pml4[0] == (BOOT_PAGES + 4096) + 3 && pml4[512 + 3] == BOOT_PAGES + 5 * 4096 + 3);
	expect(pml4[1024 + 2047] == 0xffe00083);

	claim("entry: real mode segments are paragraphs");
	e.mode = BOOT_REAL;
	e.cs = 0x7c0;
	e.ds = 0x7c0;
	boot_state(&e, &st);
	expect(st.sregs.seg[HVMON_CS].base == 0x7c00 && st.sregs.cr0 == 0x10);
	expect(st.sregs.seg[HVMON_CS].limit == 0xffff && !st.sregs.efer);
}

int main(void)
{
	int fd = mkstemp(path), fd2 = mkstemp(initrd_path);

	if (fd < 0 || fd2 < 0 || mem_alloc(&mem, 64 * MiB, MEM_ANON))
		return 1;
	test_linux();
	test_elf();
	test_multiboot();
	test_flat();
	test_files();
	test_reads();
	test_state();
	unlink(path);
	unlink(initrd_path);
	return unit_finish();
}
