// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-scsi (virtio 1.2, 5.6): a controller whose one target has one disk. What
 * commands mean is in scsi.c; here are their data, and task management.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_scsi.h>

#include "blk.h"
#include "dev.h"
#include "scsi.h"

#define CLASS_SCSI	0x010000
#define CONTROL		0		/* queues; those of requests follow */
#define EVENTS		1
#define NR_QUEUES	2
#define MAX_CDB		255		/* what the driver may ask for */
#define MAX_SENSE	252
#define MAX_TMFS	8		/* under way */

struct header {			/* of a request, before the command block */
	uint8_t lun[8];
	uint64_t tag;
	uint8_t attribute, priority, crn;
} __attribute__((packed));

struct response {		/* before the sense data */
	uint32_t sense_len, residual;
	uint16_t qualifier;
	uint8_t status, response;
} __attribute__((packed));

/* What a request is beside its I/O */
struct task {
	uint64_t tag;
	uint32_t sense_size;
	uint16_t nr_response;	/* segments, the first that the device writes */
	bool running;		/* the back end has it */
	bool in;		/* data goes to the guest */
	uint8_t aborted;	/* response if so, or 0 */
	uint8_t awaited;	/* by these TMFs, a bit each */
	uint64_t buffer;	/* bytes of data that the driver has room for */
	uint64_t transfer;	/* that are transferred when it has succeeded */
	/* WRITE SAME goes in rounds */
	uint64_t same_left;	/* bytes after this one */
	enum blk_op same_op;
	struct iovec *block;	/* what is written over and over, unless that is zeroes */
	uint16_t nr_block;
	struct iovec *round;	/* and as often as segments allow */
};

/* A task management function; it takes effect when what was asked before has been seen */
struct tmf {
	struct virtq_chain chain;
	bool busy;
	uint32_t subtype;
	uint64_t tag;
	uint64_t unseen;	/* queues that may still have entries from before */
	unsigned int awaits;	/* tasks */
	bool found;
};

struct scsi {
	struct blk blk;
	struct virtio_scsi_config config;
	struct scsi_disk disk;
	struct task task[BLK_REQUESTS];
	struct tmf tmf[MAX_TMFS];
	bool starved;		/* entries of the control queue wait for a free one */
};

static struct task *task_of(struct scsi *s, const struct blk_request *req)
{
	return &s->task[blk_index(&s->blk, req)];
}

/* ---- task management */

static bool aborts(const struct tmf *t)
{
	return t->subtype != VIRTIO_SCSI_T_TMF_QUERY_TASK &&
	       t->subtype != VIRTIO_SCSI_T_TMF_QUERY_TASK_SET;
}

static bool is_reset(const struct tmf *t)
{
	return t->subtype == VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET ||
	       t->subtype == VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET;
}

static bool concerns(const struct tmf *t, const struct task *task)
{
	return (t->subtype != VIRTIO_SCSI_T_TMF_ABORT_TASK &&
		t->subtype != VIRTIO_SCSI_T_TMF_QUERY_TASK) || t->tag == task->tag;
}

/* @task was there before @t */
static void meet(struct scsi *s, struct tmf *t, struct task *task)
{
	if (!concerns(t, task))
		return;
	t->found = true;
	if (!aborts(t))
		return;
	task->aborted = is_reset(t) ? VIRTIO_SCSI_S_RESET : VIRTIO_SCSI_S_ABORTED;
	if (task->running) {
		task->awaited |= 1u << (t - s->tmf);
		t->awaits++;
	}
}

static void give_back_control(struct scsi *s, struct tmf *t, const void *response, size_t len)
{
	struct virtq *vq = &s->blk.vd.vq[CONTROL];

	iov_fill(t->chain.iov + t->chain.nr_out, t->chain.nr_in, response, len);
	virtq_push(vq, &t->chain, len);
	virtq_signal(vq);
	t->busy = false;
	if (s->starved)
		virtio_kick(vq);
	s->starved = false;
}

static void answer_tmf(struct scsi *s, struct tmf *t, uint8_t response)
{
	give_back_control(s, t, &response, sizeof(response));
}

/* The limits do not hold up what is only taken to be dropped */
static void set_unlimited(struct scsi *s)
{
	s->blk.unlimited = false;
	for (int i = 0; i < MAX_TMFS; i++)
		if (s->tmf[i].busy && s->tmf[i].unseen && aborts(&s->tmf[i]) &&
		    s->tmf[i].subtype != VIRTIO_SCSI_T_TMF_ABORT_TASK)
			s->blk.unlimited = true;
}

static void try_end(struct scsi *s, struct tmf *t)
{
	if (!t->busy || t->unseen || t->awaits)
		return;
	if (t->subtype == VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET)
		s->disk.attention = SENSE_LUN_RESET;
	else if (t->subtype == VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET)
		s->disk.attention = SENSE_NEXUS_LOSS;
	answer_tmf(s, t, !aborts(t) && t->found ? VIRTIO_SCSI_S_FUNCTION_SUCCEEDED :
						  VIRTIO_SCSI_S_OK);
}

static void scsi_empty(struct blk *blk, struct virtq *vq)
{
	struct scsi *s = (struct scsi *)blk;

	for (int i = 0; i < MAX_TMFS; i++) {
		s->tmf[i].unseen &= ~(1ULL << vq->index);
		try_end(s, &s->tmf[i]);
	}
	set_unlimited(s);
}

/*
 * Whom @lun names (5.6.6.1): a single level LUN structure of target 0, by either
 * method of SAM-5, 4.7.7; or the well-known one
 */
static uint8_t find_lun(const uint8_t lun[8], enum scsi_lun *which)
{
	static const uint8_t report_luns[8] = { 0xc1, 0x01 };
	uint8_t rest = lun[3] | lun[4] | lun[5] | lun[6] | lun[7];

	*which = SCSI_LUN_NONE;
	if (!memcmp(lun, report_luns, sizeof(report_luns)))
		*which = SCSI_LUN_REPORT_LUNS;
	else if (lun[0] != 1 || lun[1])
		return VIRTIO_SCSI_S_BAD_TARGET;
	else if (!rest && (lun[2] == 0x00 || lun[2] == 0x40))
		*which = SCSI_LUN_DISK;
	return VIRTIO_SCSI_S_OK;
}

static void start_tmf(struct scsi *s, struct tmf *t, const struct virtio_scsi_ctrl_tmf_req *req)
{
	enum scsi_lun lun;
	uint8_t response = find_lun(req->lun, &lun);

	t->subtype = req->subtype;
	t->tag = req->tag;
	t->found = false;
	t->awaits = 0;
	t->unseen = 0;
	/* Auto contingent allegiance is not there to be cleared */
	if (!response && (req->subtype == VIRTIO_SCSI_T_TMF_CLEAR_ACA ||
			  req->subtype > VIRTIO_SCSI_T_TMF_QUERY_TASK_SET))
		response = VIRTIO_SCSI_S_FUNCTION_REJECTED;
	else if (!response && lun != SCSI_LUN_DISK &&
		 req->subtype != VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET)
		response = VIRTIO_SCSI_S_INCORRECT_LUN;
	if (response) {
		answer_tmf(s, t, response);
		return;
	}
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (s->task[i].running)
			meet(s, t, &s->task[i]);
	for (unsigned int i = NR_QUEUES; i < s->blk.vd.nr_queues; i++)
		if (virtio_live(&s->blk.vd.vq[i])) {
			t->unseen |= 1ULL << i;
			virtio_kick(&s->blk.vd.vq[i]);
		}
	set_unlimited(s);
	/* What waits for room on the host may do so for ever */
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (s->task[i].running && s->task[i].aborted)
			blk_drop(&s->blk, &s->blk.request[i]);
	try_end(s, t);
}

static void start_control(struct scsi *s, struct tmf *t)
{
	struct virtq_chain *c = &t->chain;
	struct iovec *out = c->iov;
	uint16_t nr = c->nr_out;
	union {
		uint32_t type;
		struct virtio_scsi_ctrl_tmf_req tmf;
		struct virtio_scsi_ctrl_an_req an;
	} req;
	/* No event can be asked for */
	struct virtio_scsi_ctrl_an_resp none = { .event_actual = 0 };
	enum scsi_lun lun;

	t->busy = true;
	memset(&req, 0, sizeof(req));
	if (c->out_len >= sizeof(req.type))
		iov_take(&out, &nr, &req, c->out_len < sizeof(req) ? c->out_len : sizeof(req));
	if (req.type == VIRTIO_SCSI_T_TMF && c->out_len >= sizeof(req.tmf) && c->in_len) {
		start_tmf(s, t, &req.tmf);
	} else if ((req.type == VIRTIO_SCSI_T_AN_QUERY ||
		    req.type == VIRTIO_SCSI_T_AN_SUBSCRIBE) &&
		   c->out_len >= sizeof(req.an) && c->in_len >= sizeof(none)) {
		none.response = find_lun(req.an.lun, &lun);
		if (!none.response && lun == SCSI_LUN_NONE)
			none.response = VIRTIO_SCSI_S_INCORRECT_LUN;
		give_back_control(s, t, &none, sizeof(none));
	} else {
		virtio_broken(&s->blk.vd, "a control request of type %u with %llu and %llu bytes",
			      req.type, (unsigned long long)c->out_len,
			      (unsigned long long)c->in_len);
		t->busy = false;
	}
}

static struct tmf *free_tmf(struct scsi *s)
{
	for (int i = 0; i < MAX_TMFS; i++)
		if (!s->tmf[i].busy)
			return &s->tmf[i];
	return NULL;
}

static void kick_control(struct scsi *s, struct virtq *vq)
{
	unsigned int left = vq->size;
	struct tmf *t = free_tmf(s);

	virtq_doorbell_off(vq);
	for (; left-- && t && virtq_pop(vq, &t->chain); t = free_tmf(s))
		start_control(s, t);
	virtq_signal(vq);
	if (!t)
		s->starved = true;
	else if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

/* ---- the end of a request */

static void free_block(struct task *task)
{
	free(task->block);
	free(task->round);
	task->block = NULL;
	task->round = NULL;
}

static void respond(struct scsi *s, struct blk_request *req, const struct response *r,
		    enum scsi_sense sense, uint64_t data)
{
	const struct virtq_chain *c = &req->chain;
	struct task *task = task_of(s, req);
	uint8_t bytes[sizeof(*r) + MAX_SENSE] = { 0 }, awaited = task->awaited;
	uint32_t len = sizeof(*r) + task->sense_size;

	memcpy(bytes, r, sizeof(*r));
	if (r->sense_len) {
		uint8_t fixed[SCSI_SENSE];

		scsi_sense_data(sense, fixed);
		memcpy(bytes + sizeof(*r), fixed, r->sense_len);
	}
	iov_fill(c->iov + c->nr_out, task->nr_response, bytes, len);
	free_block(task);
	task->running = false;
	task->awaited = 0;
	blk_give_back(&s->blk, req, len + data);
	for (int i = 0; awaited >> i; i++)
		if (awaited >> i & 1) {
			s->tmf[i].awaits--;
			try_end(s, &s->tmf[i]);
		}
}

static void fail(struct scsi *s, struct blk_request *req, uint8_t response)
{
	const struct response r = { .response = response };

	respond(s, req, &r, SENSE_NONE, 0);
}

/* With a status; @sense goes with CHECK CONDITION */
static void finish(struct scsi *s, struct blk_request *req, uint8_t status,
		   enum scsi_sense sense, uint64_t transferred)
{
	const struct task *task = task_of(s, req);
	struct response r = { .status = status, .residual = task->buffer - transferred };

	if (task->buffer - transferred > UINT32_MAX)
		r.residual = UINT32_MAX;
	if (status == SCSI_CHECK_CONDITION)
		r.sense_len = task->sense_size < SCSI_SENSE ? task->sense_size : SCSI_SENSE;
	respond(s, req, &r, sense, task->in ? transferred : 0);
}

static void submit(struct scsi *s, struct blk_request *req)
{
	task_of(s, req)->running = true;
	blk_submit(&s->blk, req);
}

/* The block as often as segments allow, all of which go to the disk together */
static uint64_t repeat_block(struct scsi *s, struct blk_request *req)
{
	struct task *task = task_of(s, req);
	unsigned int n = VIRTQ_MAX / task->nr_block;

	if (n > task->same_left / s->disk.block)
		n = task->same_left / s->disk.block;
	for (unsigned int i = 0; i < n; i++)
		memcpy(task->round + i * task->nr_block, task->block,
		       task->nr_block * sizeof(*task->block));
	req->iov = task->round;
	req->nr = n * task->nr_block;
	return (uint64_t)n * s->disk.block;
}

static void next_round(struct scsi *s, struct blk_request *req)
{
	uint64_t most = (uint64_t)s->blk.max_zero * SECTOR / s->disk.block * s->disk.block;
	struct task *task = task_of(s, req);

	req->op = task->same_op;
	req->offset += req->left;
	if (task->block)
		req->left = repeat_block(s, req);
	else
		req->left = task->same_left < most ? task->same_left : most;
	task->same_left -= req->left;
	submit(s, req);
}

static void scsi_end(struct blk *blk, struct blk_request *req, int err)
{
	struct scsi *s = (struct scsi *)blk;
	struct task *task = task_of(s, req);

	if (task->aborted)
		fail(s, req, task->aborted);
	else if (err == -ENOSPC)
		finish(s, req, SCSI_CHECK_CONDITION, SENSE_NO_SPACE, 0);
	else if (err && err != -EOPNOTSUPP)	/* which leaves mapped what was to be unmapped */
		finish(s, req, SCSI_CHECK_CONDITION,
		       task->in ? SENSE_READ_ERROR : SENSE_WRITE_ERROR, 0);
	else if (task->same_left && !blk->vd.resetting)
		next_round(s, req);
	else
		finish(s, req, SCSI_GOOD, SENSE_NONE, task->transfer);
}

/* ---- from the guest */

static void start_unmap(struct scsi *s, struct blk_request *req, struct scsi_command *c)
{
	uint8_t list[SCSI_UNMAP_LIST] = { 0 };
	uint32_t len = c->transfer < sizeof(list) ? c->transfer : sizeof(list);

	iov_take(&req->iov, &req->nr, list, len);
	scsi_unmap(&s->disk, list, len, c);
	req->op = OP_DISCARD;
}

/* True if the block that is to be written everywhere is all zeroes */
static bool all_zeroes(const struct iovec *iov, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		const uint8_t *p = iov[i].iov_base;

		if (p[0] || memcmp(p, p + 1, iov[i].iov_len - 1))
			return false;
	}
	return true;
}

/* False if there is no memory */
static bool keep_block(struct task *task, const struct blk_request *req)
{
	task->nr_block = req->nr;
	task->block = malloc(req->nr * sizeof(*task->block));
	task->round = malloc(VIRTQ_MAX * sizeof(*task->round));
	if (!task->block || !task->round)
		return false;
	memcpy(task->block, req->iov, req->nr * sizeof(*task->block));
	return true;
}

static void start_same(struct scsi *s, struct blk_request *req, const struct scsi_command *c)
{
	struct task *task = task_of(s, req);

	iov_trim(req->iov, &req->nr, c->transfer);
	task->same_left = c->blocks * s->disk.block;
	task->same_op = c->unmap ? OP_ZERO_UNMAP : OP_ZERO;
	if (!s->disk.zeroes || !all_zeroes(req->iov, req->nr)) {
		task->same_op = OP_WRITE;
		if (!keep_block(task, req)) {
			finish(s, req, SCSI_BUSY, SENSE_NONE, 0);
			return;
		}
		blk_charge(&s->blk, task->same_left);
	}
	req->left = 0;
	next_round(s, req);
}

/* @c is what @req asks for, and its data are there */
static void act(struct scsi *s, struct blk_request *req, struct scsi_command *c)
{
	if (c->action == SCSI_UNMAP)
		start_unmap(s, req, c);
	if (c->action == SCSI_ANSWER) {
		if (c->len)
			iov_fill(req->iov, req->nr, c->data, c->len);
		finish(s, req, c->status, c->sense,
		       c->status ? 0 : c->out ? c->transfer : c->len);
		return;
	}
	task_of(s, req)->transfer = c->transfer;
	req->stable = c->fua;
	req->offset = c->lba * s->disk.block;
	req->left = c->blocks * s->disk.block;
	switch (c->action) {
	case SCSI_SAME:
		start_same(s, req, c);
		return;
	case SCSI_READ:
	case SCSI_WRITE:
		req->op = c->action == SCSI_READ ? OP_READ : OP_WRITE;
		iov_trim(req->iov, &req->nr, req->left);
		break;
	case SCSI_FLUSH:
		req->op = OP_FLUSH;
		break;
	default:
		req->op = OP_DISCARD;
	}
	submit(s, req);
}

/* True if a TMF ends the request before it has begun */
static bool met(struct scsi *s, const struct blk_request *req)
{
	struct task *task = task_of(s, req);

	for (int i = 0; i < MAX_TMFS; i++)
		if (s->tmf[i].busy && (s->tmf[i].unseen >> req->vq->index & 1))
			meet(s, &s->tmf[i], task);
	return task->aborted;
}

/* Header, command block, data; response, sense data, data (5.6.6.1) */
static void scsi_start(struct blk *blk, struct blk_request *req)
{
	struct scsi *s = (struct scsi *)blk;
	struct task *task = task_of(s, req);
	struct virtq_chain *chain = &req->chain;
	uint32_t cdb_size = s->config.cdb_size, sense_size = s->config.sense_size;
	uint8_t cdb[MAX_CDB] = { 0 };
	struct scsi_command c;
	struct header h;
	enum scsi_lun lun;
	uint64_t out, in;
	uint8_t bad;

	req->iov = chain->iov;
	req->nr = chain->nr_out;
	if (!iov_take(&req->iov, &req->nr, &h, sizeof(h)) ||
	    !iov_take(&req->iov, &req->nr, cdb, cdb_size) ||
	    chain->in_len < sizeof(struct response) + sense_size) {
		virtio_broken(&blk->vd, "a request with %llu and %llu bytes",
			      (unsigned long long)chain->out_len,
			      (unsigned long long)chain->in_len);
		blk_give_back(blk, req, 0);
		return;
	}
	out = chain->out_len - sizeof(h) - cdb_size;
	in = chain->in_len - sizeof(struct response) - sense_size;
	*task = (struct task){
		.tag = h.tag,
		.sense_size = sense_size,
		.nr_response = chain_cut(chain, sizeof(struct response) + sense_size),
		.buffer = out + in,
	};
	bad = find_lun(h.lun, &lun);
	if (met(s, req)) {
		fail(s, req, task->aborted);
		return;
	}
	if (bad || (out && in)) {	/* the latter is for VIRTIO_SCSI_F_INOUT */
		fail(s, req, bad ? bad : VIRTIO_SCSI_S_FAILURE);
		return;
	}
	scsi_decode(&s->disk, lun, cdb, &c);
	if (c.transfer > (c.out ? out : in)) {
		fail(s, req, VIRTIO_SCSI_S_OVERRUN);
		return;
	}
	task->in = !c.out;
	if (!c.out) {
		req->iov = chain->iov + chain->nr_out + task->nr_response;
		req->nr = chain->nr_in - task->nr_response;
	}
	act(s, req, &c);
}

static void scsi_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct scsi *s = (struct scsi *)vd;

	if (vq->index == CONTROL)
		kick_control(s, vq);
	else if (vq->index >= NR_QUEUES)
		blk_kick(&s->blk, vq);
	else
		virtq_doorbell_off(vq);	/* there are no events */
}

static void scsi_configure(struct virtio_dev *vd, uint64_t offset, uint32_t len, uint32_t value)
{
	struct scsi *s = (struct scsi *)vd;

	if (len != sizeof(value))
		return;
	if (offset == offsetof(struct virtio_scsi_config, sense_size) && value <= MAX_SENSE)
		s->config.sense_size = value;
	else if (offset == offsetof(struct virtio_scsi_config, cdb_size) && value <= MAX_CDB)
		s->config.cdb_size = value;
}

static void scsi_update(struct virtio_dev *vd)
{
	blk_update((struct blk *)vd);
}

static bool scsi_reset(struct virtio_dev *vd)
{
	struct scsi *s = (struct scsi *)vd;

	memset(s->tmf, 0, sizeof(s->tmf));
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		s->task[i].awaited = 0;
	s->starved = false;
	s->blk.unlimited = false;
	s->config.sense_size = VIRTIO_SCSI_SENSE_DEFAULT_SIZE;
	s->config.cdb_size = VIRTIO_SCSI_CDB_DEFAULT_SIZE;
	s->disk.attention = SENSE_POWER_ON;
	return blk_reset(&s->blk);
}

/* ---- making and unmaking */

static void scsi_free(struct virtio_dev *vd)
{
	struct scsi *s = (struct scsi *)vd;

	blk_destroy(&s->blk);
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		free_block(&s->task[i]);
	free(s);
}

static const struct virtio_ops scsi_ops = {
	.name = "virtio-scsi",
	.kick = scsi_kick,
	.reset = scsi_reset,
	.update = scsi_update,
	.configure = scsi_configure,
	.free = scsi_free,
};

static const struct blk_front scsi_front = {
	.start = scsi_start,
	.end = scsi_end,
	.empty = scsi_empty,
};

static void set_disk(struct scsi *s)
{
	const struct disk *disk = &s->blk.disk;

	s->config = (struct virtio_scsi_config){
		.num_queues = blk_queues(s->blk.vd.pci.vm),
		.seg_max = VIRTQ_MAX - 2,	/* without request and response */
		.max_sectors = 0xffff,
		.cmd_per_lun = BLK_REQUESTS,
		.event_info_size = sizeof(struct virtio_scsi_event),
		.sense_size = VIRTIO_SCSI_SENSE_DEFAULT_SIZE,
		.cdb_size = VIRTIO_SCSI_CDB_DEFAULT_SIZE,
	};
	s->disk = (struct scsi_disk){
		.blocks = disk->size / disk->block,
		.block = disk->block,
		.ro = disk->opt->ro,
		.zeroes = s->blk.max_zero >= disk->block / SECTOR,
		.max_unmap = s->blk.max_discard / (disk->block / SECTOR),
		.attention = SENSE_POWER_ON,
	};
	/* What another process discards may show what was below it */
	s->disk.unmap_reads_zero = s->disk.max_unmap && !disk->user;
	if (disk->opt->serial)
		snprintf(s->disk.serial, sizeof(s->disk.serial), "%s", disk->opt->serial);
}

int virtio_scsi_create(struct vm *vm, struct disk *disk)
{
	struct scsi *s = calloc(1, sizeof(*s));
	struct virtio_kind kind = {
		.ops = &scsi_ops,
		.id = VIRTIO_ID_SCSI,
		.class = CLASS_SCSI,
		.config_len = sizeof(s->config),
	};
	int ret;

	if (!s)
		return complain(EXIT_HOST, "--disk %s: no memory", disk->opt->path);
	blk_init(&s->blk, vm, disk, &scsi_front);
	set_disk(s);
	kind.config = &s->config;
	ret = blk_create(&s->blk, &kind, NR_QUEUES);
	if (!ret)
		snprintf(s->disk.name, sizeof(s->disk.name), "slot%u", s->blk.vd.pci.slot);
	return ret;
}
