/* SPDX-License-Identifier: GPL-2.0 */
/* What start.S and guest.c of the test guest have of each other */
#ifndef LAUNCHER_GUEST_H
#define LAUNCHER_GUEST_H

#include <stdint.h>

/* The code of the other processors; its last 16 bits count them */
extern char ap_start[], ap_end[];

/* EAX and EBX as the loader left them */
void guest(uint32_t magic, uint32_t info);

#endif
