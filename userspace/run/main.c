// SPDX-License-Identifier: GPL-2.0
/* hvmon-run: one VM, one process */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "boot/boot.h"
#include "chardev.h"
#include "control.h"
#include "dev/dev.h"
#include "dev/rom.h"
#include "disk_user.h"
#include "firmware.h"
#include "keeper.h"
#include "plug.h"
#include "sandbox.h"
#include "terminal.h"
#include "vm.h"

static int alloc_memory(struct vm *vm)
{
	uint64_t swap, total = mem_host_total(&swap);
	int ret;

	if (vm->opt->memory > total + swap)
		return complain(EXIT_USAGE, "--memory: %llu MiB are more than the host's "
				"%llu MiB of memory and %llu MiB of swap",
				vm->opt->memory / MiB, total / MiB, swap / MiB);
	ret = mem_alloc(&vm->mem, vm->opt->memory, vm->opt->backend);
	if (ret == -ENOMEM && vm->opt->backend == MEM_HUGETLB)
		return complain(EXIT_HOST, "guest memory: too few huge pages; raise "
				"/proc/sys/vm/nr_hugepages to %llu at least",
				(vm->opt->memory + 2 * MiB - 1) / (2 * MiB));
	if (ret)
		return complain(EXIT_HOST, "guest memory of %llu MiB: %s",
				vm->opt->memory / MiB, strerror(-ret));
	return 0;
}

static int load_kernel(struct vm *vm, struct boot *b)
{
	int ret;

	*b = (struct boot){
		.mem = &vm->mem,
		.kernel = vm->opt->kernel,
		.initrd = vm->opt->initrd,
		.cmdline = vm->opt->append,
		.flat = vm->opt->flat,
		.flat_addr = vm->opt->flat_addr,
		.flat_mode = vm->opt->flat_mode,
	};
	ret = boot_load(b);
	if (ret)
		return complain(EXIT_USAGE, "%s", b->err);
	boot_tables(&vm->mem);
	if (vm->opt->verbose)
		complain(0, "%s: %s, entry 0x%llx, initrd 0x%llx+0x%llx", vm->opt->kernel,
			 b->protocol, (unsigned long long)b->entry.rip,
			 (unsigned long long)b->initrd_addr,
			 (unsigned long long)b->initrd_size);
	return 0;
}

/* Before all else, too: what it can do for us later, in a process without our files */
static int start_keeper(struct options *opt)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < opt->disks; i++)
		ret = disk_user_announce(&opt->disk[i]);
	for (unsigned int i = 0; !ret && i < opt->shares; i++)
		ret = share_announce(&opt->share[i]);
	for (unsigned int i = 0; i < opt->nets; i++)
		netback_announce(&opt->net[i]);
	chardev_announce(&opt->serial);
	chardev_announce(&opt->console);
	chardev_announce(&opt->debug_console);
	if (opt->control)
		keeper_add_control(opt->control, opt->control);
	return ret ? ret : keeper_start(opt);
}

static int open_nets(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vm->opt->nets; i++)
		ret = netback_open(&vm->net[i], &vm->opt->net[i], i);
	return ret;
}

/* Before anything of the guest exists: files that cannot be used are told first */
static int open_disks(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vm->opt->disks; i++)
		ret = disk_open(&vm->disk[i], &vm->opt->disk[i]);
	return ret;
}

static int open_shares(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vm->opt->shares; i++)
		ret = share_open(&vm->share[i], &vm->opt->share[i]);
	return ret;
}

static void signal_event(void *arg, uint32_t events)
{
	struct signalfd_siginfo si;
	struct vm *vm = arg;

	(void)events;
	if (read(vm->signals.fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCONT) {
		terminal_again();
	} else if (si.ssi_signo == SIGTERM && !vm->button_pressed && pm_power_button(vm)) {
		vm->button_pressed = true;
		complain(0, "SIGTERM: the guest's power button is pressed; another one ends it");
	} else {
		vm_end(vm, END_SIGNAL, si.ssi_signo);
	}
}

/*
 * All signals that end the process are read by the loop, so that the terminal
 * and the guest are left in order. SIGUSR1 kicks vCPU threads, which unblock
 * it. A nohup'ed process stays deaf to SIGHUP.
 */
static int setup_signals(struct vm *vm)
{
	struct sigaction old;
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCONT);
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (fd < 0)
		return -errno;
	return loop_add(&vm->loop, &vm->signals, fd, EPOLLIN, signal_event, vm);
}

/*
 * A standard stream that the caller closed counts as /dev/null. Otherwise its
 * number would be that of the next file opened, a guest's for example.
 */
static void open_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Devices have eventfds for each queue and vector: more than a soft limit of 1024 */
static void raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	/* What is opened in vain says so */
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

/* A device with its other end, if the options want one; an exit status, or 0 */
static int create_chardev(struct vm *vm, const struct chardev_options *opt,
			  int (*create)(struct vm *vm, struct chardev *cd))
{
	struct chardev *cd;
	int ret;

	if (opt->kind == CHARDEV_NONE)
		return 0;
	ret = chardev_open(vm, opt, &cd);
	if (ret)
		return ret;
	ret = create(vm, cd);
	return ret ? complain(EXIT_HOST, "--%s: %s", opt->name, strerror(-ret)) : 0;
}

/* Returns an exit status, or 0 */
static int create_devices(struct vm *vm)
{
	int ret = cmos_create(vm);

	if (!ret)
		ret = i8042_create(vm);
	if (!ret)
		ret = pm_create(vm);
	if (!ret && vm->rom)
		ret = rom_create(vm);
	if (!ret)
		ret = pci_create(vm);
	if (!ret)
		ret = hotplug_create(vm);
	if (!ret && vm->opt->testdev)
		ret = testdev_create(vm);
	if (!ret && (vm->opt->testdev || vm->rom))
		ret = fw_cfg_create(vm);
	if (!ret && vm->rom)
		ret = firmware_files(vm);
	if (!ret && vm->opt->rng)
		ret = virtio_rng_create(vm);
	if (!ret && vm->opt->balloon)
		ret = virtio_balloon_create(vm);
	for (unsigned int i = 0; !ret && i < vm->opt->disks; i++) {
		int status = blk_device_create(vm, &vm->disk[i]);

		if (status)
			return status;
		if (plug_note(vm, PLUG_DISK, i))
			return EXIT_HOST;
	}
	for (unsigned int i = 0; !ret && i < vm->opt->nets; i++) {
		ret = virtio_net_create(vm, &vm->net[i]);
		if (!ret && plug_note(vm, PLUG_NET, i))
			return EXIT_HOST;
	}
	if (!ret && vm->opt->vsock_cid)
		ret = virtio_vsock_create(vm);
	for (unsigned int i = 0; !ret && i < vm->opt->shares; i++)
		ret = virtio_fs_create(vm, &vm->share[i]);
	if (ret)
		return complain(EXIT_HOST, "devices: %s", strerror(-ret));
	/* Last, for one of them takes the terminal */
	ret = create_chardev(vm, &vm->opt->serial, uart_create);
	if (!ret)
		ret = create_chardev(vm, &vm->opt->console, virtio_console_create);
	return ret ? ret : create_chardev(vm, &vm->opt->debug_console, debugcon_create);
}

static int setup_vcpus(struct vm *vm, const struct boot_entry *entry)
{
	int ret = vm_create_vcpus(vm);

	if (!ret) {
		int err = vm_save_reset_states(vm);

		if (err)
			ret = complain(EXIT_HOST, "the vCPUs' first states: %s", strerror(-err));
	}
	for (uint32_t i = 0; !ret && i < vm->nr_vcpus; i++) {
		int err = firmware_setup(vm, &vm->vcpu[i], entry);

		if (err)
			ret = complain(EXIT_HOST, "vCPU %u: the module refuses its first "
				       "state: %s",
				       i, strerror(-err));
	}
	return ret;
}

/* Returns an exit status, or 0 */
static int enter_sandbox(const struct vm *vm, struct sandbox *sb)
{
	const char *why = sandbox_enter(sb);

	if (why)
		return complain(EXIT_HOST, "sandbox: %s: %s; --no-sandbox goes without", why,
				strerror(errno));
	if (vm->opt->verbose)
		complain(0, "sandbox: %s", sb->in_force);
	if (vm->opt->verbose && *sb->missing)
		complain(0, "sandbox: not to be had here: %s", sb->missing);
	return 0;
}

/* Everything up to the guest's first instruction, and all after it. @entry NULL: a firmware */
static int run_guest(struct vm *vm, const struct boot_entry *entry)
{
	struct sandbox sb;
	int ret;

	if (!vm->opt->no_sandbox)
		sandbox_prepare(&sb);
	ret = vm_create(vm);

	if (!ret)
		ret = setup_vcpus(vm, entry);
	if (!ret)
		ret = create_devices(vm);
	if (ret)
		return ret;
	if (entry) {
		acpi_build(&vm->mem, vm->opt->cpus, vm->info.gpa_bits);
		mptable_build(&vm->mem, vm->opt->cpus);
	}
	if (vm->opt->control)
		ret = control_open(vm, vm->opt->control);
	if (vm->opt->control)
		blk_uring_reserve(MAX_DISKS - vm->opt->disks);
	if (!ret && !vm->opt->no_sandbox)
		ret = enter_sandbox(vm, &sb);
	if (ret)
		return ret;
	vm_run(vm);
	control_close(vm);
	return -1;
}

int main(int argc, char **argv)
{
	static struct vm vm = {
		.dev = -1,
		.fd = -1,
		.signals.fd = -1,
		.control.fd = -1,
		.vsock = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.end_lock = PTHREAD_MUTEX_INITIALIZER,
		.pio.name = "port",
		.mmio.name = "memory",
	};
	struct options opt;
	struct boot boot;
	int status, ret;

	open_streams();
	if (argc > 1 && !strcmp(argv[1], "--ask"))
		return ask(argc - 2, argv + 2);
	raise_limits();
	if (options_parse(&opt, argc, argv, &status))
		return status;
	vm.opt = &opt;
	vm.pio.verbose = opt.verbose;
	vm.mmio.verbose = opt.verbose;
	status = start_keeper(&opt);
	if (!status)
		status = open_nets(&vm);
	if (!status && opt.vsock_cid)
		status = virtio_vsock_open(&vm);
	if (!status)
		status = alloc_memory(&vm);
	if (!status)
		status = opt.firmware ? rom_load(&vm) : load_kernel(&vm, &boot);
	if (!status)
		status = open_disks(&vm);
	if (!status)
		status = open_shares(&vm);
	if (status)
		return status;
	ret = loop_init(&vm.loop, &vm.lock);
	if (!ret)
		ret = setup_signals(&vm);
	if (ret)
		return complain(EXIT_HOST, "event loop: %s", strerror(-ret));
	atexit(terminal_restore);

	status = run_guest(&vm, opt.firmware ? NULL : &boot.entry);
	/* The serial port is flushed and the terminal restored before the report */
	vm_destroy(&vm);
	plug_free(&vm);
	if (status < 0)
		status = vm_end_report(&vm);
	loop_fini(&vm.loop);
	keeper_stop();
	return status;
}
