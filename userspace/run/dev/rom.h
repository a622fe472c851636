/* SPDX-License-Identifier: GPL-2.0 */
/* The firmware's image, and who answers from 0xc0000 to 1 MiB */
#ifndef RUN_ROM_H
#define RUN_ROM_H

#include <stdint.h>

struct vm;

/* The host bridge's registers PAM0 to PAM6 (82441FX, 3.2.18) */
#define PAM_REGS	7

/*
 * Reads --firmware's file, if there is one. 0; or, after one line that says what is
 * wrong with it, an exit status
 */
int rom_load(struct vm *vm);
/* Puts the image below 4 GiB, and what of it fits below 1 MiB. 0 or -errno */
int rom_create(struct vm *vm);
/* The guest has written to @pam: who answers may have changed. With the VM's lock held */
void rom_shadow(struct vm *vm, const uint8_t *pam);

#endif
