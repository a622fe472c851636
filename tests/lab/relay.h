/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RELAY_H
#define RELAY_H

/*
 * relay_start - carry two byte streams over a disk that the lab reads too
 *
 * For emulators that have no virtio: *root becomes a socket on which the lab
 * speaks 9p, *port one for frames (see init.c). Returns NULL, or what failed.
 */
const char *relay_start(int *root, int *port);

#endif
