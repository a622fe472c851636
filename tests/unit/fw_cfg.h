/* SPDX-License-Identifier: GPL-2.0 */
/* A guest that uses fw_cfg: its ports, and requests in its memory */
#ifndef FW_CFG_H
#define FW_CFG_H

#include <endian.h>

#include "dev/dev.h"
#include "unit.h"

#define SELECTOR	0x510
#define DATA		0x511
#define DMA		0x514
#define REQUEST		0x1000ULL	/* in guest memory */
#define BUFFER		0x2000ULL

#define ERROR		1u
#define READ		2u
#define SKIP		4u
#define SELECT		8u
#define WRITE		16u

static struct vm vm;

static inline void out(uint16_t port, int len, uint32_t v)
{
	bus_write(&vm.pio, port, &v, len);
}

static inline uint32_t in(uint16_t port, int len)
{
	uint32_t v = 0;

	bus_read(&vm.pio, port, &v, len);
	return v;
}

/* Hands a request over; its control afterwards */
static inline uint32_t request(uint32_t control, uint64_t addr, uint32_t len)
{
	uint8_t *p = mem_at(&vm.mem, REQUEST, 16);
	const uint32_t head[2] = { htobe32(control), htobe32(len) };
	const uint64_t tail = htobe64(addr);
	uint32_t after;

	memcpy(p, head, 8);
	memcpy(p + 8, &tail, 8);
	out(DMA, 4, 0);
	out(DMA + 4, 4, htobe32(REQUEST));
	memcpy(&after, p, 4);
	return be32toh(after);
}

/* The key of a file and its length, by the directory; 0 if it is not there */
static inline uint16_t find_file(const char *name, uint32_t *len)
{
	uint8_t e[64];
	uint32_t n = 0;

	out(SELECTOR, 2, 0x19);
	for (int i = 0; i < 4; i++)
		n = n << 8 | in(DATA, 1);
	while (n--) {
		for (unsigned int i = 0; i < sizeof(e); i++)
			e[i] = in(DATA, 1);
		*len = (uint32_t)e[0] << 24 | e[1] << 16 | e[2] << 8 | e[3];
		if (!strncmp((char *)e + 8, name, FW_CFG_NAME))
			return e[4] << 8 | e[5];
	}
	return 0;
}

/* By DMA to @to; its length, 0 if it is not there */
static inline uint32_t read_file(const char *name, uint64_t to)
{
	uint32_t len;
	uint16_t key = find_file(name, &len);

	if (!key || request((uint32_t)key << 16 | SELECT | READ, to, len))
		return 0;
	return len;
}

#endif
