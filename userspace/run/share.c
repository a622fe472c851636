// SPDX-License-Identifier: GPL-2.0
/* A directory of the host for the guest, which a virtiofsd serves over vhost-user */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "keeper.h"
#include "share.h"
#include "vhost_user.h"

#define PROGRAM		"virtiofsd"
#define HELP_MAX	16384

#define WANTED (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |	\
		1ULL << VIRTIO_RING_F_EVENT_IDX)

/* ---- which virtiofsd */

bool virtiofsd_known(struct virtiofsd *v, const char *help)
{
	v->qemu = strstr(help, "-o source=");
	v->readonly = strstr(help, "--readonly");
	return v->qemu || strstr(help, "--shared-dir");
}

/* A list of options is cut at commas; a backslash takes the next one as it is */
static char *source_option(const char *dir)
{
	static const char option[] = "-osource=";
	char *s = malloc(sizeof(option) + 2 * strlen(dir)), *p;

	if (!s)
		return NULL;
	for (p = stpcpy(s, option); *dir; *p++ = *dir++)
		if (*dir == ',' || *dir == '\\')
			*p++ = '\\';
	*p = '\0';
	return s;
}

bool virtiofsd_argv(char *argv[SHARE_ARGS], const struct virtiofsd *v, const char *program,
		    const char *dir, bool ro)
{
	/* Requests are answered in order, as vhost_lost() wants it, without a pool of threads */
	static const char *const common[] = { "--fd=" PROGRAM_FD_TEXT, "--thread-pool-size=0" };
	unsigned int n = 0;

	argv[n++] = (char *)program;
	if (v->qemu)
		argv[n] = source_option(dir);
	else if (asprintf(&argv[n], "--shared-dir=%s", dir) < 0)
		argv[n] = NULL;
	if (!argv[n++])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		argv[n++] = (char *)common[i];
	argv[n++] = v->qemu ? "-olog_level=warn" : "--log-level=warn";
	if (v->qemu)
		argv[n++] = "-f";
	else if (ro && v->readonly)
		argv[n++] = "--readonly";
	argv[n] = NULL;
	return true;
}

/* The first that is there, or NULL: @path is for one from PATH */
static const char *find_program(char path[4096])
{
	static const char *const usual[] = { "/usr/libexec/" PROGRAM, "/usr/lib/qemu/" PROGRAM };
	const char *list = getenv("PATH");

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (!access(usual[i], X_OK))
			return usual[i];
	while (list && *list) {
		int n = strcspn(list, ":");

		if (n && snprintf(path, 4096, "%.*s/" PROGRAM, n, list) < 4096 &&
		    !access(path, X_OK))
			return path;
		list += n + !!list[n];
	}
	return NULL;
}

/* What @program prints for --help, as far as it fits; "" if it cannot be run */
static void read_help(const char *program, char help[HELP_MAX])
{
	char *const argv[] = { (char *)program, "--help", NULL };
	char how[PROGRAM_HOW];
	struct program p;
	size_t done = 0;
	ssize_t n = 1;

	if (!program_start(&p, argv, -1, NULL, NULL)) {
		fcntl(p.messages, F_SETFL, 0);
		while (n > 0 && done < HELP_MAX - 1) {
			n = read(p.messages, help + done, HELP_MAX - 1 - done);
			done += n > 0 ? n : 0;
		}
		program_end(&p, 0, how);
	}
	help[done] = '\0';
}

/* ---- the one of ours */

/* In the new process: whatever it does, it finds @arg read-only, and all below it */
static const char *make_readonly(const void *arg)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	const char *dir = arg;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount(dir, dir, NULL, MS_BIND | MS_REC, NULL) ||
	    mount_setattr(AT_FDCWD, dir, AT_RECURSIVE, &ro, sizeof(ro)))
		return "a read-only mount";
	return NULL;
}

static int announce(const struct share_options *opt, const char *program, const char *dir)
{
	char *argv[SHARE_ARGS], help[HELP_MAX];
	struct virtiofsd v;
	int ret = -ENOMEM;

	read_help(program, help);
	if (!virtiofsd_known(&v, help))
		return complain(EXIT_HOST, "--share %s: %s: neither QEMU's " PROGRAM " nor the one "
				"in Rust", opt->path, program);
	if (virtiofsd_argv(argv, &v, program, dir, opt->ro))
		ret = keeper_add_program(opt, argv, opt->ro && !v.readonly ? make_readonly : NULL,
					 dir);
	free(argv[1]);
	return ret ? complain(EXIT_HOST, "--share %s: no memory", opt->path) : 0;
}

int share_announce(const struct share_options *opt)
{
	const char *path = opt->path, *program, *dir;
	char buf[4096];
	struct stat st;

	if (opt->socket) {
		keeper_add_socket(opt, opt->socket);
		return 0;
	}
	dir = realpath(path, NULL);
	if (!dir || stat(dir, &st))
		return complain(EXIT_USAGE, "--share %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return complain(EXIT_USAGE, "--share %s: not a directory", path);
	program = find_program(buf);
	return program ? announce(opt, program, dir) :
	       complain(EXIT_HOST, "--share %s: no " PROGRAM " in /usr/libexec, /usr/lib/qemu or "
			"PATH; install it (Debian: virtiofsd)", path);
}

/* ---- open and close */

static int refuse(const struct share_options *opt, int err)
{
	if (opt->socket)
		return complain(EXIT_USAGE, "--share %s: %s", opt->path, err == -EOPNOTSUPP ?
				"not a " PROGRAM : strerror(-err));
	keeper_refused(opt, "share", opt->path, PROGRAM, PROGRAM, err);
	return EXIT_HOST;
}

int share_open(struct share *share, const struct share_options *opt)
{
	int ret;

	*share = (struct share){ .opt = opt, .features = WANTED | 1ULL << VU_F_PROTOCOL_FEATURES };
	share->fd = keeper_connect(opt);
	if (share->fd < 0)
		return refuse(opt, share->fd);
	ret = vu_hello(share->fd, &share->features, 0);
	if (!ret && !(share->features >> VIRTIO_F_VERSION_1 & 1))
		ret = -EOPNOTSUPP;
	if (!ret)
		return 0;
	close(share->fd);
	share->fd = -1;
	return refuse(opt, ret);
}

void share_close(struct share *share)
{
	if (!share->opt->socket)
		keeper_end(share->opt, 0, NULL);
}
