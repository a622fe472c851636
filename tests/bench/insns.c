// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts the instructions of the emulated host and its guests.
 *
 *	-plugin insns.so,out=FILE
 *
 * Each time that a program there calls mark() (mark.h), the number of instructions
 * that all processors have executed so far goes to FILE, a line each. Other than with
 * -icount, time goes on by itself, and a processor that halts executes nothing.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "mark.h"
#include "plugin.h"

int qemu_plugin_version = PLUGIN_VERSION;

static struct qemu_plugin_u64 executed;
static FILE *out;

static void marked(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	fprintf(out, "%" PRIu64 "\n", qemu_plugin_u64_sum(executed));
	fflush(out);
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	uint8_t bytes[MARK_LEN];

	return qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) == sizeof(bytes) &&
	       !memcmp(bytes, MARK_INSN, sizeof(bytes));
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
								    QEMU_PLUGIN_INLINE_ADD_U64,
								    executed, 1);
		if (is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
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
