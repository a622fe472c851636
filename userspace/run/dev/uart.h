/* SPDX-License-Identifier: GPL-2.0 */
/* The 16550A's state, apart from where its bytes and its interrupt go */
#ifndef RUN_UART_H
#define RUN_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_FIFO	16

/**
 * struct uart_wiring - the outside of a UART
 * @set_irq: the interrupt output changed
 * @room: true if transmit() takes a byte
 * @transmit: a byte leaves; never blocks
 * @more: there is room for received bytes again
 */
struct uart_wiring {
	void (*set_irq)(void *arg, int level);
	bool (*room)(void *arg);
	void (*transmit)(void *arg, uint8_t byte);
	void (*more)(void *arg);
	void *arg;
};

struct uart {
	struct uart_wiring wire;
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	uint8_t fcr;		/* as written, reset bits excluded */
	uint8_t lsr_errors;	/* OE and BI, until LSR is read */
	uint8_t msr_delta;
	bool mcr_written;	/* the guest knows of RTS */
	bool thr_pending;	/* "THR empty" was not yet shown by IIR */
	bool irq;		/* level of the output */
	uint8_t rx[UART_FIFO];
	unsigned int rx_len;
	uint8_t tx[UART_FIFO];	/* bytes that wait for room outside */
	unsigned int tx_len;
};

void uart_reset(struct uart *u);
uint8_t uart_read(struct uart *u, unsigned int reg);
void uart_write(struct uart *u, unsigned int reg, uint8_t value);
/* How many received bytes uart_receive() takes without overrun */
size_t uart_rx_room(const struct uart *u);
void uart_receive(struct uart *u, const uint8_t *p, size_t n);
/* room() is true again */
void uart_tx_drained(struct uart *u);

#endif
