/* SPDX-License-Identifier: GPL-2.0 */
/* A directory of the host for the guest, which a virtiofsd serves over vhost-user */
#ifndef RUN_SHARE_H
#define RUN_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

/**
 * struct share - the virtiofsd
 * @opt: the option
 * @fd: the connection; the device has it later. -1: none
 * @features: of its device
 */
struct share {
	const struct share_options *opt;
	int fd;
	uint64_t features;
};

/* What a virtiofsd understands. There are two programs of the name */
struct virtiofsd {
	bool qemu;	/* QEMU's, up to 7.2, in C; else the one in Rust that came after */
	bool readonly;	/* --readonly */
};

#define SHARE_ARGS	8

/*
 * Tells the keeper before it starts which virtiofsd share_open() will ask it for. @opt
 * stays. 0; or, after one line that says why not, an exit status
 */
int share_announce(const struct share_options *opt);
/* Connects to it. 0; or, after one line that says why not, an exit status */
int share_open(struct share *share, const struct share_options *opt);
/* Ends our virtiofsd, after the connection was closed */
void share_close(struct share *share);

/* From what --help prints; false if that is another program's */
bool virtiofsd_known(struct virtiofsd *v, const char *help);
/*
 * The command line of @program, which shares @dir. argv[1] is the caller's to free;
 * false if there is no memory for it
 */
bool virtiofsd_argv(char *argv[SHARE_ARGS], const struct virtiofsd *v, const char *program,
		    const char *dir, bool ro);

#endif
