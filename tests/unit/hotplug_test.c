// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "control.h"
#include "driver.h"
#include "keeper.h"
#include "plug.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT

static char dir[32] = "/tmp/hvmon-hotplug.XXXXXX";
static char image[64], path[64], stale[] = "/tmp/hvmon-hotplug.stale";

static uint32_t in(int reg)
{
	uint32_t v;

	bus_read(&vm.pio, HOTPLUG_PORT + reg, &v, 4);
	return v;
}

static void out(int reg, uint32_t v)
{
	bus_write(&vm.pio, HOTPLUG_PORT + reg, &v, 4);
}

static void listen_to_gpe(bool on)
{
	uint8_t enable = on << GPE_HOTPLUG;

	bus_write(&vm.pio, GPE0_PORT + 1, &enable, 1);
}

static bool gpe_status(void)
{
	uint8_t status, clear = 0xff;

	bus_read(&vm.pio, GPE0_PORT, &status, 1);
	bus_write(&vm.pio, GPE0_PORT, &clear, 1);
	return status >> GPE_HOTPLUG & 1;
}

/* The answer to a command */
static const char *tell(const char *fmt, const char *arg)
{
	static char answer[8192];
	char line[512];
	FILE *to = fmemopen(answer, sizeof(answer), "w");

	snprintf(line, sizeof(line), fmt, arg);
	control_command(&vm, line, to);
	fclose(to);
	return answer;
}

static bool says(const char *fmt, const char *arg, const char *words)
{
	const char *answer = tell(fmt, arg);

	if (strstr(answer, words))
		return true;
	printf("# %s gave %s", fmt, answer);
	return false;
}

static int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool locked(const char *name)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(name, O_RDWR);
	bool is;

	fcntl(fd, F_OFD_GETLK, &fl);
	is = fl.l_type != F_UNLCK;
	close(fd);
	return is;
}

static uint32_t id_in(int s)
{
	slot = s;
	return cfg(0, 4);
}

static bool status_of_write(void)
{
	for (int i = 0; i < 50 && used(0)->idx != avail_idx[0]; i++)
		loop_step(&vm.loop, 100);
	return used(0)->idx == avail_idx[0] && !*(uint8_t *)at(DATA + 0x100);
}

/* A sector's write, on its way; the guest has given the BAR an address */
static void write_sector(int s, const char *text)
{
	slot = s;
	set_cfg(PCI_BASE_ADDRESS_0, 4, 0xc8000000);
	plug(s);
	drive(WITH_INDIRECT, 1);
	*(struct virtio_blk_outhdr *)at(DATA) = (struct virtio_blk_outhdr){
		.type = VIRTIO_BLK_T_OUT, .sector = 3,
	};
	*(uint8_t *)at(DATA + 0x100) = 0xdd;
	strcpy(at(DATA + 0x1000), text);
	desc(DESC(0), 0, DATA, sizeof(struct virtio_blk_outhdr), N, 1);
	desc(DESC(0), 1, DATA + 0x1000, SECTOR, N, 2);
	desc(DESC(0), 2, DATA + 0x100, 1, W, 0);
	offer(0, 0);
	set(NOTIFY, 2, 0);
}

static bool file_has(const char *text)
{
	char got[32] = "";
	int fd = open(image, O_RDONLY);
	ssize_t n = pread(fd, got, sizeof(got), 3 * SECTOR);

	close(fd);
	return n > 0 && !strncmp(got, text, sizeof(got));
}

static void test_add(void)
{
	claim("hotplug: what is added is in a slot, and the guest is told by an event");
	listen_to_gpe(true);
	expect(says("add disk %s,serial=abc", image, "disk1\nOK\n"));
	expect(id_in(3) == 0x10421af4 && locked(image));
	expect(fake_irq[SCI_IRQ] && in(HOTPLUG_NEW) == 1 << 3 && !in(HOTPLUG_WANTED));
	expect(gpe_status() && !fake_irq[SCI_IRQ]);
	out(HOTPLUG_NEW, ~(1u << 3));
	expect(in(HOTPLUG_NEW) == 1 << 3);
	out(HOTPLUG_NEW, 1 << 3);
	expect(!in(HOTPLUG_NEW) && id_in(3) == 0x10421af4);
	expect(says("list%s", "", "disk0 1 present "));
	expect(says("list%s", "", image));
	write_sector(3, "one");
	expect(status_of_write() && file_has("one"));
}

static void test_remove(void)
{
	int files;

	claim("hotplug: a guest that does not listen is not asked");
	listen_to_gpe(false);
	expect(says("remove %s", "disk1", "ERROR disk1: the guest does not listen"));
	expect(!in(HOTPLUG_WANTED) && says("list%s", "", "disk1 3 present "));
	listen_to_gpe(true);

	claim("hotplug: what is removed stays until the guest gives it back");
	expect(says("remove %s", "disk1", "OK\n"));
	expect(in(HOTPLUG_WANTED) == 1 << 3 && gpe_status());
	expect(says("list%s", "", "disk1 3 removing ") && id_in(3) != ~0u && locked(image));
	out(HOTPLUG_WANTED, 1 << 3);
	expect(says("remove %s", "disk1", "OK\n") && in(HOTPLUG_WANTED) == 1 << 3);

	claim("hotplug: what is under way when the guest gives a disk back is done");
	files = open_files();
	write_sector(3, "two");
	loop_step(&vm.loop, 100);
	out(HOTPLUG_EJECT, 1 << 3);
	expect(id_in(3) == ~0u && !in(HOTPLUG_WANTED));
	expect(says("remove %s", "disk1", "OK\n"));
	settle();
	expect(file_has("two") && !locked(image) && open_files() < files);
	expect(!strstr(tell("list%s", ""), "disk1"));
	expect(says("remove %s", "disk1", "no such device"));

	claim("hotplug: the guest can give back only what can be removed");
	out(HOTPLUG_EJECT, ~(1u << 1));
	out(HOTPLUG_EJECT + 2, ~0u);
	settle();
	expect(id_in(0) != ~0u && id_in(2) == 0x10441af4 && id_in(1) == 0x10421af4);

	claim("hotplug: what was there from the start goes and comes, too");
	expect(says("remove %s", "disk0", "OK\n"));
	out(HOTPLUG_EJECT, 1 << 1);
	settle();
	expect(id_in(1) == ~0u && !strcmp(tell("list%s", ""), "OK\n"));
	expect(says("add disk %s,ro", image, "disk0\nOK\n"));
	expect(id_in(1) == 0x10421af4 && says("list%s", "", "disk0 1 present"));
	out(HOTPLUG_EJECT, 1 << 1);
	settle();
}

static void test_many(void)
{
	uint32_t gsis = vm.next_gsi, free_gsis = vm.nr_free_gsis;
	int files = open_files();
	char name[80];

	claim("hotplug: a thousand times over, nothing is used up");
	for (int i = 0; i < 1000 && unit_ok; i++) {
		expect(says("add disk %s", image, "disk0\nOK\n"));
		out(HOTPLUG_EJECT, in(HOTPLUG_NEW));
		settle();
	}
	expect(vm.next_gsi == gsis && vm.nr_free_gsis == free_gsis && open_files() == files);
	expect(!in(HOTPLUG_NEW) && !strcmp(tell("list%s", ""), "OK\n"));

	claim("hotplug: the 17th disk is refused, until there is room");
	for (int i = 0; i < MAX_DISKS; i++) {
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		close(open(name, O_CREAT | O_RDWR, 0600));
		expect(!truncate(name, 4096));
		expect(says("add disk %s", name, "OK\n"));
	}
	expect(says("add disk %s", image, "ERROR --disk: a guest has 16 of them at most"));
	out(HOTPLUG_EJECT, 1 << 6);
	expect(says("add disk %s", image, "at most"));
	settle();
	expect(says("add disk %s", image, "disk4\nOK\n"));
	out(HOTPLUG_EJECT, ~0u);
	settle();
	expect(!strcmp(tell("list%s", ""), "OK\n") && open_files() == files);
}

static void test_refused(void)
{
	static const struct {
		const char *line, *words;
	} bad[] = {
		{ "", ": want add, remove, list, power-button, quit or status" },
		{ "frob", "ERROR frob: want add, remove" },
		{ "add", "ERROR want add disk|net ARGUMENT" },
		{ "add disk", "ERROR want add disk|net ARGUMENT" },
		{ "add disk ", "ERROR want add disk|net ARGUMENT" },
		{ "add cdrom x", "ERROR add cdrom: want disk or net" },
		{ "add disk ,ro", "ERROR --disk: want FILE[,OPTION...]" },
		{ "add disk %s,frob", "ERROR --disk: frob: want format=" },
		{ "add disk %s/none", "No such file" },
		{ "add disk %s", "a directory" },
		{ "add disk %s,format=qcow2", "start the guest with --memory-backend memfd" },
		{ "add disk vhost-user=%s/none", "start the guest with --memory-backend memfd" },
		{ "add net tap", "want tap=NAME, bridge=NAME or user" },
		{ "add net user", "only from the guest's start on" },
		{ "add net tap=hvmon-none", "no such interface" },
		{ "add net tap=t,mac=02:00:00:00:00:07", "two interfaces have it" },
		{ "add net tap=t,mac=02:00", "want six bytes" },
		{ "remove", "ERROR want remove NAME" },
		{ "remove disk", "no such device" },
		{ "remove disk0 disk1", "ERROR disk0 disk1: no such device" },
		{ "list all", "ERROR list: it takes no argument" },
		{ "quit now", "ERROR quit: it takes no argument" },
	};
	int files;

	claim("control: what cannot be done is one line that says so, and changes nothing");
	options.net[0] = (struct net_options){
		.name = "tap=test", .has_mac = true, .mac = { 2, 0, 0, 0, 0, 7 },
	};
	files = open_files();
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *answer = tell(bad[i].line, dir);

		expect(!strncmp(answer, "ERROR ", 6) && strstr(answer, bad[i].words) &&
		       strchr(answer, '\n') == answer + strlen(answer) - 1);
		if (!unit_ok) {
			printf("# %s gave %s", bad[i].line, answer);
			break;
		}
	}
	options.no_sandbox = false;
	expect(says("add disk %s", dir, "started with --no-sandbox"));
	options.no_sandbox = true;
	expect(open_files() == files && !in(HOTPLUG_NEW));
	expect(!strcmp(tell("list%s", ""), "net0 4 present tap=test\nOK\n"));
}

static void test_commands(void)
{
	uint16_t button = 0x100;

	claim("control: status, button and end");
	expect(says(" status %s\r", "", "state running\nname test\npid "));
	expect(says("status%s", "", "cpus 2\nmemory 4\nOK\n"));
	expect(says("power-button%s", "", "ERROR the guest does not listen"));
	bus_write(&vm.pio, PM1_EVENT_PORT + 2, &button, 2);
	expect(says("power-button%s", "", "OK\n") && fake_irq[SCI_IRQ]);
	expect(says("quit%s", "", "OK\n") && fake_end == END_QUIT);
}

/* ---- the socket */

static int client(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sa.sun_path, path);
	expect(!connect(fd, (void *)&sa, sizeof(sa)));
	settle();
	return fd;
}

static void say(int fd, const char *text)
{
	expect(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
	settle();
}

/* What came; "closed" if the other end is */
static const char *hear(int fd)
{
	static char said[65536];
	ssize_t n = recv(fd, said, sizeof(said) - 1, MSG_DONTWAIT);

	if (!n || (n < 0 && errno != EAGAIN))
		return "closed";
	said[n < 0 ? 0 : n] = '\0';
	return said;
}

static void test_socket(void)
{
	size_t got = 0, want, answer = strlen(tell("status%s", ""));
	char long_line[CONTROL_LINE + 100];
	int fd[12], small = 1, sent = 0;
	struct stat st;

	claim("control: the socket is its owner's, and there is one for each guest");
	expect(!control_open(&vm, path));
	expect(!lstat(path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	complain_to(fopen("/dev/null", "w"));
	expect(control_open(&vm, path) == EXIT_USAGE && control_open(&vm, dir) == EXIT_USAGE);
	complain_to(NULL);

	claim("control: pieces of commands, and several at once");
	fd[0] = client();
	say(fd[0], "li");
	expect(!*hear(fd[0]));
	say(fd[0], "st");
	say(fd[0], "\nfrob\n\nremove x\nli");
	expect(!strncmp(hear(fd[0]), "net0 4 present tap=test\nOK\nERROR frob", 37));
	say(fd[0], "st\n");
	expect(!strcmp(hear(fd[0]), "net0 4 present tap=test\nOK\n"));

	claim("control: bytes of 0 and endless lines are refused");
	expect(send(fd[0], "li\0st\n", 6, 0) == 6);
	settle();
	expect(!strcmp(hear(fd[0]), "ERROR a byte of 0\n"));
	memset(long_line, 'x', sizeof(long_line));
	expect(send(fd[0], long_line, sizeof(long_line), 0) > 0);
	settle();
	expect(!strcmp(hear(fd[0]), "ERROR the line is too long\n"));
	expect(!strcmp(hear(fd[0]), "closed"));
	close(fd[0]);

	claim("control: a client that never reads has one answer pending, and no more");
	fd[0] = client();
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 1000000 && send(fd[0], "status\n", 7, MSG_NOSIGNAL) == 7; i++) {
		sent++;
		loop_step(&vm.loop, 0);
	}
	settle();
	want = sent * answer;
	expect(sent < 1000000 && sent > 100 && !loop_step(&vm.loop, 0));
	for (size_t part = 1; part && got < want; got += part) {
		part = strlen(hear(fd[0]));
		settle();
	}
	expect(got == want);
	close(fd[0]);
	settle();

	claim("control: who comes when all places are taken gets the most silent one's");
	for (int i = 0; i < 8; i++)
		fd[i] = client();
	say(fd[0], "frob\n");
	for (int i = 8; i < 10; i++)
		fd[i] = client();
	expect(!strncmp(hear(fd[0]), "ERROR", 5) && !strcmp(hear(fd[1]), "closed"));
	expect(!strcmp(hear(fd[2]), "closed") && !*hear(fd[3]) && !*hear(fd[9]));
	say(fd[9], "list\n");
	expect(!strncmp(hear(fd[9]), "net0", 4));

	claim("control: the socket goes with the guest, and a leftover is replaced");
	control_close(&vm);
	expect(lstat(path, &st) && !strcmp(hear(fd[9]), "closed"));
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	expect(!bind(fd[0], (void *)&(struct sockaddr_un){
		.sun_family = AF_UNIX, .sun_path = "/tmp/hvmon-hotplug.stale" }, 110));
	close(fd[0]);
	expect(!control_open(&vm, stale));
	control_close(&vm);
	expect(lstat(stale, &st));
}

int main(void)
{
	static const struct netback_ops ops;
	struct netback tap = { .ops = &ops, .opt = &options.net[0], .pairs = 1, .active = 1,
		.vhost = { -1 } };
	struct disk disk;
	char cmd[64];
	int wire[2];

	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, wire))
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	snprintf(path, sizeof(path), "%s/socket", dir);
	keeper_add_own_socket(path, path);
	keeper_add_own_socket(stale, stale);
	close(open(image, O_CREAT | O_RDWR, 0600));
	if (keeper_start(&options) || truncate(image, 65536))
		return 1;
	options.disk[0].path = image;
	options.memory = MEMORY;
	options.name = "test";
	options.no_sandbox = true;
	options.net[0].name = "tap=test";
	machine();
	if (pm_create(&vm) || hotplug_create(&vm))
		return 1;
	claim("hotplug: without devices the registers are empty");
	expect(!in(HOTPLUG_NEW) && !in(HOTPLUG_WANTED) && !in(HOTPLUG_EJECT));
	out(HOTPLUG_EJECT, ~0u);
	settle();
	/* Another image for the disk that is there from the start */
	close(open(path, O_CREAT | O_RDWR, 0600));
	options.disk[0].path = path;
	if (truncate(path, 4096) || disk_open(&disk, &options.disk[0]) ||
	    virtio_blk_create(&vm, &disk)) {
		puts("ok hotplug: no disks without io_uring");
		return 0;
	}
	unlink(path);
	expect(!plug_note(&vm, PLUG_DISK, 0) && !virtio_rng_create(&vm));
	test_add();
	test_remove();
	test_many();
	tap.fd[0] = wire[0];
	expect(!virtio_rng_create(&vm) && !virtio_rng_create(&vm));
	expect(!virtio_net_create(&vm, &tap) && !plug_note(&vm, PLUG_NET, 0));
	test_refused();
	test_commands();
	test_socket();
	claim("hotplug: a bus without a free slot is one line");
	while (!virtio_rng_create(&vm))
		;
	expect(!strcmp(tell("add disk %s", image), "ERROR all 31 slots of the PCI bus are taken; "
		       "remove another device first\n"));
	vm.dev_list[2]->ops->free(vm.dev_list[2]);
	vm.dev_list[1]->ops->free(vm.dev_list[1]);
	unmake();
	keeper_stop();
	plug_free(&vm);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	(void)!system(cmd);
	return unit_finish();
}
