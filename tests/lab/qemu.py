# SPDX-License-Identifier: GPL-2.0
"""The lab's host with AMD-V: QEMU."""

import json
import socket
import subprocess
import tempfile

from common import LabError, die_with_parent, kernels


def first_cpu(args):
    """The first processor on which COMMAND runs: not 0 where there are several.

    QEMU 10.0's cpu_clear_ignne(), which every FXRSTOR and XRSTOR calls on any
    processor, changes a word of the first processor's state that also says
    whether its guest has nested paging, GIF and the like, and is not atomic:
    a #VMEXIT on processor 0 at that moment is undone in part. KVM would be hit
    as well. With one thread for all processors there is no such moment.
    """
    return 1 if args.cpus > 1 and not args.icount else 0


def arguments(args, host, log, io_fd, qmp_fd, swap_fd):
    # The command line keeps an emulator's time stamp counter from being taken
    # for unstable, and a panicked host from staying.
    append = ["console=ttyS0", "loglevel=7", "panic=-1", "oops=panic", "unknown_nmi_panic",
              "tsc=reliable", "no_timer_check", "nokaslr", "rdinit=/init", "nmi_watchdog=0"]
    argv = ["qemu-system-x86_64", "-name", "hvmon-lab", "-nodefaults", "-no-user-config",
            "-display", "none", "-monitor", "none", "-no-reboot", "-nic", "none",
            "-machine", "q35,vmport=off",
            # Tables that describe no hot-plugging are parsed in half the time.
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-cpu", "max,+svm,+npt",
            "-smp", str(first_cpu(args) + args.cpus), "-m", str(args.memory)]
    if args.icount:
        argv += ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
    else:
        argv += ["-accel", "tcg,thread=multi"]
    if args.iommu == "vtd":
        argv += ["-device", "intel-iommu,intremap=on"]
        append += ["intel_iommu=on"]
    elif args.iommu == "amdvi":
        argv += ["-device", "amd-iommu,intremap=on,pt=off"]
        append += ["noapic"]
    argv += ["-kernel", host.image, "-initrd", kernels("initrd", host.dir),
             "-chardev", f"file,id=log,path={log}", "-serial", "chardev:log",
             "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
             "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
             "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
             "-chardev", f"socket,id=lab,fd={io_fd}",
             "-device", "virtio-serial-pci",
             "-device", "virtserialport,chardev=lab,name=hvmon.lab"]
    if swap_fd is not None:
        argv += ["-drive", f"file=/proc/self/fd/{swap_fd},if=none,id=swap,format=raw,"
                 "cache=unsafe,discard=unmap",
                 "-device", "virtio-blk-pci,drive=swap"]
    for i, (path, keep) in enumerate(args.disk):
        # With snapshot=on what is written goes to a temporary file
        argv += ["-drive", f"file={path.replace(',', ',,')},if=none,id=disk{i},format=raw,"
                 f"snapshot={'off' if keep else 'on'},cache=unsafe,discard=unmap",
                 "-device", f"virtio-blk-pci,drive=disk{i}"]
    append += args.append
    return argv + ["-append", " ".join(append)] + args.emulator_arg


# What a host's log has when its boot hangs, and what it has when it is sound.
HANGS = "rcu: INFO:"
BOOTED = "lab: every processor's timer works"


class Qemu:
    NAME = "QEMU"
    KVM_MODULE = "kvm_amd"
    CPUS = 2
    MEMORY = 4096
    # Seconds without a sign of life after which the host counts as hung. The
    # machine may be busy with other work, so they are generous.
    BOOT_LIMIT = {"stock": 180, "debug": 480}
    BOOT_LIMIT_PER_CPU = 10
    SILENCE_LIMIT = {"stock": 60, "debug": 120}
    POWER_OFF = 20
    MODULE_PARAMS = ()
    # Waits for a timer on each processor, and so forever where hung_boot() is right
    READY = ("for n in $(seq 0 $(($(nproc --all) - 1))); do taskset -c $n sleep 0.01; done; "
             f"echo \"{BOOTED}\" >/dev/kmsg\n")
    SWAP_ON = "busybox mkswap /dev/vda >/dev/null; swapon /dev/vda\n"

    def __init__(self, args, host):
        if args.cpu_model:
            raise LabError("--cpu-model goes with --cpu vmx only")
        self.args = args
        self.host = host
        self.first_cpu = first_cpu(args)
        self.process = None
        self.qmp = None
        self.output = tempfile.TemporaryFile()

    def start(self, remote, log):
        """Boots the host; its port is REMOTE, the kernel's log goes to LOG."""
        swap = None
        if self.args.swap:
            swap = tempfile.TemporaryFile(prefix="hvmon-swap", dir="/var/tmp")
            swap.truncate(self.args.swap << 20)
        self.qmp, remote_qmp = socket.socketpair()
        fds = [remote.fileno(), remote_qmp.fileno()]
        if swap:
            fds.append(swap.fileno())
        argv = arguments(self.args, self.host, log, fds[0], fds[1], fds[2] if swap else None)
        try:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                            stdout=self.output, stderr=self.output,
                                            pass_fds=fds, preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise LabError("QEMU is missing: run tests/lab/setup") from None
        remote.close()
        remote_qmp.close()

    def gone(self):
        """After the port was closed: what the emulator said, or LabError."""
        self.process.wait()
        self.output.seek(0)
        err = self.output.read().decode(errors="replace").strip()
        if self.process.returncode > 0:
            raise LabError(f"QEMU failed: {err}")
        return err

    def hung_boot(self, log):
        """Whether the host hangs before anything is loaded, and a fresh start helps.

        Of some hundred boots with several processors one does so in QEMU 10.0:
        on a processor other than 0, or on several, the timer's vector stays in
        the APIC's ISR, and no interrupt of its priority or lower comes again
        (Linux 6.12 without hvmon and without KVM, seen with "info lapic"). How
        the EOI is lost is not known.
        """
        with open(log, errors="replace") as f:
            text = f.read()
        return HANGS in text and BOOTED not in text

    def ask_where(self):
        """Have a silent host panic, whose log then says where it hangs."""
        try:
            for command in ("qmp_capabilities", "inject-nmi"):
                self.qmp.send(json.dumps({"execute": command}).encode())
            self.process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            pass

    def end(self, wait):
        """Ends QEMU; WAIT seconds are for the host to power off by itself."""
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def clean(self):
        """Removes what the host has left."""
