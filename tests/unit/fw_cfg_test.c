// SPDX-License-Identifier: GPL-2.0
/*
 * fw_cfg: items, files, DMA. And requests of a guest without scruples: FUZZ_CHAINS of
 * them, from FUZZ_SEED on.
 */
#include "fw_cfg.h"

static void test_fw_cfg(void)
{
	uint8_t *buffer = mem_at(&vm.mem, BUFFER, 4096);
	uint32_t len;

	claim("fw_cfg: files have names, keys and lengths in the directory");
	expect(!fw_cfg_add_file(&vm, "a/file", "0123456789", 10));
	expect(!fw_cfg_add_file(&vm, "empty", "", 0));
	expect(find_file("a/file", &len) == 0x20 && len == 10);
	expect(find_file("empty", &len) == 0x21 && len == 0);
	expect(!find_file("none", &len));

	claim("fw_cfg: a name that is too long is refused and changes nothing");
	expect(fw_cfg_add_file(&vm, "12345678901234567890123456789012345678901234567890123456",
			       "", 0) == -EINVAL);
	out(SELECTOR, 2, 0x19);
	expect(!in(DATA, 1) && !in(DATA, 1) && !in(DATA, 1) && in(DATA, 1) == 2);

	claim("fw_cfg: the DMA register reads as its signature");
	expect(!memcmp(&(uint32_t){ in(DMA, 4) }, "QEMU", 4));
	expect(!memcmp(&(uint32_t){ in(DMA + 4, 4) }, " CFG", 4));

	claim("fw_cfg: DMA selects, skips and reads, and zeroes follow the item");
	memset(buffer, 0xee, 16);
	expect(!request(0x20 << 16 | SELECT | SKIP, 0, 4));
	expect(!request(READ, BUFFER, 3) && !memcmp(buffer, "456\xee", 4));
	expect(in(DATA, 1) == '7');
	expect(!request(READ, BUFFER, 6) && !memcmp(buffer, "89\0\0\0\0\xee", 7));
	expect(!request(SKIP, 0, ~0u) && !request(READ, BUFFER, 1) && !buffer[0]);
	buffer[0] = 1;
	expect(!request(0xffffu << 16 | SELECT | READ, BUFFER, 8) && !buffer[0]);

	claim("fw_cfg: DMA to what is no memory, and writing items, is an error");
	memset(buffer, 0xee, 16);
	expect(request(0x20 << 16 | SELECT | READ, 0x9ffff, 2) == ERROR);
	expect(request(READ, vm.mem.size - 1, 2) == ERROR);
	expect(request(READ, ~0ULL, 1) == ERROR);
	expect(request(READ, BUFFER, ~0u) == ERROR && buffer[0] == 0xee);
	expect(request(WRITE, BUFFER, 4) == ERROR);
	expect(!request(READ, BUFFER, 1) && buffer[0] == '0');

	claim("fw_cfg: a request that lies in no memory does nothing");
	out(DMA, 4, htobe32(1));
	out(DMA + 4, 4, htobe32(REQUEST));
	out(DMA + 4, 4, htobe32(vm.mem.size - 15));
	expect(in(DATA, 1) == '1');
}

/* ---- a guest without scruples */

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t any_addr(void)
{
	const uint64_t odd[] = {
		0, ~0ULL, vm.mem.size - 1, vm.mem.size, 0x9fff8, 0xa0000, 0xbffff, 0xc0000, REQUEST,
		REQUEST + 4, 1ULL << 32, PCI_HOLE - 8,
	};

	return any() % 2 ? odd[any() % ARRAY_SIZE(odd)] : any() % vm.mem.size;
}

static void test_fuzz(unsigned int n)
{
	claim("fuzz: fw_cfg takes any request, and works afterwards");
	for (unsigned int i = 0; i < n; i++) {
		uint32_t keys = any() % 64 ? any() % 0x28 : any();
		uint32_t len = any() % 4 ? any() % 512 : any();

		switch (any() % 6) {
		case 0:
			out(SELECTOR + any() % 2, 1 + any() % 4, keys);
			break;
		case 1:
			in(SELECTOR + any() % 12, 1 + any() % 4);
			break;
		case 2:
			out(DMA + any() % 8, 1 << any() % 3, any());
			break;
		default:
			request(keys << 16 | (any() & 0x1f), any_addr(), len);
		}
	}
	out(SELECTOR, 2, 0);
	expect(in(DATA, 1) == 'Q');
	expect(!request(0x20 << 16 | SELECT | READ, BUFFER, 10) &&
	       !memcmp(mem_at(&vm.mem, BUFFER, 10), "0123456789", 10));
}

int main(void)
{
	static const struct options opt = { .cpus = 3 };
	const char *wanted = getenv("FUZZ_CHAINS"), *seed = getenv("FUZZ_SEED");

	vm.opt = &opt;
	state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	if (mem_alloc(&vm.mem, 4 * MiB, MEM_ANON) || fw_cfg_create(&vm))
		return 1;
	test_fw_cfg();
	test_fuzz(wanted ? atoi(wanted) : 20000);
	vm.dev_list[0]->ops->free(vm.dev_list[0]);
	mem_free(&vm.mem);
	return unit_finish();
}
