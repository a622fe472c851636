// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of a lab host.
 *
 * Started from the initramfs, it makes a root out of the machine's own file
 * system (9p, read-only) and a tmpfs above it (overlay), mounts what programs
 * expect, and then does what tests/lab/lab says over a virtio port (or what
 * relay.c puts in its place): run a setup script, run the command with its
 * standard streams forwarded, run a finishing script, report the status, power
 * off.
 *
 * Both directions of the port carry frames: one byte of type, three of zero,
 * a little-endian 32-bit length, the payload.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"

#define PORT_NAME "hvmon.lab"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum frame_type {
	/* from the host's init */
	FRAME_READY = 'R',
	FRAME_ALIVE = 'L',
	FRAME_OUT = 'o',
	FRAME_ERR = 'e',
	FRAME_SETUP_FAILED = 'f',
	FRAME_BEGUN = 'b',
	FRAME_STATUS = 'x',
	/* to it */
	FRAME_START = 'S',
	FRAME_IN = 'i',
	FRAME_IN_EOF = 'z',
	FRAME_WINDOW = 'w',
};

struct header {
	uint8_t type;
	uint8_t zero[3];
	uint32_t len;
};

/* What FRAME_START says. */
struct job {
	char *setup;
	char *finish;
	char *dir;
	char **argv;
	char **env;
	int argc;
	int nenv;
	int tty;
	int first_cpu; /* COMMAND runs on this processor and those after it */
	int quiet; /* no FRAME_ALIVE: they would disturb instruction counts */
};

static int port = -1;

__attribute__((format(printf, 1, 2))) static void logf_(const char *fmt, ...)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "<6>lab: ");
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 1)
		n = sizeof(line) - 1;
	if (fd >= 0) {
		if (write(fd, line, n) < 0)
			(void)fd;
		close(fd);
	}
}

/* Without a root or a port there is nobody to tell but the kernel's log. */
__attribute__((noreturn, format(printf, 1, 2))) static void fatal(const char *fmt, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	logf_("FATAL: %s", line);
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fatal("write to the lab's port: %s", strerror(errno));
		p += n;
		len -= n;
	}
}

static void send_frame(int type, const void *data, size_t len)
{
	static char buf[sizeof(struct header) + 65536];
	struct header *h = (struct header *)buf;

	memset(h, 0, sizeof(*h));
	h->type = type;
	h->len = len;
	memcpy(h + 1, data, len);
	write_all(port, buf, sizeof(*h) + len);
}

static void read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fatal("read from the lab's port: %s", n ? strerror(errno) : "closed");
		p += n;
		len -= n;
	}
}

static char *read_payload(const struct header *h)
{
	char *p;

	if (h->len > 16 << 20)
		fatal("frame of %u bytes", h->len);
	p = malloc(h->len + 1);
	if (!p)
		fatal("no memory");
	read_all(port, p, h->len);
	p[h->len] = 0;
	return p;
}

static void try_mount(const char *src, const char *dir, const char *type,
		      unsigned long flags, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(src, dir, type, flags, opts))
		logf_("no %s on %s: %s", type, dir, strerror(errno));
}

static void must_mount(const char *src, const char *dir, const char *type,
		       unsigned long flags, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(src, dir, type, flags, opts))
		fatal("mount %s on %s: %s", type, dir, strerror(errno));
}

/* The modules that the root needs, in the order that "kernels initrd" wrote. */
static void load_modules(void)
{
	FILE *order = fopen("/modules/order", "re");
	char name[256], path[300];
	int fd;

	while (order && fgets(name, sizeof(name), order)) {
		name[strcspn(name, "\n")] = 0;
		snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			logf_("module %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	if (order)
		fclose(order);
}

/* Is WORD on the kernel's command line? */
static int told(const char *word)
{
	char line[4096];
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	char *p, *save;

	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = 0;
	for (p = strtok_r(line, "\n ", &save); p; p = strtok_r(NULL, "\n ", &save))
		if (!strcmp(p, word))
			return 1;
	return 0;
}

/* The machine's file system where there is no virtio; opens the port as well. */
static void mount_relayed(void)
{
	const char *failed;
	char opts[128];
	int root;

	must_mount("dev", "/dev", "devtmpfs", 0, NULL);
	failed = relay_start(&root, &port);
	if (failed)
		fatal("relay: %s: %s", failed, strerror(errno));
	snprintf(opts, sizeof(opts),
		 "trans=fd,rfdno=%d,wfdno=%d,version=9p2000.L,msize=131072,cache=loose",
		 root, root);
	if (mount("root", "/ro", "9p", MS_RDONLY, opts))
		fatal("mount the machine's file system: %s", strerror(errno));
	close(root);
}

static void mount_virtio(void)
{
	int tries;

	/* The device may still be on its way. */
	for (tries = 0;; tries++) {
		if (!mount("root", "/ro", "9p", MS_RDONLY,
			   "trans=virtio,version=9p2000.L,msize=262144,cache=loose"))
			break;
		if (tries == 100)
			fatal("mount the machine's file system: %s", strerror(errno));
		usleep(50000);
	}
}

static void make_root(void)
{
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
	load_modules();

	mkdir("/ro", 0755);
	if (told("lab.relay"))
		mount_relayed();
	else
		mount_virtio();
	must_mount("rw", "/rw", "tmpfs", 0, "size=50%,mode=0755");
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	must_mount("root", "/new", "overlay", 0,
		   "lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work");

	must_mount("proc", "/new/proc", "proc", 0, NULL);
	must_mount("sysfs", "/new/sys", "sysfs", 0, NULL);
	must_mount("dev", "/new/dev", "devtmpfs", 0, NULL);
	must_mount("devpts", "/new/dev/pts", "devpts", 0, "gid=5,mode=0620,ptmxmode=0666");
	must_mount("shm", "/new/dev/shm", "tmpfs", 0, "mode=1777");
	must_mount("run", "/new/run", "tmpfs", 0, "mode=0755");
	must_mount("tmp", "/new/tmp", "tmpfs", 0, "mode=1777");
	must_mount("tmp", "/new/var/tmp", "tmpfs", 0, "mode=1777");
	try_mount("hugetlbfs", "/new/dev/hugepages", "hugetlbfs", 0, NULL);
	try_mount("debugfs", "/new/sys/kernel/debug", "debugfs", 0, NULL);
	try_mount("tracefs", "/new/sys/kernel/tracing", "tracefs", 0, NULL);
	try_mount("cgroup2", "/new/sys/fs/cgroup", "cgroup2", 0, NULL);

	/* The machine's files as they are, for what a tmpfs above hides. */
	mkdir("/new/run/lab", 0755);
	mkdir("/new/run/lab/root", 0755);
	if (mount("/ro", "/new/run/lab/root", NULL, MS_BIND, NULL))
		fatal("bind the machine's file system: %s", strerror(errno));

	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fatal("change root: %s", strerror(errno));
	symlink("/proc/self/fd", "/dev/fd");
	symlink("fd/0", "/dev/stdin");
	symlink("fd/1", "/dev/stdout");
	symlink("fd/2", "/dev/stderr");
}

static void settle(void)
{
	struct rlimit files = { 1024, 524288 };
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	sethostname("lab", 3);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &lo);
		close(fd);
	}
	/* Answer even when a test eats all memory. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "-1000", 5) < 0)
			logf_("oom_score_adj: %s", strerror(errno));
		close(fd);
	}
}

static int find_port(void)
{
	char path[300], name[64];
	int tries;

	for (tries = 0; tries < 100; tries++) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			int fd;
			ssize_t n;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", e->d_name);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			n = read(fd, name, sizeof(name) - 1);
			close(fd);
			name[n > 0 ? n : 0] = 0;
			if (strncmp(name, PORT_NAME "\n", sizeof(PORT_NAME)))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", e->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd >= 0) {
				closedir(dir);
				return fd;
			}
		}
		if (dir)
			closedir(dir);
		usleep(50000);
	}
	fatal("no virtio port " PORT_NAME);
}

/* The payload is strings, each with a letter in front that says what it is. */
static void read_job(struct job *job, struct winsize *ws)
{
	struct header h;
	char *p, *end, *s;

	read_all(port, &h, sizeof(h));
	if (h.type != FRAME_START)
		fatal("frame '%c' where the start was due", h.type);
	p = read_payload(&h);
	end = p + h.len;
	job->argv = calloc(h.len + 2, sizeof(char *));
	job->env = calloc(h.len + 2, sizeof(char *));
	if (!job->argv || !job->env)
		fatal("no memory");
	for (; p < end; p = s + strlen(s) + 1) {
		s = p + 1;
		switch (*p) {
		case 'S':
			job->setup = s;
			break;
		case 'F':
			job->finish = s;
			break;
		case 'C':
			job->dir = s;
			break;
		case 'E':
			job->env[job->nenv++] = s;
			break;
		case 'A':
			job->argv[job->argc++] = s;
			break;
		case 'P':
			job->first_cpu = atoi(s);
			break;
		case 'Q':
			job->quiet = 1;
			break;
		case 'T':
			job->tty = sscanf(s, "%hu %hu", &ws->ws_row, &ws->ws_col) == 2;
			break;
		default:
			fatal("unknown item '%c' in the start", *p);
		}
	}
}

/* In the child: what a command inherits, and nothing of process 1's. */
static void child_common(const char *dir)
{
	sigset_t none;
	int fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "0", 1) < 0)
			_exit(126);
		close(fd);
	}
	if (dir && chdir(dir)) {
		dprintf(2, "lab: %s: %s\n", dir, strerror(errno));
		if (chdir("/"))
			_exit(126);
	}
}

static int run_script(const char *script, char **env, int frame)
{
	int out[2], status = 0;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	if (!script || !*script)
		return 0;
	if (pipe2(out, O_CLOEXEC))
		fatal("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fatal("fork: %s", strerror(errno));
	if (!pid) {
		setsid();
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		child_common(NULL);
		execle("/bin/sh", "sh", "-ec", script, (char *)NULL, env);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			send_frame(frame, buf, n);
	close(out[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

struct streams {
	int in;		/* the command's standard input, or the pty */
	int out;	/* its output, or the pty */
	int err;	/* -1 with a pty */
	char *pending;	/* input that the command has not taken yet */
	size_t len, off;
	int eof;	/* after pending */
	int tty;
};

static void leave_out_cpus_before(int first)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = first; cpu < CPU_SETSIZE; cpu++)
		CPU_SET(cpu, &set);
	if (first && sched_setaffinity(0, sizeof(set), &set))
		fatal("sched_setaffinity: %s", strerror(errno));
}

static pid_t spawn(const struct job *job, const struct winsize *ws, struct streams *st)
{
	int in[2], out[2], err[2], slave = -1;
	pid_t pid;

	st->tty = job->tty;
	if (job->tty) {
		char name[64];

		st->in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		st->out = st->in;
		st->err = -1;
		if (st->in < 0 || unlockpt(st->in) || ptsname_r(st->in, name, sizeof(name)))
			fatal("pty: %s", strerror(errno));
		ioctl(st->in, TIOCSWINSZ, ws);
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (slave < 0)
			fatal("%s: %s", name, strerror(errno));
	} else if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
		fatal("pipe: %s", strerror(errno));
	}

	pid = fork();
	if (pid < 0)
		fatal("fork: %s", strerror(errno));
	if (!pid) {
		setsid();
		if (job->tty)
			ioctl(slave, TIOCSCTTY, 0);
		dup2(job->tty ? slave : in[0], 0);
		dup2(job->tty ? slave : out[1], 1);
		dup2(job->tty ? slave : err[1], 2);
		child_common(job->dir);
		leave_out_cpus_before(job->first_cpu);
		environ = job->env;
		execvpe(job->argv[0], job->argv, job->env);
		dprintf(2, "lab: %s: %s\n", job->argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}

	if (job->tty) {
		close(slave);
	} else {
		close(in[0]);
		close(out[1]);
		close(err[1]);
		st->in = in[1];
		st->out = out[0];
		st->err = err[0];
		fcntl(st->err, F_SETFL, O_NONBLOCK);
	}
	fcntl(st->in, F_SETFL, O_NONBLOCK);
	fcntl(st->out, F_SETFL, O_NONBLOCK);
	return pid;
}

static void close_input(struct streams *st)
{
	/* A pty's other half must stay: its end of file is a character. */
	if (st->tty && st->in >= 0) {
		if (write(st->in, "\004", 1) < 0)
			logf_("end of input: %s", strerror(errno));
	} else if (st->in >= 0) {
		close(st->in);
		st->in = -1;
	}
	st->eof = 0;
}

static void push_input(struct streams *st)
{
	while (st->off < st->len) {
		ssize_t n = write(st->in, st->pending + st->off, st->len - st->off);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* Nobody reads any more: drop what comes. */
			if (!st->tty) {
				close(st->in);
				st->in = -1;
			}
			break;
		}
		st->off += n;
	}
	free(st->pending);
	st->pending = NULL;
	st->len = 0;
	st->off = 0;
	if (st->eof)
		close_input(st);
}

static void handle_frame(struct streams *st)
{
	struct winsize ws = { 0 };
	struct header h;
	char *data;

	read_all(port, &h, sizeof(h));
	data = read_payload(&h);
	switch (h.type) {
	case FRAME_IN:
		if (st->in >= 0) {
			st->pending = data;
			st->len = h.len;
			st->off = 0;
			push_input(st);
			return;
		}
		break;
	case FRAME_IN_EOF:
		close_input(st);
		break;
	case FRAME_WINDOW:
		if (st->tty && sscanf(data, "%hu %hu", &ws.ws_row, &ws.ws_col) == 2)
			ioctl(st->in, TIOCSWINSZ, &ws);
		break;
	default:
		fatal("unknown frame '%c'", h.type);
	}
	free(data);
}

/* Returns 0 when there is nothing (more) to read now, -1 at the end. */
static int pull_output(int fd, int type)
{
	static char buf[32768];
	ssize_t n;

	n = read(fd, buf, sizeof(buf));
	if (n > 0) {
		send_frame(type, buf, n);
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -1; /* EIO is a pty whose last user has gone */
}

/* Forwards until the command ends; returns its wait status. */
static int forward(const struct job *job, pid_t command, struct streams *st)
{
	time_t last = 0;
	int status = 0, ended = 0;
	sigset_t chld;
	int sfd;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sfd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	while (!ended) {
		struct pollfd p[] = {
			{ .fd = sfd, .events = POLLIN },
			/* Input that waits holds back what comes after it. */
			{ .fd = st->pending ? -1 : port, .events = POLLIN },
			{ .fd = st->out, .events = POLLIN },
			{ .fd = st->err, .events = POLLIN },
			{ .fd = st->pending ? st->in : -1, .events = POLLOUT },
		};
		struct signalfd_siginfo si;
		struct timespec now;
		pid_t pid;
		int s, n;

		n = poll(p, ARRAY_SIZE(p), job->quiet ? -1 : 2000);
		if (n < 0 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!job->quiet && now.tv_sec - last >= 2) {
			last = now.tv_sec;
			send_frame(FRAME_ALIVE, "", 0);
		}
		if (n <= 0)
			continue;
		while (read(sfd, &si, sizeof(si)) > 0)
			;
		while ((pid = waitpid(-1, &s, WNOHANG)) > 0) {
			if (pid != command)
				continue;
			status = s;
			ended = 1;
		}
		if (p[1].revents & POLLIN)
			handle_frame(st);
		if (p[2].revents && pull_output(st->out, FRAME_OUT) < 0)
			st->out = -1;
		if (p[3].revents && pull_output(st->err, FRAME_ERR) < 0)
			st->err = -1;
		if (p[4].revents)
			push_input(st);
	}
	while (st->out >= 0 && pull_output(st->out, FRAME_OUT) > 0)
		;
	while (st->err >= 0 && pull_output(st->err, FRAME_ERR) > 0)
		;
	close(sfd);
	return status;
}

/* What the command left running goes before the finishing script looks. */
static void reap_all(void)
{
	int i;

	kill(-1, SIGKILL);
	for (i = 0; i < 1000; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return;
		if (pid <= 0)
			usleep(10000);
	}
	logf_("FAIL: processes of the command do not die");
}

int main(void)
{
	struct winsize ws = { 24, 80, 0, 0 };
	struct streams st = { .in = -1, .out = -1, .err = -1 };
	struct job job = { 0 };
	char text[32];
	int status, n;

	signal(SIGPIPE, SIG_IGN);
	make_root();
	settle();
	if (port < 0)
		port = find_port();
	/* Booting may have been told to say less, for a slow serial line. */
	klogctl(8, NULL, 7);
	send_frame(FRAME_READY, "", 0);
	read_job(&job, &ws);
	environ = job.env;
	if (run_script(job.setup, job.env, FRAME_ERR)) {
		send_frame(FRAME_SETUP_FAILED, "", 0);
	} else {
		send_frame(FRAME_BEGUN, "", 0);
		status = forward(&job, spawn(&job, &ws, &st), &st);
		n = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		reap_all();
		run_script(job.finish, job.env, FRAME_ERR);
		n = snprintf(text, sizeof(text), "%d", n);
		send_frame(FRAME_STATUS, text, n);
	}
	/* Powering off also flushes the kernel's log to the serial line. */
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
