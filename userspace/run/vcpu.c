// SPDX-License-Identifier: GPL-2.0
/* One thread per vCPU: enter the guest, answer its exits */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "vm.h"

/*
 * A kick is the stop flag, then this signal. The handler sets immediate_exit,
 * so it does not matter whether the signal comes before the ioctl (which then
 * returns at once) or during it (which it interrupts).
 */
#define KICK_SIGNAL	SIGUSR1

static __thread struct hvmon_run *this_run;

static void kick_handler(int sig)
{
	(void)sig;
	if (this_run)
		__atomic_store_n(&this_run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static void do_pio(struct vm *vm, struct hvmon_run *run)
{
	uint32_t size = run->pio.size;
	uint32_t count = run->pio.count;
	uint8_t *p = run->data;

	pthread_mutex_lock(&vm->lock);
	for (uint32_t i = 0; i < count && (i + 1) * size <= sizeof(run->data); i++) {
		if (run->pio.direction == HVMON_PIO_OUT)
			bus_write(&vm->pio, run->pio.port, p, size);
		else
			bus_read(&vm->pio, run->pio.port, p, size);
		p += size;
	}
	pthread_mutex_unlock(&vm->lock);
}

static void do_mmio(struct vm *vm, struct hvmon_run *run)
{
	uint32_t len = run->mmio.len;

	if (len > 32)
		len = 32;
	pthread_mutex_lock(&vm->lock);
	if (run->mmio.write)
		bus_write(&vm->mmio, run->mmio.gpa, run->data, len);
	else
		bus_read(&vm->mmio, run->mmio.gpa, run->data, len);
	pthread_mutex_unlock(&vm->lock);
}

static void handle_exit(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	switch (vcpu->run->exit) {
	case HVMON_EXIT_PIO:
		do_pio(vm, vcpu->run);
		break;
	case HVMON_EXIT_MMIO:
		do_mmio(vm, vcpu->run);
		break;
	case HVMON_EXIT_SHUTDOWN:
		vm_end_exit(vm, END_TRIPLE_FAULT, vcpu);
		break;
	case HVMON_EXIT_FAULT:
		vm_end_exit(vm, END_FAULT, vcpu);
		break;
	case HVMON_EXIT_EMULATION:
		vm_end_exit(vm, END_EMULATION, vcpu);
		break;
	case HVMON_EXIT_INVALID:
		vm_end_exit(vm, END_INVALID, vcpu);
		break;
	case HVMON_EXIT_INTR_WINDOW:
		break;
	default:
		vm_end_exit(vm, END_UNEXPECTED, vcpu);
	}
}

static bool stopping(struct vm *vm)
{
	return __atomic_load_n(&vm->stop, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&vm->loop.quit, __ATOMIC_SEQ_CST);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	char name[16];
	sigset_t kick;

	/* Another thread's name takes /proc, which the sandbox does not have */
	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	prctl(PR_SET_NAME, name);
	this_run = vcpu->run;
	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

	for (;;) {
		int ret;

		/* Clear, then look: the handler runs after the flag was set */
		__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		if (stopping(vm))
			break;
		ret = hvmon_run(vcpu->fd);
		if (!ret) {
			handle_exit(vcpu);
		} else if (ret != -EINTR && ret != -EAGAIN) {
			vm_end_text(vm, END_HOST_ERROR, "vCPU %u cannot run: %s",
				    vcpu->id, strerror(-ret));
			break;
		}
	}
	return NULL;
}

static int start_one(struct vcpu *vcpu)
{
	int ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);

	if (ret)
		return -ret;
	vcpu->started = true;
	return 0;
}

int vcpu_start_all(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = kick_handler };

	sigemptyset(&sa.sa_mask);
	sigaction(KICK_SIGNAL, &sa, NULL);
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		int ret = start_one(&vm->vcpu[i]);

		if (ret)
			return ret;
	}
	return 0;
}

void vcpu_stop_all(struct vm *vm)
{
	__atomic_store_n(&vm->stop, true, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpu[i].started)
			pthread_kill(vm->vcpu[i].thread, KICK_SIGNAL);
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpu[i].started)
			pthread_join(vm->vcpu[i].thread, NULL);
		vm->vcpu[i].started = false;
	}
}
