// SPDX-License-Identifier: GPL-2.0
/* virtio-console (virtio 1.2, 5.3): one port between a chardev and two queues */
#include <errno.h>
#include <stdlib.h>

#include <linux/virtio_console.h>

#include "../chardev.h"
#include "../vm.h"
#include "dev.h"
#include "virtio.h"

#define CLASS_OTHER	0x078000
#define RX		0
#define TX		1

struct console {
	struct virtio_dev vd;
	struct chardev *cd;
	struct virtio_console_config config;	/* of features that are not offered */
	bool receiving;			/* @in has room for input */
	bool sending;			/* @out holds output; iov and nr are its rest */
	struct virtq_chain in, out;
	struct iovec *iov;
	uint16_t nr;
};

/* ---- output */

/* As far as there is room: drained() goes on; true if the whole is out */
static bool put_chain(struct console *con)
{
	uint8_t byte;

	while (con->nr) {
		if (!chardev_room(con->cd))
			return false;
		if (iov_take(&con->iov, &con->nr, &byte, 1))
			chardev_put(con->cd, byte);
	}
	return true;
}

static void transmit(struct console *con)
{
	struct virtq *vq = &con->vd.vq[TX];
	unsigned int left = vq->size;

	virtq_doorbell_off(vq);
	while (left--) {
		if (!con->sending && !virtq_pop(vq, &con->out))
			break;
		if (!con->sending) {
			con->iov = con->out.iov;
			con->nr = con->out.nr_out;
		}
		con->sending = !put_chain(con);
		if (con->sending)
			break;
		virtq_push(vq, &con->out, 0);
	}
	virtq_signal(vq);
	if (!con->sending && virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static void con_drained(void *arg)
{
	struct console *con = arg;

	if (con->sending)
		virtio_kick(&con->vd.vq[TX]);
}

/* ---- input */

static size_t con_room(void *arg)
{
	struct console *con = arg;
	struct virtq *vq = &con->vd.vq[RX];

	/* Doorbells are asked for when input has come and no buffer is there */
	if (!con->receiving)
		con->receiving = virtq_pop(vq, &con->in) ||
				 (virtq_doorbell_on(vq) && virtq_pop(vq, &con->in));
	return con->receiving ? con->in.in_len : 0;
}

static void con_receive(void *arg, const uint8_t *p, size_t n)
{
	struct console *con = arg;
	struct virtq *vq = &con->vd.vq[RX];

	n = iov_fill(con->in.iov + con->in.nr_out, con->in.nr_in, p, n);
	con->receiving = false;
	virtq_push(vq, &con->in, n);
	virtq_signal(vq);
	/* What did not fit may find another buffer */
	virtio_kick(vq);
}

static void con_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct console *con = (struct console *)vd;

	if (vq->index == TX)
		transmit(con);
	else
		chardev_more(con->cd);
}

/* ---- making and unmaking */

static bool con_reset(struct virtio_dev *vd)
{
	struct console *con = (struct console *)vd;

	con->receiving = false;
	con->sending = false;
	return true;
}

static void con_free(struct virtio_dev *vd)
{
	struct console *con = (struct console *)vd;

	chardev_close(con->cd);
	virtio_destroy(vd);
	free(con);
}

static const struct virtio_ops con_ops = {
	.name = "virtio-console",
	.kick = con_kick,
	.reset = con_reset,
	.free = con_free,
};

int virtio_console_create(struct vm *vm, struct chardev *cd)
{
	struct console *con = calloc(1, sizeof(*con));
	const struct chardev_client client = { con_room, con_receive, con_drained, con };
	struct virtio_kind kind = {
		.ops = &con_ops, .id = VIRTIO_ID_CONSOLE, .class = CLASS_OTHER, .queues = 2,
		.config_len = sizeof(con->config),
	};
	int ret;

	if (!con) {
		chardev_close(cd);
		return -ENOMEM;
	}
	con->cd = cd;
	kind.config = &con->config;
	ret = virtio_create(&con->vd, vm, &kind);
	if (!ret)
		chardev_attach(cd, &client);
	return ret;
}
