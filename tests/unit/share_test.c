// SPDX-License-Identifier: GPL-2.0
/*
 * A shared folder: which virtiofsd is called how, and the device, behind which a
 * process of the test stands that answers at once, or not at all.
 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/fuse.h>

#include "driver.h"
#include "keeper.h"
#include "share.h"
#include "vhost_user.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define ASK	DATA
#define ANSWER	(DATA + 0x1000)
#define HIPRIO	0
#define REQ	1
#define FROM_PROCESS	-77	/* the error that the process answers */

static char dir[32] = "/tmp/hvmon-sh.XXXXXX", path[64], word[80];

/* ---- the other process */

/* Shared with it: what it was told, and whether it answers the guest */
static struct {
	uint64_t features;
	unsigned int regions;
	volatile unsigned int kicks;
	uint16_t base[2];
	bool stopped[2], no_call[2], silent, refuses;
} *told;

static struct {
	uint64_t gpa, len, hva;
	uint8_t *p;
} region[VU_MAX_REGIONS];

static struct {
	struct vring_desc *desc;
	uint16_t *avail, *used, next, size;
	int kick, call;
} queue[2] = { { .kick = -1, .call = -1 }, { .kick = -1, .call = -1 } };

static void *mapped(uint64_t a, bool by_gpa)
{
	for (unsigned int i = 0; i < told->regions; i++) {
		uint64_t start = by_gpa ? region[i].gpa : region[i].hva;

		if (a >= start && a - start < region[i].len)
			return region[i].p + (a - start);
	}
	_exit(2);
}

static void serve_queue(int n)
{
	uint64_t one = 1;

	(void)!read(queue[n].kick, &one, sizeof(one));
	told->kicks++;
	while (!told->silent &&
	       __atomic_load_n(&queue[n].avail[1], __ATOMIC_ACQUIRE) != queue[n].next) {
		uint16_t i = queue[n].avail[2 + queue[n].next % queue[n].size];
		struct vring_used_elem *elem = (void *)(queue[n].used + 2);
		const struct fuse_in_header *in = mapped(queue[n].desc[i].addr, true);
		uint32_t len = 0;

		if (queue[n].desc[i].flags & N) {
			struct fuse_out_header *out =
				mapped(queue[n].desc[queue[n].desc[i].next].addr, true);

			*out = (struct fuse_out_header){ sizeof(*out), FROM_PROCESS, in->unique };
			len = sizeof(*out);
		}
		elem[queue[n].next % queue[n].size] = (struct vring_used_elem){ i, len };
		__atomic_store_n(&queue[n].used[1], ++queue[n].next, __ATOMIC_RELEASE);
		one = 1;
		(void)!write(queue[n].call, &one, sizeof(one));
	}
}

/* False: no answer is due but a status */
static bool obey(uint32_t request, uint32_t *w, uint64_t *q, const int *fd)
{
	unsigned int n = w[0] & 1;

	switch (request) {
	case VU_GET_FEATURES:
		q[0] = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
		       1ULL << VU_F_PROTOCOL_FEATURES;
		return true;
	case VU_GET_PROTOCOL_FEATURES:
		q[0] = 1ULL << VU_PROTOCOL_REPLY_ACK;
		return true;
	case VU_SET_FEATURES:
		told->features = q[0];
		return false;
	case VU_SET_MEM_TABLE:
		told->regions = w[0];
		for (unsigned int i = 0; i < told->regions; i++) {
			region[i].gpa = q[1 + 4 * i];
			region[i].len = q[2 + 4 * i];
			region[i].hva = q[3 + 4 * i];
			region[i].p = mmap(NULL, region[i].len, PROT_READ | PROT_WRITE,
					   MAP_SHARED, fd[i], q[4 + 4 * i]);
		}
		return false;
	case VU_SET_VRING_NUM:
		queue[n].size = w[1];
		return false;
	case VU_SET_VRING_BASE:
		told->base[n] = w[1];
		queue[n].next = w[1];
		return false;
	case VU_SET_VRING_ADDR:
		queue[n].desc = mapped(q[1], false);
		queue[n].used = mapped(q[2], false);
		queue[n].avail = mapped(q[3], false);
		return false;
	case VU_SET_VRING_CALL:
		told->no_call[n] = w[0] & 0x100;
		queue[n].call = told->no_call[n] ? -1 : fd[0];
		return false;
	case VU_SET_VRING_KICK:
		queue[n].kick = fd[0];
		told->stopped[n] = false;
		return false;
	case VU_GET_VRING_BASE:
		w[1] = queue[n].next;
		queue[n].kick = -1;
		told->stopped[n] = true;
		return true;
	}
	return false;
}

static void serve(int c)
{
	for (;;) {
		struct { uint32_t request, flags, size; } h;
		union { uint32_t w[80]; uint64_t q[40]; } m = { { 0 } };
		char control[CMSG_SPACE(sizeof(int) * VU_MAX_REGIONS)];
		struct iovec iov = { &h, sizeof(h) };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct pollfd p[3] = {
			{ c, POLLIN, 0 }, { queue[0].kick, POLLIN, 0 },
			{ queue[1].kick, POLLIN, 0 },
		};
		int fd[VU_MAX_REGIONS] = { 0 };

		poll(p, 3, -1);
		for (int n = 0; n < 2; n++)
			if (p[1 + n].revents & POLLIN)
				serve_queue(n);
		if (!p[0].revents)
			continue;
		if (recvmsg(c, &msg, 0) != sizeof(h))
			return;
		if (CMSG_FIRSTHDR(&msg))
			memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)),
			       CMSG_FIRSTHDR(&msg)->cmsg_len - CMSG_LEN(0));
		if (h.size && recv(c, &m, h.size, MSG_WAITALL) != (ssize_t)h.size)
			return;
		if (!obey(h.request, m.w, m.q, fd)) {
			if (!(h.flags & 8))
				continue;
			m.q[0] = told->refuses;
		}
		h.size = 8;
		h.flags = 5;
		if (send(c, &h, sizeof(h), MSG_NOSIGNAL) < 0 || send(c, &m, 8, MSG_NOSIGNAL) < 0)
			return;
	}
}

static pid_t other;

static void start_other(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sa.sun_path, path);
	unlink(path);
	if (bind(l, (struct sockaddr *)&sa, sizeof(sa)) || listen(l, 1))
		exit(1);
	memset(told, 0, sizeof(*told));
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(accept(l, NULL, NULL));
		_exit(0);
	}
	close(l);
}

static void end_other(void)
{
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* ---- the guest */

static const struct share_options opt = { .path = word, .socket = path, .tag = "folder" };
static const struct share_options real[] = {
	{ .path = dir, .tag = "real" }, { .path = dir, .tag = "real", .ro = true },
};

static struct share share;

static void make(const struct share_options *o)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (o->socket)
		start_other();
	memset(&vm, 0, sizeof(vm));
	vm.opt = &options;
	if (share_open(&share, o) || mem_alloc(&vm.mem, MEMORY, MEM_MEMFD) ||
	    loop_init(&vm.loop, &lock) || pci_create(&vm) || virtio_fs_create(&vm, &share))
		exit(1);
	plug(1);
}

/* A request in queue @n; one that wants no answer has no room for it */
static void ask(int n, uint64_t unique, uint32_t len, bool wants)
{
	*(struct fuse_in_header *)at(ASK) = (struct fuse_in_header){
		.len = len, .opcode = wants ? FUSE_GETATTR : FUSE_FORGET, .unique = unique,
	};
	memset(at(ANSWER), 0xdd, 256);
	desc(DESC(n), 0, ASK, len, wants ? N : 0, 1);
	desc(DESC(n), 1, ANSWER, 120, W, 0);
	offer(n, 0);
	ring(n);
}

static bool answered(int n)
{
	for (int i = 0; i < 300 && used(n)->idx != avail_idx[n]; i++)
		loop_step(&vm.loop, 10);
	return used(n)->idx == avail_idx[n];
}

static bool says(uint64_t unique, int error)
{
	const struct fuse_out_header *out = at(ANSWER);

	return out->unique == unique && out->error == error && out->len == sizeof(*out);
}

/* Where MSI-X is switched on and off */
static int msix_flags(void)
{
	int at = cfg(PCI_CAPABILITY_LIST, 1);

	while (at && cfg(at, 1) != PCI_CAP_ID_MSIX)
		at = cfg(at + 1, 1);
	return at + PCI_MSIX_FLAGS;
}

static void test_device(void)
{
	char tag[36] = "folder";

	claim("fs: its tag, one queue for requests, features that the process has");
	make(&opt);
	for (int i = 0; i < 36; i++)
		expect(get(CONFIG + i, 1) == (uint8_t)tag[i]);
	expect(get(CONFIG + 36, 4) == 1 && get(VIRTIO_PCI_COMMON_NUMQ, 2) == 2);
	expect(offered() == WITH_INDIRECT);

	claim("fs: the process has all of guest memory, and answers in both queues");
	drive(WITH_INDIRECT, 2);
	expect(told->regions == 2);
	expect(told->features == (WITH_INDIRECT | 1ULL << VU_F_PROTOCOL_FEATURES));
	ask(REQ, 5, 40, true);
	expect(answered(REQ) && says(5, FROM_PROCESS) && used(REQ)->ring[0].len == 16);
	ask(HIPRIO, 6, 48, false);
	expect(answered(HIPRIO) && !used(HIPRIO)->ring[0].len);

	claim("fs: a queue without a vector has nothing for the process to signal");
	expect(!told->no_call[REQ]);
	set_cfg(msix_flags(), 2, PCI_MSIX_FLAGS_ENABLE);
	expect(told->no_call[HIPRIO] && told->no_call[REQ]);
	set_cfg(msix_flags(), 2, 0);
	expect(!told->no_call[REQ]);

	claim("fs: without bus mastering the process stands still, then goes on where it was");
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	expect(told->stopped[HIPRIO] && told->stopped[REQ]);
	ask(REQ, 7, 40, true);
	expect(used(REQ)->idx == 1);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(told->base[REQ] == 1);
	expect(answered(REQ) && says(7, FROM_PROCESS));

	claim("fs: the next driver starts at 0");
	drive(WITH_INDIRECT, 2);
	expect(!told->base[REQ]);
	ask(REQ, 8, 40, true);
	expect(answered(REQ) && says(8, FROM_PROCESS));
}

static void test_death(void)
{
	claim("fs: when the process dies the guest's requests fail, those under way first");
	told->silent = true;
	told->kicks = 0;
	ask(REQ, 9, 40, true);
	/* It has taken the doorbell with it */
	for (int i = 0; i < 300 && !told->kicks; i++)
		poll(NULL, 0, 10);
	expect(used(REQ)->idx == 1 && told->kicks);
	end_other();
	expect(answered(REQ) && says(9, -ENOTCONN) && used(REQ)->ring[1].len == 16);
	ask(REQ, 10, 40, true);
	expect(answered(REQ) && says(10, -ENOTCONN));
	ask(HIPRIO, 11, 48, false);
	expect(answered(HIPRIO) && !used(HIPRIO)->ring[0].len);
	expect(!needs_reset());

	claim("fs: a request without a whole header gets no answer then");
	ask(REQ, 12, sizeof(struct fuse_in_header) - 1, true);
	expect(answered(REQ) && !used(REQ)->ring[3].len && !says(12, -ENOTCONN));

	claim("fs: so it is for the next driver");
	drive(WITH_INDIRECT, 2);
	ask(REQ, 13, 40, true);
	expect(answered(REQ) && says(13, -ENOTCONN));
	unmake();

	claim("fs: a process that refuses what it is told is left");
	make(&opt);
	told->refuses = true;
	drive(WITH_INDIRECT, 2);
	ask(REQ, 14, 40, true);
	expect(answered(REQ) && says(14, -ENOTCONN) && !needs_reset());
	unmake();
	end_other();

	claim("fs: a guest with requests that nobody answers can be ended");
	make(&opt);
	told->silent = true;
	drive(WITH_INDIRECT, 2);
	ask(REQ, 15, 40, true);
	unmake();
	end_other();
}

/* ---- virtiofsd */

static bool argv_is(const struct virtiofsd *v, const char *shared, bool ro, const char *want)
{
	char *argv[SHARE_ARGS], line[500] = "";

	if (!virtiofsd_argv(argv, v, "/x/virtiofsd", shared, ro))
		return false;
	for (int i = 0; argv[i]; i++) {
		strcat(line, i ? "|" : "");
		strcat(line, argv[i]);
	}
	free(argv[1]);
	if (strcmp(line, want))
		printf("# %s\n", line);
	return !strcmp(line, want);
}

static void test_commands(void)
{
	const struct virtiofsd qemu = { .qemu = true }, rust = { .readonly = true }, old = { 0 };
	struct virtiofsd v;

	claim("share: the two programs called virtiofsd are told apart by their help");
	expect(virtiofsd_known(&v, "    -o source=PATH             shared directory tree\n"
			       "    --fd=FDNUM\n") && v.qemu && !v.readonly);
	expect(virtiofsd_known(&v, "      --shared-dir <SHARED_DIR>\n      --readonly\n") &&
	       !v.qemu && v.readonly);
	expect(virtiofsd_known(&v, "      --shared-dir <SHARED_DIR>\n") && !v.readonly);
	expect(!virtiofsd_known(&v, "usage: something else\n"));
	expect(!virtiofsd_known(&v, ""));

	claim("share: each is called as it wants");
	expect(argv_is(&qemu, "/a b", true,
		       "/x/virtiofsd|-osource=/a b|--fd=3|--thread-pool-size=0|"
		       "-olog_level=warn|-f"));
	expect(argv_is(&qemu, "/a,b\\c", false,
		       "/x/virtiofsd|-osource=/a\\,b\\\\c|--fd=3|--thread-pool-size=0|"
		       "-olog_level=warn|-f"));
	expect(argv_is(&rust, "/a,b", false,
		       "/x/virtiofsd|--shared-dir=/a,b|--fd=3|--thread-pool-size=0|"
		       "--log-level=warn"));
	expect(argv_is(&rust, "/a", true,
		       "/x/virtiofsd|--shared-dir=/a|--fd=3|--thread-pool-size=0|"
		       "--log-level=warn|--readonly"));
	expect(argv_is(&old, "/a", true,
		       "/x/virtiofsd|--shared-dir=/a|--fd=3|--thread-pool-size=0|"
		       "--log-level=warn"));
}

/* ---- the real one */

/* The error that it answers, or 1 */
static int fuse(uint32_t opcode, const void *arg, uint32_t len)
{
	const struct fuse_out_header *out = at(ANSWER);
	struct fuse_in_header *in = at(ASK);
	static uint64_t unique = 100;

	*in = (struct fuse_in_header){
		.len = sizeof(*in) + len, .opcode = opcode, .unique = ++unique,
		.nodeid = FUSE_ROOT_ID,
	};
	memcpy(in + 1, arg, len);
	memset(at(ANSWER), 0, 4096);
	desc(DESC(REQ), 0, ASK, in->len, N, 1);
	desc(DESC(REQ), 1, ANSWER, 4096, W, 0);
	offer(REQ, 0);
	ring(REQ);
	return answered(REQ) && out->unique == unique ? out->error : 1;
}

static int make_directory(const char *name)
{
	struct { struct fuse_mkdir_in in; char name[8]; } m = { { 0755, 0 }, "" };

	strcpy(m.name, name);
	return fuse(FUSE_MKDIR, &m, sizeof(m.in) + strlen(name) + 1);
}

static void test_virtiofsd(bool ro)
{
	const struct fuse_init_in init = { .major = 7, .minor = 31, .max_readahead = 4096 };
	char made[48];

	snprintf(made, sizeof(made), "%s/new", dir);
	claim(ro ? "virtiofsd: a read-only share is so whatever the guest asks for" :
	      "virtiofsd: it is started, works in the directory, and ends with the device");
	make(&real[ro]);
	drive(WITH_INDIRECT, 2);
	expect(!fuse(FUSE_INIT, &init, sizeof(init)));
	expect(!fuse(FUSE_LOOKUP, "socket", 7) && fuse(FUSE_LOOKUP, "none", 5) == -ENOENT);
	expect(make_directory("new") == (ro ? -EROFS : 0) && access(made, F_OK) == (ro ? -1 : 0));
	if (ro) {
		kill(child_of(child_of(getpid())), SIGKILL);
		for (int i = 0; i < 300; i++)
			loop_step(&vm.loop, 10);
		expect(make_directory("new") == -ENOTCONN);
	}
	unmake();
	expect(!child_of(child_of(getpid())));
	rmdir(made);
}

int main(void)
{
	bool found;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(word, sizeof(word), "vhost-user=%s", path);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	found = !geteuid() && !system("PATH=/usr/libexec:/usr/lib/qemu:$PATH\n"
				      "command -v virtiofsd >/dev/null");
	if (share_announce(&opt) || (found && share_announce(&real[0])) ||
	    (found && share_announce(&real[1])) || keeper_start(&options))
		return 1;
	test_commands();
	test_device();
	test_death();
	if (found) {
		test_virtiofsd(false);
		test_virtiofsd(true);
	} else {
		unit_end();
		puts("skip virtiofsd: there is none, or this is not root");
	}
	keeper_stop();
	unlink(path);
	rmdir(dir);
	return unit_finish();
}
