// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that another process serves over vhost-user: one that somebody else has
 * started and that listens on a socket, or a qemu-storage-daemon of our own, which
 * knows qcow2. Ours listens on a socket without a name in the file system, and ends
 * with this process however that ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "disk_user.h"

#define DAEMON		"qemu-storage-daemon"
#define DAEMON_FD	3		/* in the daemon: where it listens */
#define TIMEOUT_S	10

#define WANTED (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |	\
		1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_RO |			\
		1ULL << VIRTIO_BLK_F_BLK_SIZE | 1ULL << VIRTIO_BLK_F_DISCARD |		\
		1ULL << VIRTIO_BLK_F_WRITE_ZEROES | 1ULL << VU_F_PROTOCOL_FEATURES)
#define NEEDED (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

/* ---- the daemon */

/* QEMU's options double commas in a value */
static char *escaped(const char *path)
{
	char *s = malloc(2 * strlen(path) + 1), *p = s;

	for (; s && *path; path++) {
		if (*path == ',')
			*p++ = ',';
		*p++ = *path;
	}
	if (s)
		*p = '\0';
	return s;
}

/* In the child: only what may be called after a fork of a process with threads */
static void run_daemon(char *const argv[], int listener, int messages, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* It would keep the image, and its lock, when this process is killed */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C at the terminal is for the guest */
	setpgid(0, 0);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(messages, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(1);
	if (listener == DAEMON_FD)
		fcntl(listener, F_SETFD, 0);
	else if (dup2(listener, DAEMON_FD) < 0)
		_exit(1);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s", errno == ENOENT ?
		"not found; install it (Debian: qemu-utils)" : strerror(errno));
	_exit(127);
}

static int spawn(struct disk_user *user, int listener)
{
	const struct disk_options *opt = user->opt;
	char *path = escaped(opt->path), *file = NULL, *export = NULL;
	pid_t parent = getpid();
	int ret = -ENOMEM;

	if (path && asprintf(&file, "driver=qcow2,node-name=disk,read-only=%s,discard=unmap,"
			     "file.driver=file,file.filename=%s,cache.direct=%s",
			     opt->ro ? "on" : "off", path, opt->direct ? "on" : "off") > 0 &&
	    asprintf(&export, "type=vhost-user-blk,id=disk,node-name=disk,writable=%s,"
		     "addr.type=fd,addr.str=%d", opt->ro ? "off" : "on", DAEMON_FD) > 0) {
		char *const argv[] = { DAEMON, "--blockdev", file, "--export", export, NULL };

		(void)!ftruncate(user->messages, 0);
		user->pid = fork();
		if (!user->pid)
			run_daemon(argv, listener, user->messages, parent);
		ret = user->pid < 0 ? -errno : 0;
		if (ret)
			user->pid = 0;
	}
	free(path);
	free(file);
	free(export);
	return ret;
}

static int connect_to(int fd, const struct sockaddr_un *sa, socklen_t len)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return connect(fd, (const struct sockaddr *)sa, len) ? -errno : 0;
}

/* The connection is made before the daemon listens, and ends if it does not come to that */
static int start_daemon(struct disk_user *user, int fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;
	socklen_t len = sizeof(sa.sun_family);

	if (listener < 0)
		return -errno;
	/* An abstract name that the kernel chooses */
	if (bind(listener, (struct sockaddr *)&sa, len) || listen(listener, 1)) {
		ret = -errno;
	} else {
		len = sizeof(sa);
		ret = getsockname(listener, (struct sockaddr *)&sa, &len) ? -errno : 0;
	}
	if (!ret)
		ret = connect_to(fd, &sa, len);
	if (!ret)
		ret = spawn(user, listener);
	close(listener);
	return ret;
}

/* It flushes at SIGTERM; one that hangs is not waited for without end */
static void end_daemon(struct disk_user *user)
{
	struct timespec tick = { .tv_nsec = 20000000 };

	if (!user->pid)
		return;
	kill(user->pid, SIGTERM);
	for (int i = 0; i < 1000 && waitpid(user->pid, NULL, WNOHANG) == 0; i++) {
		if (i == 500)
			kill(user->pid, SIGKILL);
		nanosleep(&tick, NULL);
	}
	user->pid = 0;
}

/* ---- the connection */

static int hello(struct disk_user *user)
{
	uint64_t features = WANTED;
	int ret = vu_hello(user->fd, &features, 1ULL << VU_PROTOCOL_CONFIG);

	if (!ret && (NEEDED & ~features))
		ret = -EOPNOTSUPP;
	if (!ret)
		ret = vu_get_config(user->fd, &user->config, sizeof(user->config));
	user->features = features;
	return ret;
}

static int attach(struct disk_user *user)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int ret;

	user->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (user->fd < 0)
		return -errno;
	if (user->opt->socket) {
		strncpy(sa.sun_path, user->opt->socket, sizeof(sa.sun_path) - 1);
		ret = connect_to(user->fd, &sa, sizeof(sa));
	} else {
		end_daemon(user);
		ret = start_daemon(user, user->fd);
	}
	if (!ret)
		ret = hello(user);
	if (ret) {
		close(user->fd);
		user->fd = -1;
	}
	return ret;
}

int disk_user_reopen(struct disk_user *user)
{
	uint64_t features = user->features, capacity = user->config.capacity;
	int ret = attach(user);

	/* The guest was told what the disk can do, and how large it is */
	if (!ret && ((features & ~user->features) || user->config.capacity != capacity)) {
		close(user->fd);
		user->fd = -1;
		ret = -EIO;
	}
	user->features = features;
	user->config.capacity = capacity;
	return ret ? -1 : 0;
}

/* The daemon's own words, or what became of the connection */
static int refuse(struct disk_user *user, int err)
{
	const char *path = user->opt->path;
	char said[400] = "";

	if (user->opt->socket)
		return complain(EXIT_USAGE, "--disk %s: %s", path, err == -EOPNOTSUPP ?
				"not a vhost-user disk" : strerror(-err));
	end_daemon(user);
	if (pread(user->messages, said, sizeof(said) - 1, 0) > 0) {
		char *word = strncmp(said, DAEMON ": ", strlen(DAEMON ": ")) ? said :
			     said + strlen(DAEMON ": ");

		word[strcspn(word, "\n")] = '\0';
		return complain(EXIT_USAGE, "--disk %s: " DAEMON ": %s", path, word);
	}
	return complain(EXIT_HOST, "--disk %s: " DAEMON ": %s", path, strerror(-err));
}

/* True, after a line, if somebody has a lock on the image; the daemon takes its own */
static bool in_use(const struct disk_options *opt)
{
	struct flock fl = { .l_type = opt->ro ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(opt->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool locked;

	if (fd < 0) {
		complain(0, "--disk %s: %s", opt->path, strerror(errno));
		return true;
	}
	locked = !fcntl(fd, F_OFD_GETLK, &fl) && fl.l_type != F_UNLCK;
	close(fd);
	if (locked)
		complain(0, "--disk %s: in use by another virtual machine", opt->path);
	return locked;
}

int disk_user_open(struct disk *disk)
{
	struct disk_user *user = calloc(1, sizeof(*user));
	const struct disk_options *opt = disk->opt;
	int ret;

	if (!user)
		return complain(EXIT_HOST, "--disk %s: no memory", opt->path);
	user->opt = opt;
	user->fd = -1;
	user->messages = -1;
	disk->user = user;
	if (opt->qcow2 && in_use(opt)) {
		ret = EXIT_USAGE;
		goto fail;
	}
	if (opt->qcow2)
		user->messages = memfd_create(DAEMON, MFD_CLOEXEC);
	ret = attach(user);
	if (ret) {
		ret = refuse(user, ret);
		goto fail;
	}
	disk->size = user->config.capacity * SECTOR;
	disk->block = SECTOR;
	if (user->features >> VIRTIO_BLK_F_BLK_SIZE & 1)
		disk->block = user->config.blk_size;
	if (!disk->size || user->config.capacity > UINT64_MAX / SECTOR || disk->block < SECTOR ||
	    disk->block > 65536 || (disk->block & (disk->block - 1)) ||
	    disk->size % disk->block) {
		ret = complain(EXIT_USAGE, "--disk %s: a disk of %llu sectors in blocks of %u",
			       opt->path, (unsigned long long)user->config.capacity, disk->block);
		goto fail;
	}
	if (!opt->ro && (user->features >> VIRTIO_BLK_F_RO & 1)) {
		ret = complain(EXIT_USAGE, "--disk %s: it is read-only; give ro", opt->path);
		goto fail;
	}
	return 0;

fail:
	disk_user_close(user);
	disk->user = NULL;
	return ret;
}

void disk_user_close(struct disk_user *user)
{
	if (user->fd >= 0)
		close(user->fd);
	end_daemon(user);
	if (user->messages >= 0)
		close(user->messages);
	free(user);
}
