// SPDX-License-Identifier: GPL-2.0
/*
 * 16550A UART, after National Semiconductor's PC16550D data sheet. Bytes take
 * no time: a transmitted one is gone at once unless the outside has no room.
 */
#include <string.h>

#include "uart.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RX		0x01
#define IER_THR		0x02
#define IER_LINE	0x04
#define IER_MODEM	0x08

#define IIR_NONE	0x01
#define IIR_MODEM	0x00
#define IIR_THR		0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0

#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_CLEAR_TX	0x04

#define LCR_DLAB	0x80

#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10

#define LSR_READY	0x01
#define LSR_OVERRUN	0x02
#define LSR_THR_EMPTY	0x20
#define LSR_IDLE	0x40

#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

static unsigned int fifo_size(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned int rx_trigger(const struct uart *u)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

/*
 * The far end minds RTS, as with hardware flow control. Drivers clear the FIFO
 * and read RBR until the line is quiet before they raise RTS: what was typed
 * or piped by then would be lost, and is kept back instead. A guest that
 * enables the receive interrupt, or has never heard of MCR, wants input too.
 */
static bool rx_open(const struct uart *u)
{
	return (u->mcr & (MCR_RTS | MCR_LOOP)) || (u->ier & IER_RX) || !u->mcr_written;
}

/* Received bytes that the guest may see */
static unsigned int rx_seen(const struct uart *u)
{
	return rx_open(u) ? u->rx_len : 0;
}

/* The highest interrupt that is pending and enabled, as IIR shows it */
static uint8_t pending(const struct uart *u)
{
	if ((u->ier & IER_LINE) && u->lsr_errors)
		return IIR_LINE;
	if ((u->ier & IER_RX) && u->rx_len)
		/* Below the trigger level it is the timeout, which needs no wait here */
		return u->rx_len >= rx_trigger(u) ? IIR_RX : IIR_TIMEOUT;
	if ((u->ier & IER_THR) && u->thr_pending)
		return IIR_THR;
	if ((u->ier & IER_MODEM) && u->msr_delta)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct uart *u)
{
	bool level = pending(u) != IIR_NONE;

	if (level == u->irq)
		return;
	u->irq = level;
	u->wire.set_irq(u->wire.arg, level);
}

static uint8_t modem_status(const struct uart *u)
{
	uint8_t v = 0;

	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (u->mcr & MCR_RTS)
		v |= MSR_CTS;
	if (u->mcr & MCR_DTR)
		v |= MSR_DSR;
	if (u->mcr & MCR_OUT1)
		v |= MSR_RI;
	if (u->mcr & MCR_OUT2)
		v |= MSR_DCD;
	return v;
}

static void push_rx(struct uart *u, uint8_t byte)
{
	if (u->rx_len == fifo_size(u)) {
		u->lsr_errors |= LSR_OVERRUN;
		/* Without FIFO the new byte replaces the old one */
		if (u->fcr & FCR_ENABLE)
			return;
		u->rx_len = 0;
	}
	u->rx[u->rx_len++] = byte;
}

static uint8_t pop_rx(struct uart *u)
{
	uint8_t byte;

	if (!rx_seen(u))
		return 0;
	byte = u->rx[0];
	memmove(u->rx, u->rx + 1, --u->rx_len);
	return byte;
}

static void write_thr(struct uart *u, uint8_t byte)
{
	if (u->mcr & MCR_LOOP) {
		push_rx(u, byte);
	} else if (!u->tx_len && u->wire.room(u->wire.arg)) {
		u->wire.transmit(u->wire.arg, byte);
	} else {
		/* THR is not empty, the guest has to wait; it may fill the FIFO */
		u->tx[u->tx_len++] = byte;
		u->thr_pending = false;
		return;
	}
	/*
	 * Full and empty again before the guest could look: one more "THR
	 * empty" to be shown. The line is not pulsed: if it is up, IIR has not
	 * been read since it rose, and the interrupt is still on its way.
	 */
	u->thr_pending = true;
}

static void write_ier(struct uart *u, uint8_t value)
{
	uint8_t rose = value & ~u->ier;

	u->ier = value & 0x0f;
	/* Enabling it with THR empty interrupts at once: drivers test for it */
	if ((rose & IER_THR) && !u->tx_len)
		u->thr_pending = true;
}

static void write_fcr(struct uart *u, uint8_t value)
{
	/*
	 * A change of the enable bit clears both FIFOs. Not the received bytes
	 * here: Linux enables the FIFO after the receive interrupt, and on a
	 * real line the first byte would come long after both.
	 */
	if ((value ^ u->fcr) & FCR_ENABLE)
		value |= FCR_CLEAR_TX;
	if ((value & FCR_CLEAR_RX) && rx_open(u))
		u->rx_len = 0;
	if ((value & FCR_CLEAR_TX) && u->tx_len) {
		u->tx_len = 0;
		u->thr_pending = true;
	}
	u->fcr = value & FCR_ENABLE ? value & ~(FCR_CLEAR_RX | FCR_CLEAR_TX) : 0;
}

static void write_mcr(struct uart *u, uint8_t value)
{
	uint8_t before = modem_status(u);
	uint8_t changed;

	u->mcr = value & 0x1f;
	u->mcr_written = true;
	changed = before ^ modem_status(u);
	/* DCTS, DDSR, DDCD on any change, TERI only when RI falls */
	u->msr_delta |= (changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
	if (changed & before & MSR_RI)
		u->msr_delta |= MSR_RI >> 4;
}

void uart_reset(struct uart *u)
{
	struct uart_wiring wire = u->wire;

	memset(u, 0, sizeof(*u));
	u->wire = wire;
	u->dll = 12;		/* 9600 baud */
	u->mcr = MCR_OUT2;
}

uint8_t uart_read(struct uart *u, unsigned int reg)
{
	bool had_room = uart_rx_room(u);
	uint8_t v = 0xff;

	switch (reg) {
	case RBR_THR:
		v = u->lcr & LCR_DLAB ? u->dll : pop_rx(u);
		break;
	case IER:
		v = u->lcr & LCR_DLAB ? u->dlm : u->ier;
		break;
	case IIR_FCR:
		v = pending(u);
		if (v == IIR_THR)
			u->thr_pending = false;
		if (u->fcr & FCR_ENABLE)
			v |= IIR_FIFO;
		break;
	case LCR:
		v = u->lcr;
		break;
	case MCR:
		v = u->mcr;
		break;
	case LSR:
		v = (rx_seen(u) ? LSR_READY : 0) | u->lsr_errors |
		    (u->tx_len ? 0 : LSR_THR_EMPTY | LSR_IDLE);
		u->lsr_errors = 0;
		break;
	case MSR:
		v = modem_status(u) | u->msr_delta;
		u->msr_delta = 0;
		break;
	case SCR:
		v = u->scr;
		break;
	}
	update_irq(u);
	if (!had_room && uart_rx_room(u))
		u->wire.more(u->wire.arg);
	return v;
}

void uart_write(struct uart *u, unsigned int reg, uint8_t value)
{
	bool had_room = uart_rx_room(u);

	switch (reg) {
	case RBR_THR:
		if (u->lcr & LCR_DLAB)
			u->dll = value;
		else if (u->tx_len < fifo_size(u))
			write_thr(u, value);
		break;
	case IER:
		if (u->lcr & LCR_DLAB)
			u->dlm = value;
		else
			write_ier(u, value);
		break;
	case IIR_FCR:
		write_fcr(u, value);
		break;
	case LCR:
		u->lcr = value;
		break;
	case MCR:
		write_mcr(u, value);
		break;
	case SCR:
		u->scr = value;
		break;
	}
	update_irq(u);
	if (!had_room && uart_rx_room(u))
		u->wire.more(u->wire.arg);
}

size_t uart_rx_room(const struct uart *u)
{
	if ((u->mcr & MCR_LOOP) || !rx_open(u))
		return 0;
	return fifo_size(u) > u->rx_len ? fifo_size(u) - u->rx_len : 0;
}

void uart_receive(struct uart *u, const uint8_t *p, size_t n)
{
	while (n--)
		push_rx(u, *p++);
	update_irq(u);
}

void uart_tx_drained(struct uart *u)
{
	unsigned int n = 0;

	if (!u->tx_len)
		return;
	while (n < u->tx_len && u->wire.room(u->wire.arg))
		u->wire.transmit(u->wire.arg, u->tx[n++]);
	u->tx_len -= n;
	memmove(u->tx, u->tx + n, u->tx_len);
	if (u->tx_len)
		return;
	u->thr_pending = true;
	update_irq(u);
}
