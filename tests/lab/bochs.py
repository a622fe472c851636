# SPDX-License-Identifier: GPL-2.0
"""The lab's host with VT-x: Bochs."""

import ctypes
import hashlib
import json
import mmap
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import ninep
from common import LAB, LabError, cache_dir, die_with_parent, kernels

SECTOR = 512

# The first disk: its first sectors are boot.S and what that loads, the others
# are the calls of relay.c and their answers. Bochs takes time for a seek in
# proportion to the size of the disk, so it is larger than what is used.
DISK_SIZE = 63 * 16 * 1024 * SECTOR
PARAMS = 0x10000
CMDLINE = 0x11000
CALL = 65536 * SECTOR
ANSWER = 66560 * SECTOR
MAX_DATA = 256 << 10

# Emulated time is counted in instructions, and this many make a second. It
# says what the processor of the host is worth beside its devices: with more,
# waiting for the serial line costs more, with less the timer's interrupts do.
IPS = 50000000

# What the kernel starts with that costs seconds here, and that no test is for:
# random numbers from jitter, certificates of modules' signers, tables of the
# tracer, and what has the types of all kernel functions parsed for BPF.
SKIPPED = """
    jent_mod_init load_system_certificate_list
    trace_eval_init init_kprobe_trace ftrace_check_for_weak_functions
    bpf_dummy_struct_ops_init bpf_fs_kfuncs_init bpf_kfunc_init
    bpf_key_sig_kfuncs_init bpf_kprobe_multi_kfuncs_init bpf_mptcp_kfunc_init
    bpf_prog_test_run_init bpf_rstat_kfunc_init bpf_tcp_ca_kfunc_init
    cpumask_kfunc_init crypto_kfunc_init cubictcp_register hid_bpf_init
    hid_bpf_struct_ops_init init_subsystem kfunc_init xdp_metadata_init
    """.split()

COMPRESSORS = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
    b"\xfd7zX": ["xz", "-dcq"],
    b"\x1f\x8b": ["gzip", "-dcq"],
    b"\x02\x21\x4c\x18": ["lz4", "-dcq"],
}


def unpack_kernel(image):
    """The ELF file in a bzImage."""
    start = (image[0x1f1] + 1) * SECTOR
    offset, size = struct.unpack_from("<II", image, 0x248)
    payload = image[start + offset:start + offset + size]
    for magic, command in COMPRESSORS.items():
        if payload.startswith(magic):
            # Four bytes behind the data say how much comes out.
            run = subprocess.run(command, input=payload[:-4], check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if run.stdout.startswith(b"\x7fELF"):
                return run.stdout
    raise LabError("the host's kernel is compressed in a way that the lab does not know")


def write_segments(elf, out):
    """The loadable segments to OUT; their extents there, the entry and the end."""
    entry, table = struct.unpack_from("<QQ", elf, 24)
    count, = struct.unpack_from("<H", elf, 56)
    extents = []
    lba = end = 0
    for i in range(count):
        kind, _, offset, _, address, size, memory, _ = \
            struct.unpack_from("<IIQQQQQQ", elf, table + i * 56)
        if kind != 1:  # PT_LOAD
            continue
        sectors = -(-size // SECTOR)
        out.seek(lba * SECTOR)
        out.write(elf[offset:offset + size])
        extents.append((lba, sectors, address))
        lba += sectors
        end = max(end, address + memory)
    out.truncate(lba * SECTOR)
    return {"extents": extents, "entry": entry & 0x3fffffff, "end": end}


class KernelImage:
    """The host's kernel unpacked, in the cache: the second disk."""

    def __init__(self, host):
        vmlinuz = os.path.join(host.dir, "vmlinuz")
        with open(vmlinuz, "rb") as f:
            image = f.read()
        self.header = image[0x1f1:0x202 + image[0x201]]
        with open(__file__, "rb") as f:
            key = hashlib.sha256(image + f.read()).hexdigest()[:16]
        folder = os.path.join(cache_dir(), "bochs")
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, f"kernel-{key}.img")
        try:
            with open(self.path + ".json", encoding="ascii") as f:
                layout = json.load(f)
        except FileNotFoundError:
            layout = self.make(host, image)
        self.extents = [tuple(e) for e in layout["extents"]]
        self.entry = layout["entry"]
        self.end = layout["end"]

    def make(self, host, image):
        elf = None
        if host.image.endswith("vmlinux"):
            with open(host.image, "rb") as f:
                elf = f.read()
        fd, new = tempfile.mkstemp(dir=os.path.dirname(self.path))
        with open(fd, "wb") as out:
            layout = write_segments(elf or unpack_kernel(image), out)
        os.rename(new, self.path)
        fd, new = tempfile.mkstemp(dir=os.path.dirname(self.path))
        with open(fd, "w", encoding="ascii") as out:
            json.dump(layout, out)
        os.rename(new, self.path + ".json")
        return layout


def boot_sector(folder):
    """boot.S assembled."""
    path = os.path.join(folder, "boot")
    run = subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-o", path,
                          "-Wl,-Ttext=0x7c00,-N,--oformat=binary,--build-id=none",
                          os.path.join(LAB, "boot.S")], check=False, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        raise LabError(f"boot.S does not assemble (run tests/lab/setup): {run.stdout}")
    with open(path, "rb") as f:
        return f.read()


def boot_params(kernel, initrd_address, initrd_size):
    """struct boot_params of Linux, as its boot protocol wants it filled."""
    page = bytearray(4096)
    page[0x1f1:0x1f1 + len(kernel.header)] = kernel.header
    page[0x210] = 0xff  # an unknown loader
    struct.pack_into("<II", page, 0x218, initrd_address, initrd_size)
    struct.pack_into("<I", page, 0x228, CMDLINE)
    return page


class Watch:
    """A file descriptor that becomes readable when a file was written to."""

    IN_MODIFY = 2

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, path.encode(), self.IN_MODIFY) < 0:
            raise LabError(f"inotify: {os.strerror(ctypes.get_errno())}")

    def clear(self):
        try:
            os.read(self.fd, 65536)
        except BlockingIOError:
            pass


class Bochs:
    NAME = "Bochs"
    KVM_MODULE = "kvm_intel"
    # A second processor halves the speed of the first one: Bochs runs them in
    # turns on one thread.
    CPUS = 1
    MEMORY = 2048
    BOOT_LIMIT = {"stock": 600, "debug": 2400}
    BOOT_LIMIT_PER_CPU = 120
    SILENCE_LIMIT = {"stock": 180, "debug": 600}
    POWER_OFF = 60
    MODEL = "corei7_skylake_x"
    # If an interrupt of the host's comes while RFLAGS.IF is clear in the guest, a
    # pending virtual interrupt is delivered to it (2.7, cpu/event.cc,
    # InterruptAcknowledge()): guests hang sooner or later.
    MODULE_PARAMS = ("apicv=0",)
    READY = ""
    first_cpu = 0
    # The first channel is the lab's own, and a kernel without ATA_FORCE looks at it.
    SWAP_ON = ("modprobe -a ata_piix sd_mod\n"
               "swap=\n"
               "while [ -z \"$swap\" ]; do\n"
               "	sleep 0.1\n"
               "	for d in /sys/block/sd*; do\n"
               "		[ \"$(cat $d/size 2>/dev/null)\" != SECTORS ] || swap=/dev/${d##*/}\n"
               "	done\n"
               "done\n"
               "busybox mkswap $swap >/dev/null; swapon $swap\n")

    def __init__(self, args, host):
        if args.iommu != "none":
            raise LabError("--iommu: Bochs has none; it takes --cpu svm")
        self.args = args
        self.host = host
        self.folder = None
        self.process = None
        self.thread = None
        self.port = None
        self.disk = None
        self.watch = None
        self.log = None
        self.terminal = None
        self.bell = None
        self.output = b""
        self.messages = None
        self.seq = 0
        self.pending = bytearray()
        self.root = ninep.Server(b"/", MAX_DATA)

    def command_line(self):
        words = ["console=ttyS0", "loglevel=5", "panic=0", "oops=panic", "unknown_nmi_panic",
                 "nokaslr", "rdinit=/init", "lab.relay", "nmi_watchdog=0",
                 # The model's CPUID names the clock of the processor that it
                 # was taken from.
                 "tsc=reliable", f"tsc_early_khz={IPS // 1000}", "no_timer_check",
                 # CPUID is wrong about the size of the compacted form, and Linux
                 # would go without XSAVE.
                 "clearcpuid=xsaves,xsavec",
                 "cryptomgr.notests", "initcall_blacklist=" + ",".join(SKIPPED)]
        if self.args.cpus == 1:
            words.append("nosmp")
        if self.args.swap:
            words.append("libata.force=1:disable")
        return " ".join(words + self.args.append).encode()

    def make_disk(self, kernel, initrd):
        size = os.path.getsize(initrd)
        address = -(-kernel.end // (16 << 20)) * (16 << 20)
        if address + size > self.args.memory << 20:
            raise LabError(f"--memory {self.args.memory}: too little for this kernel")
        rows = [(lba, sectors, to, 0xf0) for lba, sectors, to in kernel.extents]
        params_end = 1 + 24
        rows.append((params_end, -(-size // SECTOR), address, 0xe0))
        rows.append((0, 0, kernel.entry, 0))
        line = self.command_line()
        if len(line) > 2047:
            raise LabError("the host kernel's command line is too long")
        path = os.path.join(self.folder, "disk")
        with open(path, "wb") as f:
            f.write(boot_sector(self.folder))
            f.write(boot_params(kernel, address, size))
            f.write(line.ljust(4096, b"\0"))
            f.write(b"".join(struct.pack("<IIII", *row) for row in rows).ljust(4096, b"\0"))
            f.seek(params_end * SECTOR)
            with open(initrd, "rb") as source:
                shutil.copyfileobj(source, f)
            if f.tell() > CALL:
                raise LabError("the initramfs is larger than its place on the disk")
            f.truncate(DISK_SIZE)
        with open(path, "r+b") as f:
            self.disk = mmap.mmap(f.fileno(), DISK_SIZE)
        self.watch = Watch(path)

    def configure(self, kernel, log, bell):
        args = self.args
        os.symlink(kernel.path, os.path.join(self.folder, "kernel"))
        lines = [
            "config_interface: textconfig",
            "display_library: term",
            "romimage: file=/usr/share/bochs/BIOS-bochs-latest",
            "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest",
            f"cpu: model={args.cpu_model or self.MODEL}, count={args.cpus}, ips={IPS}, "
            "ignore_bad_msrs=1, reset_on_triple_fault=0",
            f"memory: guest={args.memory}, host={min(args.memory, 2048)}",
            "clock: sync=none, time0=1700000000" if args.icount else "clock: sync=none",
            "boot: disk",
            "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
            f"ata0-master: type=disk, path={self.folder}/disk, mode=flat, "
            f"cylinders={DISK_SIZE // SECTOR // 63 // 16}, heads=16, spt=63, translation=lba",
            # All hosts share the file in the cache: what one writes is not to get there
            f"ata0-slave: type=disk, path={self.folder}/kernel, mode=volatile, "
            f"journal={self.folder}/kernel.redolog",
            f"com1: enabled=1, mode=file, dev={log}",
            f"com2: enabled=1, mode=term, dev={bell}",
            f"log: {self.folder}/messages",
            "panic: action=fatal",
            "error: action=ignore",
            "info: action=ignore",
            "debug: action=ignore",
        ]
        if args.swap:
            swap = os.path.join(self.folder, "swap")
            with open(swap, "wb") as f:
                f.truncate(args.swap << 20)
            lines += ["ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15",
                      f"ata1-master: type=disk, path={swap}, mode=flat"]
        path = os.path.join(self.folder, "bochsrc")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines + args.emulator_arg) + "\n")
        # Debian's Bochs has the debugger built in, which wants to be told to go.
        with open(os.path.join(self.folder, "debugger"), "w", encoding="ascii") as f:
            f.write("c\n")
        return ["bochs-bin", "-q", "-f", path, "-rc", os.path.join(self.folder, "debugger")]

    def start(self, remote, log):
        """Boots the host; its port is REMOTE, the kernel's log goes to LOG."""
        kernel = KernelImage(self.host)
        initrd = kernels("initrd", self.host.dir, "relay")
        self.folder = tempfile.mkdtemp(prefix="hvmon-lab-", dir="/var/tmp")
        self.make_disk(kernel, initrd)
        self.bell, bell_slave = pty.openpty()
        self.terminal, slave = pty.openpty()
        messages = os.path.join(self.folder, "messages")
        with open(log, "w", encoding="ascii"), open(messages, "w", encoding="ascii"):
            argv = self.configure(kernel, log, os.ttyname(bell_slave))
        try:
            self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                            env=dict(os.environ, TERM="vt100"),
                                            preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise LabError("Bochs is missing: run tests/lab/setup") from None
        os.close(slave)
        self.port = remote
        self.log = log
        self.messages = open(messages, errors="replace")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        """Answers the host until Bochs ends."""
        ended = os.pidfd_open(self.process.pid)
        looked = 0
        try:
            while True:
                take = len(self.pending) < 1 << 16
                readers = [ended, self.watch.fd, self.terminal, self.bell]
                r, _, _ = select.select(readers + ([self.port] if take else []), [], [], 1)
                if self.watch.fd in r:
                    self.watch.clear()
                    self.take_call()
                if self.port in r:
                    data = self.port.recv(1 << 16)
                    if not data:
                        return
                    if not self.pending:
                        os.write(self.bell, b"!")
                    self.pending += data
                if self.terminal in r:
                    self.output += os.read(self.terminal, 1 << 16)
                if self.bell in r:
                    os.read(self.bell, 1 << 16)
                now = time.monotonic()
                if now - looked > 1:
                    looked = now
                    if self.panicked():
                        return
                if ended in r:
                    return
        except OSError:
            pass
        finally:
            os.close(ended)
            self.port.close()

    def panicked(self):
        """A host that panicked stays, so that its log is complete."""
        with open(self.log, "rb") as f:
            f.seek(max(0, os.path.getsize(self.log) - 4096))
            return b"end Kernel panic" in f.read()

    def take_call(self):
        seq, op, size, most = struct.unpack_from("<IIII", self.disk, CALL)
        if seq == self.seq or not seq:
            return
        if seq == 1 and self.seq:
            raise OSError("the host has started anew")
        self.seq = seq
        start = CALL + 16
        data = self.disk[start:start + min(size, MAX_DATA)]
        answer = b""
        if op == ord("h"):
            # Should the host reset itself, it finds nothing to boot, and Bochs
            # ends. All files are open by now.
            self.disk[0:SECTOR] = bytes(SECTOR)
            shutil.rmtree(self.folder)
        elif op == ord("9"):
            answer = self.root.answer(data)
        elif op == ord("f"):
            self.port.sendall(data)
        elif op == ord("g"):
            answer = bytes(self.pending[:most])
            del self.pending[:most]
        self.disk[ANSWER + 16:ANSWER + 16 + len(answer)] = answer
        struct.pack_into("<II", self.disk, ANSWER + 4, len(answer), bool(self.pending))
        # The number last: the host looks for it.
        struct.pack_into("<I", self.disk, ANSWER, seq)

    def gone(self):
        """After the port was closed: what the emulator said, or LabError."""
        self.end(1)
        self.thread.join()
        self.messages.seek(0)
        text = self.messages.read() + self.output.decode(errors="replace").replace("\r", "")
        said = "; ".join(re.findall(r">>PANIC<< (.*)$", text, re.MULTILINE))
        if not os.path.getsize(self.log):
            wrong = re.findall(r"bochsrc:\d+: (wrong .*)$", text, re.MULTILINE)
            raise LabError("Bochs failed: " + ("; ".join([*wrong, said]) or text[-1000:]))
        return said

    def hung_boot(self, _log):
        return False

    def ask_where(self):
        """Have Bochs's debugger say in the log where a silent host hangs."""
        self.process.send_signal(signal.SIGINT)
        time.sleep(1)
        asked = len(self.output)
        os.write(self.terminal, b"creg\nprint-stack 24\nr\n")
        time.sleep(2)
        said = re.sub(rb"\r|\x1b\[[?0-9;]*[a-zA-Z]", b"", self.output[asked:])
        with open(self.log, "ab") as f:
            f.write(b"\nBochs's debugger about the last processor that ran:\n" + said)

    def end(self, wait):
        """Ends Bochs; WAIT seconds are for the host to power off by itself."""
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def clean(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
