// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts the instructions of the emulated host and its guests.
 *
 *	-plugin insns.so,out=FILE
 *
 * Each time that a program there, or in a guest, calls mark() (mark.h), a line goes to
 * FILE: the number of instructions that all processors have executed so far, but for loops
 * that wait, how many of these in guests, the number of VMRUNs, and how many had been
 * executed at the first of those since the line before. Other than with -icount, time goes
 * on by itself, and a processor that halts executes nothing.
 *
 * Each processor has a thread of its own, and counts for itself: what a line says of the
 * others is as of some instructions before or after it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "mark.h"
#include "plugin.h"

int qemu_plugin_version = PLUGIN_VERSION;

#define VMRUN		"\x0f\x01\xd8"
#define VMRUN_LEN	(sizeof(VMRUN) - 1)
#define MAX_CPUS	64
#define MAX_VMRUNS	16

static struct qemu_plugin_u64 executed;
static FILE *out;

/* Of each processor */
static struct {
	uint64_t entered_at;	/* what it had executed at its VMRUN, 0 outside of guests */
	uint64_t in_guests;	/* what it has executed there, until its last #VMEXIT */
	uint64_t vmruns;
} cpus[MAX_CPUS];
/* What all had executed at the first VMRUN since the last mark; 0 before it */
static uint64_t first_entered;

/* Where a #VMEXIT goes on: behind one of the VMRUNs that have been seen */
static uint64_t after_vmrun[MAX_VMRUNS];
static int nr_after;
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static void marked(unsigned int vcpu, void *data)
{
	uint64_t now = 0, guests = 0, vmruns = 0, own, at;
	int i;

	(void)vcpu;
	(void)data;
	for (i = 0; i < MAX_CPUS && i < qemu_plugin_num_vcpus(); i++) {
		own = qemu_plugin_u64_get(executed, i);
		at = cpus[i].entered_at;
		now += own;
		guests += cpus[i].in_guests + (at ? own - at : 0);
		vmruns += cpus[i].vmruns;
	}
	fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", now, guests, vmruns,
		first_entered);
	fflush(out);
	first_entered = 0;
}

static void entered(unsigned int vcpu, void *data)
{
	(void)data;
	if (!first_entered)
		first_entered = qemu_plugin_u64_sum(executed);
	if (vcpu >= MAX_CPUS)
		return;
	cpus[vcpu].vmruns++;
	cpus[vcpu].entered_at = qemu_plugin_u64_get(executed, vcpu);
}

/* A guest may have code at the same address, but hardly an instruction's begin there */
static void exited(unsigned int vcpu, void *data)
{
	(void)data;
	if (vcpu >= MAX_CPUS || !cpus[vcpu].entered_at)
		return;
	cpus[vcpu].in_guests += qemu_plugin_u64_get(executed, vcpu) - cpus[vcpu].entered_at;
	cpus[vcpu].entered_at = 0;
}

static bool is(const struct qemu_plugin_insn *insn, const char *what, size_t len)
{
	uint8_t bytes[MARK_LEN];

	return qemu_plugin_insn_data(insn, bytes, len) == len && !memcmp(bytes, what, len);
}

/* What an instruction counts as */
static int64_t weight(const struct qemu_plugin_insn *insn)
{
	uint8_t bytes[WAIT_LEN + 1];

	if (!is(insn, WAIT_INSN, WAIT_LEN))
		return 1;
	qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
	return -(int64_t)bytes[WAIT_LEN];
}

static bool follows_vmrun(uint64_t address)
{
	int i;

	for (i = 0; i < nr_after; i++)
		if (after_vmrun[i] == address)
			return true;
	return false;
}

static void watch_vmrun(const struct qemu_plugin_insn *insn)
{
	uint64_t after = qemu_plugin_insn_vaddr(insn) + VMRUN_LEN;

	pthread_mutex_lock(&adding);
	if (!follows_vmrun(after) && nr_after < MAX_VMRUNS)
		after_vmrun[nr_after++] = after;
	pthread_mutex_unlock(&adding);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (follows_vmrun(qemu_plugin_insn_vaddr(insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, exited,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
								    QEMU_PLUGIN_INLINE_ADD_U64,
								    executed, weight(insn));
		if (is(insn, MARK_INSN, MARK_LEN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (is(insn, VMRUN, VMRUN_LEN)) {
			watch_vmrun(insn);
			qemu_plugin_register_vcpu_insn_exec_cb(insn, entered,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		}
	}
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("insns: the one option is out=FILE\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	executed.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
