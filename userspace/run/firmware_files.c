// SPDX-License-Identifier: GPL-2.0
/* What a firmware from a file is told of the machine, by fw_cfg's directory */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "boot/loader.h"
#include "dev/dev.h"
#include "firmware.h"

struct e820_entry {
	uint64_t start, len;
	uint32_t type;
} __attribute__((packed));

/* RAM in whole pieces: what it keeps of it for itself the firmware adds */
static int add_memory_map(struct vm *vm)
{
	const struct guest_mem *mem = &vm->mem;
	struct e820_entry map[3] = {
		{ 0, htole64(mem->low), htole32(E820_USABLE) },
		{ htole64(PCI_ECAM), htole64(PCI_ECAM_LEN), htole32(E820_RSVD) },
		{ htole64(ABOVE_4G), htole64(mem->size - mem->low), htole32(E820_USABLE) },
	};
	uint32_t n = mem->size > mem->low ? 3 : 2;

	return fw_cfg_add_file(vm, "etc/e820", map, n * sizeof(map[0]));
}

static int add_acpi(struct vm *vm)
{
	struct acpi_image im = { .p = malloc(ACPI_MAX) };
	struct loader l;
	int ret;

	if (!im.p)
		return -ENOMEM;
	acpi_image(&im, vm->opt->cpus, acpi_window64(&vm->mem, vm->info.gpa_bits));
	loader_script(&l, &im);
	ret = fw_cfg_add_file(vm, LOADER_RSDP, im.rsdp, sizeof(im.rsdp));
	if (!ret)
		ret = fw_cfg_add_file(vm, LOADER_TABLES, im.p, im.len);
	if (!ret)
		ret = fw_cfg_add_file(vm, LOADER_SCRIPT, l.script,
				      l.entries * sizeof(l.script[0]));
	free(im.p);
	return ret;
}

/* There is no screen: SeaBIOS takes the port for one, and for a keyboard */
static int add_console(struct vm *vm)
{
	uint64_t port = htole64(COM1_PORT);

	if (vm->opt->serial.kind == CHARDEV_NONE)
		return 0;
	return fw_cfg_add_file(vm, "etc/sercon-port", &port, sizeof(port));
}

int firmware_files(struct vm *vm)
{
	int ret = add_memory_map(vm);

	if (!ret)
		ret = add_acpi(vm);
	return ret ? ret : add_console(vm);
}
