// SPDX-License-Identifier: GPL-2.0
/*
 * What a firmware from a file finds: its image and the RAM behind it (dev/rom.c), and
 * the files that tell it of the machine, with tables that it puts where it likes.
 */
#include <fcntl.h>
#include <unistd.h>

#include "boot/loader.h"
#include "dev/pci.h"
#include "dev/rom.h"
#include "firmware.h"
#include "fw_cfg.h"

#define ROM_SIZE	(256 * KiB)
#define SLOT_ROM	MEM_MAX_SLOTS
#define SLOT_C0000	(SLOT_ROM + 1)
#define SLOT_E0000	(SLOT_C0000 + 8)
#define SLOT_F0000	(SLOT_C0000 + 12)

static struct options opt = {
	.cpus = 3, .serial = { .kind = CHARDEV_STDIO }, .boot_menu = true,
};

/* ---- the image and the RAM behind it */

static uint8_t memory_byte(uint64_t gpa)
{
	uint8_t v = 0;

	bus_read(&vm.mmio, gpa, &v, 1);
	return v;
}

static void set_pam(unsigned int reg, uint8_t value)
{
	uint32_t offset = 0x59 + reg;

	out(0xcf8, 4, 0x80000000 | (offset & ~3u));
	out(0xcfc + offset % 4, 1, value);
}

static int refused(const char *path, const char *words)
{
	char said[300] = "";
	FILE *to = fmemopen(said, sizeof(said), "w");
	int ret;

	opt.firmware = path;
	complain_to(to);
	ret = rom_load(&vm);
	complain_to(NULL);
	fclose(to);
	return ret == EXIT_USAGE && !vm.rom && strstr(said, words) && strchr(said, '\n') &&
	       !strchr(said, '\n')[1];
}

static void test_image(char *path)
{
	static uint8_t image[ROM_SIZE];
	int fd = open(path, O_RDWR);

	claim("rom: a file that is no image is refused in one line");
	expect(refused("/nonexistent/bios", "No such file"));
	expect(refused("/dev/null", "not a regular file"));
	expect(refused(path, "0 bytes are no firmware image"));
	expect(!ftruncate(fd, ROM_SIZE + 1) && refused(path, "64 KiB"));
	expect(!ftruncate(fd, 16 * MiB + 64 * KiB) && refused(path, "16 MiB"));

	claim("rom: it is read-only below 4 GiB, and its end below 1 MiB");
	for (unsigned int i = 0; i < ROM_SIZE; i++)
		image[i] = i >> 12;
	expect(!ftruncate(fd, ROM_SIZE) && pwrite(fd, image, ROM_SIZE, 0) == (ssize_t)ROM_SIZE);
	close(fd);
	expect(!rom_load(&vm) && vm.rom);
	expect(!rom_create(&vm));
	expect(fake_slot[SLOT_ROM].gpa == ABOVE_4G - ROM_SIZE);
	expect(fake_slot[SLOT_ROM].len == ROM_SIZE);
	expect(fake_slot[SLOT_ROM].flags == HVMON_MEM_READONLY);
	expect(fake_slot[SLOT_ROM].hva[ROM_SIZE - 1] == 63);
	expect(!fake_slot[SLOT_C0000].len && memory_byte(0xc0000) == 0xff);
	expect(fake_slot[SLOT_E0000].hva[0] == 32 && fake_slot[SLOT_E0000].len == 16 * KiB);
	expect(fake_slot[SLOT_F0000].hva[0] == 48 && fake_slot[SLOT_F0000].len == 64 * KiB);
	expect(fake_slot[SLOT_F0000].flags == HVMON_MEM_READONLY);
}

static void test_pam(void)
{
	uint8_t *ram = vm.mem.base, v = 0x5a;

	claim("pam: RAM for reads and writes, where the register says so and only there");
	set_pam(1, 0x03);
	expect(fake_slot[SLOT_C0000].hva == ram + 0xc0000 && !fake_slot[SLOT_C0000].flags);
	expect(fake_slot[SLOT_C0000].gpa == 0xc0000 && fake_slot[SLOT_C0000].len == 16 * KiB);
	expect(!fake_slot[SLOT_C0000 + 1].len);
	set_pam(1, 0x33);
	expect(fake_slot[SLOT_C0000 + 1].hva == ram + 0xc4000);
	set_pam(0, 0xff);
	expect(fake_slot[SLOT_F0000].hva == ram + 0xf0000 && !fake_slot[SLOT_F0000].flags);
	expect(fake_slot[SLOT_E0000].hva != ram + 0xe0000);

	claim("pam: RAM that is read only, and writes are lost");
	set_pam(0, 0x10);
	expect(fake_slot[SLOT_F0000].hva == ram + 0xf0000);
	expect(fake_slot[SLOT_F0000].flags == HVMON_MEM_READONLY);
	ram[0xf1234] = 1;
	bus_write(&vm.mmio, 0xf1234, &v, 1);
	expect(ram[0xf1234] == 1);

	claim("pam: the image is read and RAM is written, which copies one to the other");
	set_pam(0, 0x20);
	expect(fake_slot[SLOT_F0000].hva != ram + 0xf0000 && fake_slot[SLOT_F0000].hva[0] == 48);
	expect(fake_slot[SLOT_F0000].flags == HVMON_MEM_READONLY);
	bus_write(&vm.mmio, 0xf1234, &v, 1);
	expect(ram[0xf1234] == 0x5a);

	claim("pam: a write across segments is written where each allows it");
	set_pam(6, 0x02);	/* 0xe8000 to 0xebfff, but not the one behind */
	ram[0xebfff] = 1;
	ram[0xec000] = 1;
	bus_write(&vm.mmio, 0xebfff, "\x11\x22", 2);
	expect(ram[0xebfff] == 0x11 && ram[0xec000] == 1);

	claim("pam: segments without image and RAM go back to nobody");
	set_pam(1, 0);
	expect(!fake_slot[SLOT_C0000].len && !fake_slot[SLOT_C0000 + 1].len);
	set_pam(0, 0);
	set_pam(6, 0);
}

/* ---- tables that the firmware places */

static uint8_t sum(const uint8_t *p, uint32_t len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

#define TABLES_AT	0x30000ULL
#define RSDP_AT		0x2f000ULL
#define SCRIPT_AT	0x2e000ULL

static uint8_t *file_at(const char *name)
{
	if (!strcmp(name, LOADER_TABLES))
		return mem_at(&vm.mem, TABLES_AT, ACPI_MAX);
	return strcmp(name, LOADER_RSDP) ? NULL : mem_at(&vm.mem, RSDP_AT, RSDP_LEN);
}

/* Does what a firmware does for one command */
static bool follow(const struct loader_entry *e)
{
	uint64_t v = 0;
	uint8_t *p;

	switch (e->command) {
	case 1:
		return file_at(e->allocate.file) && e->allocate.zone - 1u < 2;
	case 2:
		p = file_at(e->pointer.file);
		if (!p || strcmp(e->pointer.to, LOADER_TABLES))
			return false;
		memcpy(&v, p + e->pointer.offset, e->pointer.size);
		v += TABLES_AT;
		memcpy(p + e->pointer.offset, &v, e->pointer.size);
		return true;
	case 3:
		p = file_at(e->checksum.file);
		if (!p)
			return false;
		p[e->checksum.offset] -= sum(p + e->checksum.start, e->checksum.length);
		return true;
	}
	return false;
}

static void test_tables(void)
{
	static const char *const names[] = { "FACP", "APIC", "MCFG" };
	struct loader_entry e;
	const uint8_t *rsdp, *xsdt, *fadt = NULL;
	uint64_t at;
	uint32_t n;

	claim("acpi: the script makes good tables of the files");
	expect(!firmware_files(&vm));
	expect(read_file(LOADER_TABLES, TABLES_AT) && read_file(LOADER_RSDP, RSDP_AT) == RSDP_LEN);
	n = read_file(LOADER_SCRIPT, SCRIPT_AT);
	expect(n && n % sizeof(e) == 0);
	for (uint32_t i = 0; i < n; i += sizeof(e)) {
		memcpy(&e, mem_at(&vm.mem, SCRIPT_AT + i, sizeof(e)), sizeof(e));
		expect(follow(&e));
	}
	rsdp = mem_at(&vm.mem, RSDP_AT, RSDP_LEN);
	expect(!sum(rsdp, 20) && !sum(rsdp, RSDP_LEN));
	memcpy(&at, rsdp + RSDP_XSDT, 8);
	xsdt = mem_at(&vm.mem, at, 60);
	expect(xsdt && !memcmp(xsdt, "XSDT", 4) && !sum(xsdt, 60));
	for (int i = 0; xsdt && i < 3; i++) {
		const uint8_t *t;

		memcpy(&at, xsdt + XSDT_ENTRIES + 8 * i, 8);
		t = mem_at(&vm.mem, at, HEADER_LEN);
		expect(t && !memcmp(t, names[i], 4));
		if (!t)
			return;
		memcpy(&n, t + 4, 4);
		expect(!sum(t, n));
		if (!i)
			fadt = t;
	}
	claim("acpi: the FADT's pointers of 32 and 64 bits lead to DSDT and FACS");
	for (int wide = 0; fadt && wide < 2; wide++) {
		at = 0;
		memcpy(&at, fadt + (wide ? FADT_X_DSDT : FADT_DSDT), wide ? 8 : 4);
		expect(mem_at(&vm.mem, at, 4) && !memcmp(mem_at(&vm.mem, at, 4), "DSDT", 4));
		at = 0;
		memcpy(&at, fadt + (wide ? FADT_X_FACS : FADT_FACS), wide ? 8 : 4);
		expect(mem_at(&vm.mem, at, 4) && !memcmp(mem_at(&vm.mem, at, 4), "FACS", 4));
	}

	claim("firmware: memory map, console and boot menu");
	n = read_file("etc/e820", BUFFER);
	memcpy(&at, mem_at(&vm.mem, BUFFER + 8, 8), 8);
	expect(n == 2 * 20 && at == vm.mem.size);
	expect(read_file("etc/sercon-port", BUFFER) == 8);
	memcpy(&at, mem_at(&vm.mem, BUFFER, 8), 8);
	expect(at == COM1_PORT);
	out(SELECTOR, 2, 0x0e);
	expect(in(DATA, 1) == 1);
}

int main(void)
{
	char path[] = "/tmp/hvmon-unit.XXXXXX";

	vm.opt = &opt;
	vm.info.gpa_bits = 40;
	close(mkstemp(path));
	if (mem_alloc(&vm.mem, 4 * MiB, MEM_ANON))
		return 1;
	test_image(path);
	unlink(path);
	if (pci_create(&vm) || fw_cfg_create(&vm))
		return 1;
	test_pam();
	test_tables();
	while (vm.nr_devs) {
		struct iodev *dev = vm.dev_list[--vm.nr_devs];

		dev->ops->free(dev);
	}
	mem_free(&vm.mem);
	return unit_finish();
}
