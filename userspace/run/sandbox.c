// SPDX-License-Identifier: GPL-2.0
/*
 * What a process gives up before it looks at what comes from a guest.
 *
 * User, capabilities and system calls are to be had on every kernel: without them there
 * is no sandbox, and that is an error. Namespaces come on top. Hosts deny them, to users
 * (user.max_user_namespaces, AppArmor) and within containers, for reasons of their own,
 * and a launcher that did not run there at all would be run with --no-sandbox instead.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <hvmon.h>

#include "sandbox.h"

#define NOBODY	65534	/* user and group without rights, in Debian's base-passwd */

/* ---- system calls */

#define OWN_PID	UINT64_MAX	/* a value: this process */

/**
 * struct rule - a system call that is allowed
 * @call: its name; one that this libseccomp or processor does not know is left out
 * @arg: 0: whatever its arguments are. Else the one of this number, from 1 on,
 * @mask: ... with these bits, which are all if this is 0,
 * @value: ... has this value. Several rules of a call: one of them
 */
struct rule {
	const char *call;
	unsigned int arg;
	uint64_t mask, value;
};

#define CALL(name)	{ .call = (name) }
#define IOCTL(request)	{ "ioctl", 2, 0, request }
#define NEW_NAMESPACES	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* What both have: memory that is not executable, threads' locks, signals, time */
static const struct rule common[] = {
	CALL("brk"),
	CALL("clock_gettime"),
	CALL("close"),
	CALL("exit"),
	CALL("exit_group"),
	CALL("fcntl"),
	CALL("fstat"),
	CALL("futex"),
	CALL("getpid"),
	CALL("getrandom"),
	CALL("gettid"),
	CALL("gettimeofday"),
	CALL("lseek"),
	CALL("madvise"),
	{ "mmap", 3, PROT_EXEC, 0 },
	{ "mprotect", 3, PROT_EXEC, 0 },
	CALL("mremap"),
	CALL("munmap"),
	CALL("newfstatat"),
	CALL("poll"),
	CALL("ppoll"),
	CALL("read"),
	CALL("recvfrom"),
	CALL("recvmsg"),
	CALL("restart_syscall"),
	CALL("rt_sigaction"),
	CALL("rt_sigprocmask"),
	CALL("rt_sigreturn"),
	CALL("sched_yield"),
	CALL("sendmsg"),
	CALL("sendto"),
	CALL("sigaltstack"),
	{ "tgkill", 1, 0, OWN_PID },
	CALL("time"),
	CALL("write"),
	CALL("writev"),
};

/* Sockets, and files such as /etc/resolv.conf */
static const struct rule network[] = {
	CALL("accept"),
	CALL("accept4"),
	CALL("bind"),
	CALL("connect"),
	CALL("getpeername"),
	CALL("getsockname"),
	CALL("getsockopt"),
	CALL("ioctl"),
	CALL("listen"),
	{ "openat", 3, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	CALL("setsockopt"),
	CALL("shutdown"),
	{ "socket", 1, 0, AF_INET },
	CALL("stat"),
};

/* The loop, threads of vCPUs, and what is asked of files that are open */
static const struct rule launcher[] = {
	/* This one first: it is the guest's every exit */
	IOCTL(HVMON_RUN),
	IOCTL(HVMON_CPUID_GET),
	IOCTL(HVMON_CPUID_SET),
	IOCTL(HVMON_IOEVENTFD),
	IOCTL(HVMON_IRQCHIP_GET),
	IOCTL(HVMON_IRQCHIP_SET),
	IOCTL(HVMON_IRQFD),
	IOCTL(HVMON_IRQ_LINE),
	IOCTL(HVMON_IRQ_ROUTES),
	/* A guest's firmware has the host bridge show RAM or ROM */
	IOCTL(HVMON_MEM_SET),
	IOCTL(HVMON_MSRS_SET),
	IOCTL(HVMON_STATE_GET),
	IOCTL(HVMON_STATE_SET),
	IOCTL(HVMON_TRANSLATE),
	IOCTL(VHOST_GET_FEATURES),
	IOCTL(VHOST_GET_VRING_BASE),
	IOCTL(VHOST_NET_SET_BACKEND),
	IOCTL(VHOST_SET_FEATURES),
	IOCTL(VHOST_SET_MEM_TABLE),
	IOCTL(VHOST_SET_OWNER),
	IOCTL(VHOST_SET_VRING_ADDR),
	IOCTL(VHOST_SET_VRING_BASE),
	IOCTL(VHOST_SET_VRING_CALL),
	IOCTL(VHOST_SET_VRING_KICK),
	IOCTL(VHOST_SET_VRING_NUM),
	IOCTL(VHOST_VSOCK_SET_RUNNING),
	IOCTL(TUNGETIFF),
	IOCTL(TUNSETOFFLOAD),
	IOCTL(TUNSETQUEUE),
	/* The terminal */
	IOCTL(TCGETS),
	IOCTL(TCSETS),
	IOCTL(TCSETSW),
	IOCTL(TIOCGPGRP),
	CALL("getpgrp"),
	/* The loop */
	CALL("epoll_ctl"),
	CALL("epoll_pwait"),
	CALL("epoll_wait"),
	CALL("timerfd_settime"),
	/* Disks */
	CALL("fdatasync"),
	CALL("io_uring_enter"),
	/* A device that is added: queues, limits, an iothread, what a process shares with it */
	CALL("epoll_create1"),
	CALL("eventfd2"),
	CALL("ftruncate"),
	CALL("memfd_create"),
	CALL("timerfd_create"),
	/* A client of a serial port's socket */
	CALL("accept4"),
	/* Threads, but no processes: vCPUs begin anew when the guest wakes from S3 */
	{ "clone", 1, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD },
	{ "prctl", 1, 0, PR_SET_NAME },
	CALL("rseq"),
	CALL("sched_getaffinity"),
	CALL("set_robust_list"),
	/* The connection to a process that is to end; the keeper, which does then */
	CALL("shutdown"),
	CALL("wait4"),
	/* The bytes at RIP in memory that may be gone */
	{ "process_vm_readv", 1, 0, OWN_PID },
};

/* No accident but an attack: the end, at once */
static const char *const deadly[] = { "execve", "execveat", "ptrace", "process_vm_writev" };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static int add_rules(scmp_filter_ctx ctx, const struct rule *r, size_t n)
{
	int ret = 0;

	for (; !ret && n--; r++) {
		struct scmp_arg_cmp cmp = { 0 };
		int nr = seccomp_syscall_resolve_name(r->call);

		if (nr == __NR_SCMP_ERROR)
			continue;
		if (r->arg) {
			uint64_t value = r->value == OWN_PID ? (uint64_t)getpid() : r->value;

			cmp = r->mask ? SCMP_CMP64(r->arg - 1, SCMP_CMP_MASKED_EQ, r->mask, value) :
			      SCMP_CMP64(r->arg - 1, SCMP_CMP_EQ, value);
		}
		ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, !!r->arg, &cmp);
	}
	return ret;
}

/* Everything else gives EPERM: a library's surprise costs an error, not the process */
static int begin_filter(scmp_filter_ctx *ctx)
{
	*ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	return *ctx ? add_rules(*ctx, common, COUNT(common)) : -ENOMEM;
}

static int network_filter(void)
{
	scmp_filter_ctx ctx;
	int ret = begin_filter(&ctx);

	if (!ret)
		ret = add_rules(ctx, network, COUNT(network));
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return ret;
}

static int launcher_filter(void)
{
	scmp_filter_ctx ctx;
	int ret = begin_filter(&ctx);

	if (!ret)
		ret = add_rules(ctx, launcher, COUNT(launcher));
	for (size_t i = 0; !ret && i < COUNT(deadly); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS,
				       seccomp_syscall_resolve_name(deadly[i]), 0);
	/* Its flags are in memory; the C library falls back to clone() */
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* The kernel's threads for vhost are some of ours, too */
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* First in line, for it has arguments to look at: the kernel remembers the others */
	if (!ret)
		ret = seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), UINT8_MAX);
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return ret;
}

/* ---- user and capabilities */

/* NULL, or what could not be had, with errno */
static const char *drop_rights(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	if (!geteuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		return "root's rights cannot be dropped";
	/* Root's go with the user (capabilities(7)), those of a namespace or a file do not */
	if (syscall(SYS_capset, &header, none))
		return "capabilities cannot be dropped";
	/* Neither debuggers nor core files; the former could be others' helpers */
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "rights cannot be dropped";
	return NULL;
}

const char *sandbox_network(void)
{
	const char *why = drop_rights();
	int ret;

	if (why)
		return why;
	/* What a change of the user has undone */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return "rights cannot be dropped";
	ret = network_filter();
	errno = -ret;
	return ret ? "no seccomp filter" : NULL;
}

/* ---- namespaces */

__attribute__((format(printf, 3, 4)))
static void note(char *text, size_t len, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;

	if (used)
		used += snprintf(text + used, len - used, ", ");
	va_start(ap, fmt);
	if (used < len)
		vsnprintf(text + used, len - used, fmt, ap);
	va_end(ap);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* The user of a namespace of its own stays who it is, for files are opened yet */
static void map_user(uid_t uid, gid_t gid)
{
	char text[64];

	write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", text);
}

void sandbox_prepare(struct sandbox *sb)
{
	static const struct {
		int flag;
		const char *name;
	} spaces[] = {
		/* Which gives the right to the others */
		{ CLONE_NEWUSER, "user" },
		{ CLONE_NEWNS, "mount" },
		{ CLONE_NEWNET, "network" },
		{ CLONE_NEWIPC, "IPC" },
		{ CLONE_NEWUTS, "UTS" },
	};
	uid_t uid = geteuid();
	gid_t gid = getegid();

	*sb = (struct sandbox){ 0 };
	for (size_t i = 0; i < COUNT(spaces); i++) {
		/* Root has the right, and changes to a user that one would not know */
		if (spaces[i].flag == CLONE_NEWUSER && !uid)
			continue;
		if (unshare(spaces[i].flag)) {
			note(sb->missing, sizeof(sb->missing), "%s namespace: %s", spaces[i].name,
			     strerror(errno));
			continue;
		}
		note(sb->in_force, sizeof(sb->in_force), "%s namespace", spaces[i].name);
		if (spaces[i].flag == CLONE_NEWUSER)
			map_user(uid, gid);
		sb->mounts |= spaces[i].flag == CLONE_NEWNS;
	}
}

/* From one that its owner has left open, such as a shell, ".." would lead out */
static void close_directories(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir))) {
		int fd = atoi(d->d_name);

		if (fd != dirfd(dir) && !fstat(fd, &st) && S_ISDIR(st.st_mode))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/*
 * The root becomes a file system without files, and takes none. Any directory does to
 * mount it. On an initramfs there is no pivot_root(2); chroot(2) holds as well, as
 * nobody has the right to another one any more.
 */
static int empty_root(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/dev", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,nr_inodes=1,mode=0") ||
	    chdir("/dev"))
		return -1;
	/* The old one is mounted over the new one, and taken away from there */
	if (!syscall(SYS_pivot_root, ".", "."))
		return umount2(".", MNT_DETACH) || chdir("/");
	return chroot(".") || chdir("/");
}

const char *sandbox_enter(struct sandbox *sb)
{
	const char *why;
	uid_t uid;
	int ret;

	close_directories();
	if (sb->mounts && empty_root())
		note(sb->missing, sizeof(sb->missing), "an empty root: %s", strerror(errno));
	else if (sb->mounts)
		note(sb->in_force, sizeof(sb->in_force), "an empty root");
	why = drop_rights();
	if (why)
		return why;
	uid = geteuid();
	ret = launcher_filter();
	errno = -ret;
	if (ret)
		return "no seccomp filter";
	note(sb->in_force, sizeof(sb->in_force),
	     "user %u, no capabilities, a filter of system calls", uid);
	return NULL;
}
