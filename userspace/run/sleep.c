// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's run from start to end, with ACPI's S3 in between (ACPI 6.5, 16.1.3):
 * processors lose their state, memory and devices keep theirs. What wakes it is
 * the device's business; then processor 0 starts in real mode where the FACS says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware.h"
#include "vm.h"

#define FACS_WAKING_VECTOR	12	/* ACPI 6.5, 5.2.10 */

void vm_sleep(struct vm *vm)
{
	/* A firmware would have to wake it, and its tables do not offer S3 */
	if (vm->rom)
		return;
	vm->sleeping = true;
	loop_quit(&vm->loop);
}

void vm_wake(struct vm *vm)
{
	if (!vm->sleeping)
		return;
	vm->sleeping = false;
	vm->woken = true;
	loop_quit(&vm->loop);
}

int vm_save_reset_states(struct vm *vm)
{
	int ret = 0;

	vm->reset_state = calloc(vm->nr_vcpus, sizeof(*vm->reset_state));
	if (!vm->reset_state)
		return -ENOMEM;
	for (uint32_t i = 0; !ret && i < vm->nr_vcpus; i++)
		ret = hvmon_state_get(vm->vcpu[i].fd, HVMON_STATE_ALL, &vm->reset_state[i]);
	return ret;
}

/* What the firmware does on waking: 0 or -errno */
static int resume(struct vm *vm)
{
	struct boot_entry entry = { .mode = BOOT_REAL };
	uint32_t vector;
	int ret = 0;

	memcpy(&vector, mem_at(&vm->mem, BIOS_FACS + FACS_WAKING_VECTOR, sizeof(vector)),
	       sizeof(vector));
	if (!vector || vector >= HIGH_START)
		return -EFAULT;
	entry.cs = vector >> 4;
	entry.rip = vector & 15;
	for (uint32_t i = 0; !ret && i < vm->nr_vcpus; i++) {
		ret = hvmon_state_set(vm->vcpu[i].fd, HVMON_STATE_ALL, &vm->reset_state[i]);
		if (!ret)
			ret = firmware_setup(vm, &vm->vcpu[i], &entry);
	}
	return ret;
}

/* Runs the event loop while the guest sleeps; false if it ended meanwhile */
static bool await_wake(struct vm *vm)
{
	bool woken;

	pthread_mutex_lock(&vm->lock);
	woken = vm->woken;
	__atomic_store_n(&vm->loop.quit, woken || vm->end != END_NONE, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&vm->lock);
	loop_run(&vm->loop);
	woken = vm->woken;
	vm->woken = false;
	return woken && vm->end == END_NONE;
}

void vm_run(struct vm *vm)
{
	int ret;

	for (;;) {
		ret = vcpu_start_all(vm);
		if (ret)
			vm_end_text(vm, END_HOST_ERROR, "no thread for a vCPU: %s",
				    strerror(-ret));
		loop_run(&vm->loop);
		vcpu_stop_all(vm);
		if (vm->end != END_NONE || !await_wake(vm))
			return;
		ret = resume(vm);
		if (ret == -EFAULT) {
			vm_end_text(vm, END_UNEXPECTED,
				    "it slept (S3) without a waking vector below 1 MiB");
			return;
		}
		if (ret) {
			vm_end_text(vm, END_HOST_ERROR, "waking from S3: %s", strerror(-ret));
			return;
		}
		vm->stop = false;
		vm->loop.quit = false;
	}
}
