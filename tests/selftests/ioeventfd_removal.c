// SPDX-License-Identifier: GPL-2.0
/*
 * Ioeventfds come and go while vCPUs write to them: each write either signals
 * or leaves, none does both or neither, and none signals after the removal.
 */
#include "hvt_eventfd.h"

#define DEV	0xd0000000UL
#define PIO	HVMON_IOEVENTFD_PIO
#define END	HVMON_IOEVENTFD_DEASSIGN
#define PORT	0x520
#define ROUNDS	40

/*
 * Each vCPU counts at its own place what it has written. With interrupts on:
 * otherwise Bochs would withhold the host's from a guest that exits all the time.
 */
GUEST64(guest,
	"sti\n"
	"out %eax, $0xe4\n"
	"mov $0x520, %dx\n"
	"2: out %al, %dx\n"
	"incq (%rbp)\n"
	"mov %eax, (%rbx)\n"
	"incq (%rbp)\n"
	"jmp 2b\n");

struct writer {
	pthread_t thread;
	struct hvt_vcpu *v;
	u64 left;		/* writes that left */
};

static void *writer_fn(void *p)
{
	struct writer *w = p;
	struct hvmon_run *r = w->v->run;

	for (;;) {
		int e = hvt_run(w->v);

		if (e == -EINTR)
			return NULL;
		if (e == HVMON_EXIT_PIO && r->pio.port == PORT)
			w->left++;
		else if (e == HVMON_EXIT_MMIO && r->mmio.gpa == DEV)
			w->left++;
		else
			hvt_explain(w->v, e, __FILE_NAME__, __LINE__, "a doorbell");
	}
}

static void start(struct writer *w, struct hvt_vcpu *v)
{
	struct hvmon_state st;

	hvt_start(v, 64);
	hvt_get(v, &st, HVMON_STATE_REGS);
	st.regs.gpr[HVMON_RBX] = DEV;
	st.regs.gpr[HVMON_RBP] = HVT_DATA + 64 * v->id;
	hvt_set(v, &st, HVMON_STATE_REGS);
	EXPECT_REPORT(v);
	*w = (struct writer){ .v = v };
	if (pthread_create(&w->thread, NULL, writer_fn, w))
		FAIL("pthread_create failed");
}

int main(void)
{
	struct hvt_vm *vm = hvt_vm();
	int fd = hvt_eventfd(), i;
	struct writer w[2];
	u64 rung = 0, left = 0, written = 0, n;

	hvt_load(vm, HVT_CODE, guest, guest_end);
	hvt_catch(SIGUSR1);
	for (i = 0; i < 2; i++)
		start(&w[i], hvt_vcpu(vm, i));
	for (i = 0; i < ROUNDS; i++) {
		hvt_ioeventfd(vm, PIO, PORT, i & 1, 0, fd);
		hvt_ioeventfd(vm, 0, DEV, i & 2 ? 4 : 0, 0, fd);
		if (i % 8 == 0)
			hvt_sleep_ms(2);
		hvt_ioeventfd(vm, END, DEV, i & 2 ? 4 : 0, 0, fd);
		hvt_ioeventfd(vm, END | PIO, PORT, i & 1, 0, fd);
		rung += hvt_eventfd_take(fd);
		sched_yield();
		n = hvt_eventfd_take(fd);
		CHECK(!n, "%llu signals after the removal", (unsigned long long)n);
	}
	for (i = 0; i < 2; i++) {
		w[i].v->run->immediate_exit = 1;
		pthread_kill(w[i].thread, SIGUSR1);
		pthread_join(w[i].thread, NULL);
		left += w[i].left;
		written += *(u64 *)(vm->mem + HVT_DATA + 64 * i);
	}
	printf("%llu writes, %llu signals, %llu left\n", (unsigned long long)written,
	       (unsigned long long)rung, (unsigned long long)left);
	CHECK(rung && left, "%llu signals, %llu left", (unsigned long long)rung,
	      (unsigned long long)left);
	/* Each vCPU may be between a write and the count of it */
	CHECK(rung + left >= written && rung + left <= written + 2,
	      "%llu writes, %llu signals, %llu left", (unsigned long long)written,
	      (unsigned long long)rung, (unsigned long long)left);
	return 0;
}
