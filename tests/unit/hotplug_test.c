// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "control.h"
#include "driver.h"
#include "fds.h"
#include "keeper.h"
#include "plug.h"
#include "sandbox.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT

static char dir[32] = "/tmp/hvmon-hotplug.XXXXXX";
static char image[64], path[64], stale[64];
static int teller;		/* a client of the control socket */
static int requests;		/* the launcher's socket for them, in launch() */

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

/* ---- clients of the socket, which is another process's */

/* The launcher's loop, if this is the launcher */
static void pass(void)
{
	if (vm.loop.lock)
		loop_step(&vm.loop, 1);
	else
		usleep(1000);
}

static int client_of(const char *at)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), ret = -1;

	strcpy(sa.sun_path, at);
	/* It is there before anybody listens */
	for (int i = 0; i < 10000 && ret; i++) {
		ret = connect(fd, (void *)&sa, sizeof(sa));
		if (ret)
			usleep(1000);
	}
	expect(!ret);
	return fd;
}

static void say(int fd, const char *text)
{
	expect(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Whether that comes next, within ten seconds */
static bool hears(int fd, const char *want)
{
	size_t n = 0, len = strlen(want);
	char said[8192] = "";
	ssize_t got = 1;

	for (int i = 0; i < 10000 && n < len && got; i++) {
		pass();
		got = recv(fd, said + n, len - n, MSG_DONTWAIT);
		n += got > 0 ? got : 0;
	}
	if (strcmp(said, want))
		printf("# heard %s, not %s\n", said, want);
	return !strcmp(said, want);
}

/* Whether the other end is closed, within ten seconds, or reset by that */
static bool closed(int fd)
{
	char byte;
	ssize_t got = 1;

	for (int i = 0; i < 10000; i++) {
		got = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (!got || (got < 0 && errno != EAGAIN))
			return true;
		pass();
	}
	return false;
}

static bool silent(int fd)
{
	char byte;

	for (int i = 0; i < 50; i++)
		pass();
	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

/* The answer to a command: lines, of which OK or ERROR is the last */
static const char *tell_at(int fd, const char *fmt, const char *arg)
{
	static char answer[8192];
	char line[512], *last = answer;
	size_t n = 0;
	ssize_t got = 1;

	snprintf(line, sizeof(line), fmt, arg);
	strcat(line, "\n");
	say(fd, line);
	memset(answer, 0, sizeof(answer));
	for (int i = 0; i < 20000 && got; i++) {
		pass();
		got = recv(fd, answer + n, sizeof(answer) - 1 - n, MSG_DONTWAIT);
		n += got > 0 ? got : 0;
		for (char *end = strchr(last, '\n'); end && end[1]; end = strchr(last, '\n'))
			last = end + 1;
		if (n && answer[n - 1] == '\n' &&
		    (!strcmp(last, "OK\n") || !strncmp(last, "ERROR ", 6)))
			break;
	}
	return answer;
}

static const char *tell(const char *fmt, const char *arg)
{
	return tell_at(teller, fmt, arg);
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
		{ "add net user,vhost", "want hostfwd=, loopback or mac=" },
		{ "add net tap=hvmon-none", "no such interface" },
		{ "add net user,mac=02:00:00:00:00:07", "two interfaces have it" },
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
	expect(open_files() == files && !in(HOTPLUG_NEW) && !child_of(child_of(getpid())));
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

/* ---- user networking */

static void test_user(void)
{
	int files = open_files();

	claim("hotplug: user networking comes, with a process, and goes with it");
	expect(says("add net user%s", "", "net1\nOK\n"));
	expect(child_of(child_of(getpid())) && in(HOTPLUG_NEW));
	expect(says("list%s", "", " present user\nOK\n"));
	out(HOTPLUG_EJECT, in(HOTPLUG_NEW));
	settle();
	expect(!child_of(child_of(getpid())) && open_files() == files);
}

/* ---- the socket */

static bool gone(const char *name)
{
	struct stat st;

	for (int i = 0; i < 10000 && !lstat(name, &st); i++)
		usleep(1000);
	return lstat(name, &st);
}

/* What becomes of a launcher with its own keeper, whose socket is @at: an exit status */
static int launch(const char *at, int (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

		alarm(60);
		complain_to(fopen("/dev/null", "w"));
		memset(&vm, 0, sizeof(vm));
		vm.control.fd = -1;
		vm.opt = &options;
		/* The launcher's end has the lowest number that is free */
		requests = dup(0);
		close(requests);
		if (keeper_start(&options) || loop_init(&vm.loop, &lock))
			_exit(99);
		status = control_open(&vm, at);
		if (!status && work)
			status = work();
		keeper_stop();
		_exit(status);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int is_killed(void)
{
	raise(SIGKILL);
	return 0;
}

static void test_socket(void)
{
	size_t got = 0, want, answer = strlen(tell("status%s", ""));
	char long_line[CONTROL_LINE + 100], some[4096];
	int fd[12], small = 1, sent = 0;
	struct stat st;

	claim("control: the socket is its owner's, and there is one for each guest");
	expect(!lstat(path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	expect(launch(path, NULL) == EXIT_USAGE && launch(dir, NULL) == EXIT_USAGE);
	expect(!lstat(path, &st) && says("list%s", "", "OK\n"));

	claim("control: pieces of commands, and several at once");
	fd[0] = client_of(path);
	say(fd[0], "li");
	expect(silent(fd[0]));
	say(fd[0], "st");
	say(fd[0], "\nfrob\n\nremove x\nli");
	expect(hears(fd[0], "net0 4 present tap=test\nOK\nERROR frob: want add, remove, list, "
		     "power-button, quit or status\nERROR : want add"));
	expect(hears(fd[0], ", remove, list, power-button, quit or status\nERROR x: no such "
		     "device; \"list\" names them\n"));
	say(fd[0], "st\n");
	expect(hears(fd[0], "net0 4 present tap=test\nOK\n"));

	claim("control: bytes of 0 and endless lines are refused");
	expect(send(fd[0], "li\0st\n", 6, 0) == 6);
	expect(hears(fd[0], "ERROR a byte of 0\n"));
	memset(long_line, 'x', sizeof(long_line));
	expect(send(fd[0], long_line, sizeof(long_line), 0) > 0);
	expect(hears(fd[0], "ERROR the line is too long\n") && closed(fd[0]));
	close(fd[0]);

	claim("control: who has no more to say gets the answer, who has gone costs nothing");
	fd[0] = client_of(path);
	say(fd[0], "list\nlist\n");
	shutdown(fd[0], SHUT_WR);
	expect(hears(fd[0], "net0 4 present tap=test\nOK\nnet0 4 present tap=test\nOK\n"));
	expect(closed(fd[0]));
	close(fd[0]);
	for (int i = 0; i < 3; i++) {
		fd[0] = client_of(path);
		say(fd[0], "list\n");
		close(fd[0]);
	}
	expect(says("list%s", "", "OK\n"));

	claim("control: a client that never reads has one answer pending, and no more");
	fd[0] = client_of(path);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 1000 && sent < 1000000; i++) {
		if (send(fd[0], "status\n", 7, MSG_NOSIGNAL) == 7) {
			sent++;
			i = 0;
		} else {
			pass();
		}
	}
	want = sent * answer;
	expect(sent < 1000000 && sent > 100);
	expect(says("list%s", "", "OK\n"));
	for (int i = 0; i < 10000 && got < want; i++) {
		ssize_t part = recv(fd[0], some, sizeof(some), MSG_DONTWAIT);

		got += part > 0 ? part : 0;
		if (part > 0)
			i = 0;
		pass();
	}
	expect(got == want);
	close(fd[0]);

	claim("control: who comes when all places are taken gets the most silent one's");
	for (int i = 0; i < 7; i++) {
		fd[i] = client_of(path);
		expect(strstr(tell_at(fd[i], "list%s", ""), "OK\n"));
	}
	say(fd[0], "frob\n");
	expect(hears(fd[0], "ERROR frob"));
	tell("list%s", "");
	for (int i = 8; i < 10; i++)
		fd[i] = client_of(path);
	expect(closed(fd[1]));
	expect(closed(fd[2]));
	expect(silent(fd[3]));
	expect(silent(fd[9]));
	say(fd[9], "list\n");
	expect(hears(fd[9], "net0 4 present tap=test\nOK\n"));
	expect(says("list%s", "", "OK\n"));

	claim("control: the socket goes with the guest, and a leftover is replaced");
	control_close(&vm);
	expect(gone(path) && closed(fd[9]) && closed(teller));
	for (int i = 0; i < 10; i++)
		if (i != 7)
			close(fd[i]);
	fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	expect(!bind(fd[0], (void *)&(struct sockaddr_un){
		.sun_family = AF_UNIX, .sun_path = "/tmp/hvmon-hotplug.stale" }, 110));
	close(fd[0]);
	expect(!launch(stale, NULL) && lstat(stale, &st));

	claim("control: the socket goes when the launcher is killed");
	expect(launch(stale, is_killed) == -SIGKILL && gone(stale));
}

/* ---- a launcher that is its guest's */

/* In the child, like all below */
static int bad;

static void must(bool ok, int line, const char *what)
{
	if (!ok)
		printf("# line %d: %s\n", line, what);
	bad |= !ok;
}

#define check(cond)	must(cond, __LINE__, #cond)

/* Nothing comes but the end, or, if @len, so many bytes; in any case no file */
static bool gives_nothing(int fd, ssize_t len)
{
	char bytes[4096];
	const struct iovec iov = { bytes, sizeof(bytes) };
	unsigned int nr_fds;
	int fds[FDS_MAX];
	ssize_t n = fds_recv(fd, &iov, 1, fds, &nr_fds, 0);

	return !nr_fds && (len ? n == len : !n || n == -ECONNRESET);
}

static int takes_over(void)
{
	int me = client_of(stale);
	struct plug_device d;
	char line[64] = "", text[80];
	const struct iovec iov[] = { { &d, sizeof(d) }, { line, sizeof(line) } };
	unsigned int nr_fds;
	int fds[FDS_MAX];
	ssize_t n;

	/* To somebody who waits for an answer it is one, and what a terminal obeys is not */
	say(me, "list\n");
	n = fds_recv(vm.control.fd, iov, 2, fds, &nr_fds, 0);
	check(n == sizeof(d) + 4 && !strncmp(line, "list", 4) && !nr_fds && d.kind == PLUG_KINDS);
	snprintf(text, sizeof(text), "add disk %s\n\33[2J\n", image);
	check(send(vm.control.fd, text, strlen(text), 0) > 0);
	text[strlen(text) - 5] = '?';
	vm.loop.lock = NULL;
	check(hears(me, text));
	/* A number of the list, a size or a verb that is none */
	check(send(requests, "add disk /ab", 12, 0) == 12);
	check(gives_nothing(requests, 4 + sizeof(struct keeper_end)));
	/* Nobody waits */
	snprintf(text, sizeof(text), "add disk %s\n", image);
	check(send(vm.control.fd, text, strlen(text), 0) > 0);
	check(gives_nothing(vm.control.fd, 0));
	check(closed(me) && gone(stale) && !locked(image));
	check(keeper_connect(stale) == -EALREADY);
	check(send(requests, text, strlen(text), 0) > 0);
	check(gives_nothing(requests, 0));
	check(!locked(image));
	return bad;
}

static void test_taken_over(void)
{
	claim("keeper: a launcher that asks for a file by its name gets none");
	expect(!launch(stale, takes_over));
}

/* ---- in the sandbox */

/* A guest that writes to a disk that comes, and gives back what is wanted */
static int in_sandbox(void)
{
	struct sandbox sb;
	const char *why;

	sandbox_prepare(&sb);
	if (mem_alloc(&vm.mem, MEMORY, MEM_MEMFD) || pci_create(&vm) || pm_create(&vm) ||
	    hotplug_create(&vm))
		return 98;
	blk_uring_reserve(2);
	why = sandbox_enter(&sb);
	if (why)
		return 97;
	listen_to_gpe(true);
	for (int i = 0; i < 20000 && fake_end != END_QUIT; i++) {
		uint32_t new = in(HOTPLUG_NEW);

		if (new && id_in(__builtin_ctz(new)) == 0x10421af4) {
			write_sector(__builtin_ctz(new), "boxed");
			check(status_of_write());
		}
		out(HOTPLUG_NEW, new);
		out(HOTPLUG_EJECT, in(HOTPLUG_WANTED));
		pass();
	}
	check(open(image, O_RDONLY) < 0 && errno == EPERM);
	return bad;
}

static void erase(void)
{
	int fd = open(image, O_WRONLY);

	expect(pwrite(fd, "none", 5, 3 * SECTOR) == 5);
	close(fd);
}

static void test_sandbox(void)
{
	char command[200];
	int status, fd;
	pid_t pid = fork();

	snprintf(command, sizeof(command), "command -v qemu-storage-daemon >/dev/null && "
		 "qemu-img create -q -f qcow2 %s.qcow2 1M", image);
	claim("sandbox: disks and user networking come and go, again and again");
	if (!pid)
		_exit(launch(path, in_sandbox));
	fd = client_of(path);
	for (int i = 0; i < 5; i++) {
		erase();
		expect(!strcmp(tell_at(fd, "add disk %s", image), "disk0\nOK\n"));
		for (int j = 0; j < 5000 && !file_has("boxed"); j++)
			usleep(1000);
		expect(file_has("boxed") && locked(image));
		expect(!strcmp(tell_at(fd, "add net user%s", ""), "net0\nOK\n"));
		expect(strstr(tell_at(fd, "list%s", ""), "net0 2 present user\nOK\n"));
		expect(!strcmp(tell_at(fd, "remove disk0%s", ""), "OK\n"));
		expect(!strcmp(tell_at(fd, "remove net0%s", ""), "OK\n"));
		for (int j = 0; j < 1000 && strcmp(tell_at(fd, "list%s", ""), "OK\n"); j++)
			usleep(1000);
		expect(!strcmp(tell_at(fd, "list%s", ""), "OK\n") && !locked(image));
	}
	if (!system(command)) {
		expect(!strcmp(tell_at(fd, "add disk %s.qcow2,format=qcow2", image),
			       "disk0\nOK\n"));
		expect(strstr(tell_at(fd, "add disk %s.qcow2,format=qcow2", image),
			      "in use by another virtual machine\n"));
		expect(!strcmp(tell_at(fd, "remove disk0%s", ""), "OK\n"));
		for (int j = 0; j < 1000 && strcmp(tell_at(fd, "list%s", ""), "OK\n"); j++)
			usleep(1000);
	} else {
		puts("# no qemu-storage-daemon for a qcow2 disk");
	}
	expect(!strcmp(tell_at(fd, "quit%s", ""), "OK\n"));
	waitpid(pid, &status, 0);
	expect(WIFEXITED(status) && !WEXITSTATUS(status));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("# status 0x%x\n", status);
	close(fd);
}

int main(void)
{
	static const struct netback_ops ops;
	struct netback tap = { .ops = &ops, .opt = &options.net[0], .pairs = 1, .active = 1,
		.vhost = { -1 } };
	struct disk disk;
	char cmd[64], other[64];
	int wire[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, wire))
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	strcpy(stale, "/tmp/hvmon-hotplug.stale");
	keeper_add_control(path, path);
	keeper_add_control(dir, dir);
	keeper_add_control(stale, stale);
	close(open(image, O_CREAT | O_RDWR, 0600));
	if (truncate(image, 65536))
		return 1;
	options.backend = MEM_MEMFD;
	test_sandbox();
	test_taken_over();
	options.backend = MEM_ANON;
	if (keeper_start(&options))
		return 1;
	options.disk[0].path = image;
	options.memory = MEMORY;
	options.name = "test";
	options.net[0].name = "tap=test";
	machine();
	if (pm_create(&vm) || hotplug_create(&vm))
		return 1;
	vm.control.fd = -1;
	if (control_open(&vm, path))
		return 1;
	teller = client_of(path);
	claim("hotplug: without devices the registers are empty");
	expect(!in(HOTPLUG_NEW) && !in(HOTPLUG_WANTED) && !in(HOTPLUG_EJECT));
	out(HOTPLUG_EJECT, ~0u);
	settle();
	/* Another image for the disk that is there from the start */
	close(open(other, O_CREAT | O_RDWR, 0600));
	options.disk[0].path = other;
	if (truncate(other, 4096) || disk_open(&disk, &options.disk[0]) ||
	    virtio_blk_create(&vm, &disk)) {
		puts("ok hotplug: no disks without io_uring");
		return 0;
	}
	unlink(other);
	expect(!plug_note(&vm, PLUG_DISK, 0) && !virtio_rng_create(&vm));
	test_add();
	test_remove();
	test_many();
	tap.fd[0] = wire[0];
	expect(!virtio_rng_create(&vm) && !virtio_rng_create(&vm));
	expect(!virtio_net_create(&vm, &tap) && !plug_note(&vm, PLUG_NET, 0));
	test_refused();
	test_user();
	test_commands();
	claim("hotplug: a bus without a free slot is one line");
	while (!virtio_rng_create(&vm))
		;
	expect(!strcmp(tell("add disk %s", image), "ERROR all 31 slots of the PCI bus are taken; "
		       "remove another device first\n"));
	test_socket();
	vm.dev_list[2]->ops->free(vm.dev_list[2]);
	vm.dev_list[1]->ops->free(vm.dev_list[1]);
	unmake();
	keeper_stop();
	plug_free(&vm);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	(void)!system(cmd);
	return unit_finish();
}
