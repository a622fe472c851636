// SPDX-License-Identifier: GPL-2.0
/* What is resident of the guest's memory tells what the host has been given back */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_balloon.h>

#include "driver.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT

#define INFLATE	0
#define DEFLATE	1
#define STATS	2
#define PAGE	4096ULL

#define F(bit)	(1ULL << VIRTIO_BALLOON_F_##bit)
#define ALL	(WITH_INDIRECT | F(STATS_VQ) | F(DEFLATE_ON_OOM) | F(REPORTING))

#define PAGES	(MEMORY / PAGE)
#define FIRST	0x300		/* frame numbers FIRST to PAGES are the balloon's */

#define NUM_PAGES	(CONFIG + offsetof(struct virtio_balloon_config, num_pages))
#define ACTUAL		(CONFIG + offsetof(struct virtio_balloon_config, actual))
#define POISON_VAL	(CONFIG + offsetof(struct virtio_balloon_config, poison_val))

static uint8_t content(uint32_t pfn)
{
	return pfn % 251 + 1;
}

/* All that may go is there, and says where it was */
static void fill(void)
{
	for (uint32_t pfn = FIRST; pfn < PAGES; pfn++)
		memset(at(pfn * PAGE), content(pfn), PAGE);
}

/* Of memory from FIRST on: how many pages the host lacks, @from to @to among them */
static unsigned int gone(uint32_t from, uint32_t to)
{
	unsigned char there[PAGES];
	unsigned int n = 0;

	if (mincore(vm.mem.base, MEMORY, there))
		exit(1);
	for (uint32_t pfn = FIRST; pfn < PAGES; pfn++) {
		bool is_gone = !(there[pfn] & 1);

		n += is_gone;
		if (pfn >= from && pfn < to)
			expect(is_gone);
		else if (!is_gone)
			expect(*(uint8_t *)at(pfn * PAGE) == content(pfn));
	}
	return n;
}

static void start(uint64_t features, int queues)
{
	drive(features, queues);
	settle();
	fill();
	expect(!gone(0, 0));
}

/* Gives the device @n frame numbers at DATA on queue @q */
static void frames(int q, unsigned int n, uint32_t len)
{
	desc(DESC(q), n % size, DATA, len, 0, 0);
	offer(q, n % size);
	ring(q);
	expect(!needs_reset() && used(q)->idx == avail_idx[q]);
}

static void test_memory(void)
{
	struct guest_mem mem, huge = vm.mem;
	struct stat st;

	claim("balloon: a memfd's pages leave the file; reserved huge pages stay");
	expect(!mem_alloc(&mem, 4 * MiB, MEM_MEMFD));
	madvise(mem.base, mem.span, MADV_NOHUGEPAGE);
	memset(mem.base + HIGH_START, 1, 1 * MiB);
	expect(!fstat(mem.fd, &st) && st.st_blocks * 512ULL == 1 * MiB);
	expect(!mem_discard(&mem, HIGH_START + 5, 1 * MiB - 5));
	expect(!fstat(mem.fd, &st) && st.st_blocks * 512ULL == PAGE);
	expect(mem.base[HIGH_START] == 1 && !mem.base[HIGH_START + PAGE]);
	expect(mem_discard(&mem, 3 * MiB, 2 * MiB) == -EINVAL);
	expect(mem_discard(&mem, VGA_HOLE - PAGE, 2 * PAGE) == -EINVAL);
	mem_free(&mem);
	huge.backend = MEM_HUGETLB;
	fill();
	expect(mem_discard(&huge, FIRST * PAGE, PAGE) == -EOPNOTSUPP && !gone(0, 0));
}

static void test_inflate(void)
{
	uint32_t *pfn = at(DATA);

	claim("balloon: pages that the guest gives are the host's, up and down and one by one");
	start(ALL, 4);
	for (int i = 0; i < 16; i++)
		pfn[i] = 0x310 + i;
	for (int i = 0; i < 16; i++)
		pfn[16 + i] = 0x32f - i;
	pfn[32] = 0x330;
	frames(INFLATE, 33, 33 * 4);
	expect(gone(0x310, 0x331) == 0x21);
	pfn[0] = 0x3f0;
	pfn[1] = PAGES - 1;
	pfn[2] = FIRST;
	frames(INFLATE, 3, 3 * 4);
	expect(gone(0x310, 0x331) == 0x24);

	claim("balloon: they read as zeros once the guest has them again, and can be written");
	pfn[0] = 0x310;
	frames(DEFLATE, 1, 4);
	expect(gone(0x310, 0x331) == 0x24);
	expect(!*(uint8_t *)at(0x310 * PAGE));
	*(uint8_t *)at(0x310 * PAGE) = content(0x310);
	expect(gone(0x311, 0x331) == 0x23);

	claim("balloon: pages twice, outside of memory, none, and odd lengths harm nobody");
	start(ALL, 4);
	pfn[0] = 0x350;
	pfn[1] = 0x350;
	pfn[2] = ~0u;
	pfn[3] = PAGES;
	pfn[4] = 0xa0;
	pfn[5] = 0xbf;
	pfn[6] = 0x100000;
	pfn[7] = 0x350;
	pfn[8] = 0x351;
	frames(INFLATE, 9, 9 * 4 + 3);
	expect(gone(0x350, 0x352) == 2);
	frames(INFLATE, 1, 3);
	frames(INFLATE, 1, 1);
	desc(DESC(INFLATE), 2, DATA, 4, W, 0);
	offer(INFLATE, 2);
	ring(INFLATE);
	expect(!needs_reset() && used(INFLATE)->idx == avail_idx[INFLATE]);
	expect(gone(0x350, 0x352) == 2);

	claim("balloon: a frame number may lie in two segments");
	start(ALL, 4);
	pfn[0] = 0x360;
	desc(DESC(INFLATE), 0, DATA, 1, N, 1);
	desc(DESC(INFLATE), 1, DATA + 1, 3, 0, 0);
	offer(INFLATE, 0);
	ring(INFLATE);
	expect(gone(0x360, 0x361) == 1);

	claim("balloon: of a request without end a part is taken, and the next one too");
	start(ALL, 4);
	for (int i = 0; i < 5000; i++)
		pfn[i] = i == 4999 ? 0x371 : 0x370;
	frames(INFLATE, 0, 5000 * 4);
	expect(gone(0x370, 0x371) == 1);
	pfn[0] = 0x371;
	desc(DESC(INFLATE), 0, DATA, 5000 * 4, 0, 0);
	for (int i = 0; i < 8; i++)
		offer(INFLATE, 0);
	ring(INFLATE);
	expect(used(INFLATE)->idx == avail_idx[INFLATE] && gone(0x370, 0x372) == 2);

	claim("balloon: a guest that gives away its rings loses them, and nothing else");
	start(ALL, 4);
	for (uint32_t i = 0; i < FIRST; i++)
		pfn[i] = i;
	desc(DESC(INFLATE), 0, DATA, FIRST * 4, 0, 0);
	offer(INFLATE, 0);
	ring(INFLATE);
	start(ALL, 4);
	expect(!needs_reset());
}

static void test_report(void)
{
	for (int queue = 4; queue >= 2; queue--) {
		uint64_t features = queue == 2 ? ALL & ~F(STATS_VQ) : ALL;

		claim(queue == 4 ? "balloon: what is reported as free is the host's" :
		      queue == 3 ? "balloon: as by drivers that do not count absent queues" :
				   "balloon: as without statistics");
		start(features, queue + 1);
		desc(DESC(queue), 0, 0x380 * PAGE, 16 * PAGE, N | W, 1);
		desc(DESC(queue), 1, 0x3c0 * PAGE, PAGE, W, 0);
		offer(queue, 0);
		ring(queue);
		expect(used(queue)->idx == 1 && gone(0x380, 0x390) == 17);
	}

	claim("balloon: of a range that ends within a page that page is left");
	start(ALL, 5);
	desc(DESC(4), 0, 0x380 * PAGE + 1, 4 * PAGE, W, 0);
	offer(4, 0);
	desc(DESC(4), 1, 0x390 * PAGE + 1, PAGE - 2, W, 0);
	offer(4, 1);
	desc(DESC(4), 2, 0x3a0 * PAGE, PAGE, 0, 0);
	offer(4, 2);
	ring(4);
	expect(used(4)->idx == 3 && gone(0x381, 0x384) == 3);

	claim("balloon: a report of what is no memory breaks the device");
	desc(DESC(4), 0, MEMORY - PAGE, 2 * PAGE, W, 0);
	offer(4, 0);
	ring(4);
	expect(needs_reset() && gone(0x381, 0x384) == 3);

	claim("balloon: without the feature nothing is taken");
	start(ALL & ~F(REPORTING), 5);
	desc(DESC(4), 0, 0x380 * PAGE, PAGE, W, 0);
	offer(4, 0);
	ring(4);
	expect(used(4)->idx == 1 && !gone(0, 0));

	claim("balloon: free pages that a guest has filled with zeros go, with others not");
	start(ALL | F(PAGE_POISON), 5);
	desc(DESC(4), 0, 0x380 * PAGE, PAGE, W, 0);
	set(POISON_VAL, 4, 0xaaaaaaaa);
	offer(4, 0);
	ring(4);
	expect(used(4)->idx == 1 && !gone(0, 0));
	set(POISON_VAL, 4, 0);
	offer(4, 0);
	ring(4);
	expect(used(4)->idx == 2 && gone(0x380, 0x381) == 1);
}

static void put_stat(int i, uint16_t tag, uint64_t value)
{
	((struct virtio_balloon_stat *)at(DATA))[i] = (struct virtio_balloon_stat){ tag, value };
}

static bool heard(const char *words)
{
	char text[1000] = "";
	FILE *f = tmpfile();
	int err = dup(STDERR_FILENO);

	if (!f || err < 0)
		exit(1);
	dup2(fileno(f), STDERR_FILENO);
	unmake();
	dup2(err, STDERR_FILENO);
	rewind(f);
	(void)!fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	close(err);
	if (!strstr(text, words))
		printf("# said: %s\n", text);
	return strstr(text, words);
}

static void test_stats(void)
{
	claim("balloon: statistics are held until the next ones are due, then asked for");
	start(ALL, 4);
	put_stat(0, VIRTIO_BALLOON_S_MEMFREE, 1 * MiB);
	desc(DESC(STATS), 0, DATA, sizeof(struct virtio_balloon_stat), 0, 0);
	offer(STATS, 0);
	ring(STATS);
	expect(!used(STATS)->idx);
	put_stat(0, VIRTIO_BALLOON_S_MEMTOT, 40 * MiB);
	put_stat(1, 999, 5);
	put_stat(2, 0xffff, 5);
	put_stat(3, VIRTIO_BALLOON_S_AVAIL, ~0ULL);
	put_stat(4, VIRTIO_BALLOON_S_NR, 5);
	put_stat(5, VIRTIO_BALLOON_S_MEMTOT, 4 * MiB);
	/* The last one is cut short; a second buffer, which the device has no need of */
	desc(DESC(STATS), 1, DATA, 6 * sizeof(struct virtio_balloon_stat) + 9, 0, 0);
	offer(STATS, 1);
	ring(STATS);
	expect(!used(STATS)->idx);
	for (int i = 0; i < 100 && !used(STATS)->idx; i++)
		loop_step(&vm.loop, 100);
	settle();
	expect(used(STATS)->idx == 1 && used(STATS)->ring[0].id == 0);

	claim("balloon: with --verbose a line tells at the end what it was good for");
	set(ACTUAL, 4, 0x300);
	expect(get(ACTUAL, 4) == 0x300);
	set(ACTUAL, 4, 0x200);
	set(ACTUAL, 2, 0x500);
	set(NUM_PAGES, 4, 0x100);
	set(CONFIG + 100, 4, 0x100);
	expect(get(ACTUAL, 4) == 0x200 && get(NUM_PAGES, 4) == 0x280);
	set_status(0);
	expect(get(ACTUAL, 4) == 0);
	options.verbose = true;
	expect(heard("hvmon-run: balloon: 3 MiB in it at most, 0 MiB reported free in all; "
		     "the guest's last statistics: 4 MiB in all, 17592186044415 MiB available\n"));
}

int main(void)
{
	options.balloon_target = MEMORY - 0x280 * PAGE;
	machine();
	/* Pages of their own: huge ones are resident or not as a whole */
	madvise(vm.mem.base, MEMORY, MADV_NOHUGEPAGE);
	if (virtio_balloon_create(&vm))
		return 1;
	plug(1);

	claim("balloon: the guest is asked for what lies above the target");
	expect(cfg(0, 4) == ((0x1040u + VIRTIO_ID_BALLOON) << 16 | 0x1af4));
	expect(get(NUM_PAGES, 4) == 0x280 && get(ACTUAL, 4) == 0);
	expect(!(offered() & (F(MUST_TELL_HOST) | F(FREE_PAGE_HINT))));
	test_memory();
	test_inflate();
	test_report();
	test_stats();
	return unit_finish();
}
