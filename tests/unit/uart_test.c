// SPDX-License-Identifier: GPL-2.0
#include "dev/uart.h"
#include "unit.h"

static int level, edges;
static bool room = true;
static char sent[64];
static size_t nr_sent;
static int more;

static void set_irq(void *arg, int l)
{
	(void)arg;
	if (l && !level)
		edges++;
	level = l;
}

static bool has_room(void *arg)
{
	(void)arg;
	return room;
}

static void transmit(void *arg, uint8_t byte)
{
	(void)arg;
	sent[nr_sent++ % sizeof(sent)] = byte;
}

static void more_room(void *arg)
{
	(void)arg;
	more++;
}

static struct uart u;

static void fresh(void)
{
	u.wire = (struct uart_wiring){ set_irq, has_room, transmit, more_room, NULL };
	uart_reset(&u);
	level = 0;
	edges = 0;
	nr_sent = 0;
	more = 0;
	room = true;
}

static void test_transmit(void)
{
	claim("uart: a byte written to THR leaves and THR is empty again");
	fresh();
	uart_write(&u, 0, 'x');
	expect(nr_sent == 1 && sent[0] == 'x');
	expect((uart_read(&u, 5) & 0x60) == 0x60);
	expect(!level);

	claim("uart: enabling the THR interrupt with THR empty interrupts, each time");
	fresh();
	uart_write(&u, 1, 2);
	expect(level && (uart_read(&u, 2) & 0x0f) == 0x02);
	expect(!level && (uart_read(&u, 2) & 0x0f) == 0x01);
	uart_write(&u, 1, 0);
	uart_write(&u, 1, 2);
	expect(level && edges == 2);

	claim("uart: after IIR showed THR empty, the next byte gives a new edge");
	fresh();
	uart_write(&u, 1, 2);
	uart_read(&u, 2);
	uart_write(&u, 0, 'a');
	expect(level && edges == 2);
	uart_write(&u, 0, 'b');
	expect(level && edges == 2 && nr_sent == 2);

	claim("uart: THR stays full while nobody takes the byte, and interrupts after");
	fresh();
	uart_write(&u, 1, 2);
	uart_read(&u, 2);
	room = false;
	uart_write(&u, 0, 'q');
	expect(!nr_sent && !level && !(uart_read(&u, 5) & 0x60));
	uart_tx_drained(&u);
	expect(!nr_sent);
	room = true;
	uart_tx_drained(&u);
	expect(nr_sent == 1 && sent[0] == 'q' && level);

	claim("uart: the FIFO takes 16 bytes that nobody takes yet, in order");
	fresh();
	uart_write(&u, 2, 0x01);
	room = false;
	for (int i = 0; i < 17; i++)
		uart_write(&u, 0, 'a' + i);
	expect(!nr_sent && !(uart_read(&u, 5) & 0x60));
	room = true;
	uart_tx_drained(&u);
	expect(nr_sent == 16 && !memcmp(sent, "abcdefghijklmnop", 16));
	expect((uart_read(&u, 5) & 0x60) == 0x60);
}

static void test_receive(void)
{
	static const uint8_t text[] = "0123456789abcdefgh";

	claim("uart: without FIFO one byte is received, and read once");
	fresh();
	uart_write(&u, 1, 1);
	expect(uart_rx_room(&u) == 1);
	uart_receive(&u, text, 1);
	expect(uart_rx_room(&u) == 0 && level);
	expect((uart_read(&u, 2) & 0x0f) == 0x04);
	expect(uart_read(&u, 5) & 1);
	expect(uart_read(&u, 0) == '0' && !level && more == 1);
	expect(!(uart_read(&u, 5) & 1));

	claim("uart: the FIFO holds 16, shows the trigger, then the timeout");
	fresh();
	uart_write(&u, 2, 0x81);
	uart_write(&u, 1, 1);
	expect(uart_rx_room(&u) == 16);
	uart_receive(&u, text, 16);
	expect(uart_read(&u, 2) == 0xc4);
	for (int i = 0; i < 9; i++)
		expect(uart_read(&u, 0) == text[i]);
	expect(uart_read(&u, 2) == 0xcc && level);
	for (int i = 9; i < 16; i++)
		expect(uart_read(&u, 0) == text[i]);
	expect(!level && more == 1);

	claim("uart: what came before RTS is kept back and survives a cleared FIFO");
	fresh();
	uart_receive(&u, (const uint8_t *)"a", 1);
	uart_write(&u, 4, 0x08);
	expect(!uart_rx_room(&u));
	expect(!(uart_read(&u, 5) & 1) && !uart_read(&u, 0));
	uart_write(&u, 2, 0x01);
	uart_write(&u, 2, 0x07);
	more = 0;
	uart_write(&u, 4, 0x0b);
	expect(more == 1);
	expect((uart_read(&u, 5) & 1) && uart_read(&u, 0) == 'a');
	uart_receive(&u, (const uint8_t *)"b", 1);
	uart_write(&u, 2, 0x07);
	expect(!(uart_read(&u, 5) & 1));

	claim("uart: a byte too many is an overrun, which LSR shows once");
	fresh();
	uart_write(&u, 2, 0x01);
	uart_receive(&u, text, 17);
	expect(uart_read(&u, 5) & 2);
	expect(!(uart_read(&u, 5) & 2));
	expect(uart_read(&u, 0) == '0');
}

static void test_probe(void)
{
	claim("uart: Linux finds a 16550A: IER, scratch, loopback, FIFO bits");
	fresh();
	uart_write(&u, 1, 0xff);
	expect(uart_read(&u, 1) == 0x0f);
	uart_write(&u, 1, 0);
	uart_write(&u, 7, 0xa5);
	expect(uart_read(&u, 7) == 0xa5);
	uart_write(&u, 4, 0x1a);
	expect((uart_read(&u, 6) & 0xf0) == 0x90);
	uart_write(&u, 4, 0x08);
	uart_write(&u, 2, 1);
	expect(uart_read(&u, 2) == 0xc1);

	claim("uart: in loopback a byte comes back and none leaves");
	fresh();
	uart_write(&u, 4, 0x10);
	uart_write(&u, 0, 'z');
	expect(!nr_sent && (uart_read(&u, 5) & 1) && uart_read(&u, 0) == 'z');
	expect(uart_rx_room(&u) == 0);

	claim("uart: the divisor latch hides data and IER");
	fresh();
	uart_write(&u, 3, 0x83);
	uart_write(&u, 0, 1);
	uart_write(&u, 1, 2);
	expect(uart_read(&u, 0) == 1 && uart_read(&u, 1) == 2 && !nr_sent);
	uart_write(&u, 3, 0x03);
	expect(uart_read(&u, 1) == 0);
}

int main(void)
{
	test_transmit();
	test_receive();
	test_probe();
	return unit_finish();
}
