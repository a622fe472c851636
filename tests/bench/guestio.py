# SPDX-License-Identifier: GPL-2.0
"""A guest's disk and network under hvmon, under KVM with QEMU and with kvmtool.

The part of ./run that measures these; Documentation/performance.rst says how.
"""

import os
import shutil
import subprocess
import sys
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))

# units: in the row's amount of work, which ./io-guest.sh knows
Row = namedtuple("Row", "name title units unit", defaults=("MiB",))
# Measured in every guest before the others, the host's instructions alone
BOOT_ROWS = [
    Row("start", "the monitor starts: to the first VMRUN", 1, "boot"),
    Row("boot", "Debian boots to init: from #VMEXIT to VMRUN", 1, "boot"),
]
ROWS = [
    *BOOT_ROWS,
    Row("fio_randread", "fio, 4 KiB random reads, 16 at a time", 24),
    Row("fio_randwrite", "fio, 4 KiB random writes, 16 at a time", 24),
    Row("fio_read", "fio, 1 MiB sequential reads, 4 at a time", 1024),
    Row("fio_write", "fio, 1 MiB sequential writes, 4 at a time", 1024),
    Row("iperf_to_host", "iperf3, from the guest to the host", 128),
    Row("iperf_to_guest", "iperf3, from the host to the guest", 128),
    Row("ping", "ping, one after the other", 500, "ping"),
]
NAMES = [row.name for row in ROWS]

# The emulated processor is some ten times slower than one. The spans of time in which
# its host leaves a thread or a guest alone are longer by that, here and in ./io-host
SLOW = 10

PEERS = ("qemu", "kvmtool")
TITLES = {"hvmon": "hvmon", "qemu": "KVM, QEMU", "kvmtool": "KVM, kvmtool"}
COUNTS = ("instructions", "exits", "interrupts")


class IoError(Exception):
    """What keeps the rows from being measured, in one line."""


def hvmon_run(build):
    return os.path.join(build, "bin", "hvmon-run")


def programs(build):
    """Where each monitor is; one that is not there is left out."""
    found = {"hvmon": hvmon_run(build),
             "qemu": shutil.which("qemu-system-x86_64")}
    kvmtool = os.environ.get("KVMTOOL")
    if kvmtool:
        if not os.access(kvmtool, os.X_OK) or os.path.isdir(kvmtool):
            raise IoError(f"KVMTOOL={kvmtool}: no such program; it is the lkvm of kvmtool")
        found["kvmtool"] = os.path.abspath(kvmtool)
    return found


def guest(build, rows):
    """The guest's kernel and initramfs, with fio, iperf3 and what they need, if ROWS do."""
    tools = []
    if set(rows) - set(BOOT_ROWS):
        subprocess.run([os.path.join(REPO, "tests/lab/setup"), "bench"], check=True)
        tools = ["--copy", "/usr/bin/fio", "--copy", "/usr/bin/iperf3"]
    folder = subprocess.run([os.path.join(REPO, "tests/lab/kernels"), "get", "6.12"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    image = os.path.join(build, "bench", "io.cpio" if tools else "boot.cpio")
    subprocess.run([os.path.join(REPO, "tests/guests/initrd"), "demo",
                    "--script", os.path.join(HERE, "io-guest.sh"),
                    "--modules", folder + ":virtio_blk,virtio_net",
                    *tools, "--copy", os.path.join(build, "bench", "count"),
                    "--out", image], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "vmlinuz"), image


MARKS = 7       # of a row: after the warm-up, then three times after once and thrice the work


def twice(marks):
    """What twice the work costs, by such marks: the least of three less that of once."""
    runs = [after - before for before, after in zip(marks, marks[1:])]
    return min(runs[1::2]) - min(runs[::2])


def read_marks(path):
    """What insns.c has written of each mark."""
    with open(path, encoding="ascii") as f:
        return [[int(n) for n in line.split()] for line in f]


def boot(before, after):
    """The rows of a guest that was started and has booted between two marks."""
    executed, guest_part, exits = (b - a for a, b in zip(before, after[:3]))
    start = after[3] - before[0]
    return {"start": {"instructions": start},
            "boot": {"instructions": executed - guest_part - start, "exits": exits}}


def measure(build, monitor, program, guest_files, rows, say):
    """{row: {count: per unit}} in a lab host of its own, and whether all went well."""
    marks = os.path.join(build, "bench", f"marks-{monitor}")
    guest_rows = [row.name for row in rows if row not in BOOT_ROWS]
    # A host that does not start leaves none
    if os.path.exists(marks):
        os.remove(marks)
    args = [os.path.join(REPO, "tests/lab/lab"), "--cpus", "1", "--memory", "2048",
            "--timeout", "900", "--hypervisor", "hvmon" if monitor == "hvmon" else "kvm",
            "--file", program, "--emulator-arg=-plugin",
            "--emulator-arg=" + os.path.join(build, "bench/insns.so") + ",out=" + marks]
    if monitor == "hvmon":
        args += ["--module-param", f"defer_us={50 * SLOW}"]
    if os.environ.get("MITIGATIONS"):
        args += ["--append", "mitigations=" + os.environ["MITIGATIONS"]]
    run = subprocess.run([*args, "--", os.path.join(HERE, "io-host"), monitor, program,
                          *guest_files, *guest_rows], check=False,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    seen, figures = read_marks(marks) if os.path.exists(marks) else [], {}
    if len(seen) > 1:
        figures = boot(*seen[:2])
    executed = [mark[0] for mark in seen[2:]]
    for i, line in enumerate(run.stdout.splitlines()):
        name, *values = line.split()
        row = next(r for r in rows if r.name == name)
        values = [twice(executed[MARKS * i:MARKS * (i + 1)]), *values]
        figures[name] = {count: int(value) / (2 * row.units)
                         for count, value in zip(COUNTS, values)}
    if run.returncode:
        sys.stderr.write(run.stderr)
        say(f"{TITLES[monitor]} failed with status {run.returncode}, without "
            + " ".join(row.name for row in rows if row.name not in figures))
    return figures, not run.returncode


def measure_boot(build, say):
    """The boot's rows under hvmon alone, with a guest of 9 MiB."""
    figures, good = measure(build, "hvmon", hvmon_run(build), guest(build, BOOT_ROWS),
                            BOOT_ROWS, say)
    if not good or not figures:
        raise IoError("a guest under hvmon did not boot to its init")
    return figures


def compare(build, rows, say):
    """A dictionary for each row, with what each monitor gave, and whether all went well."""
    found = programs(build)
    guest_files = guest(build, rows)
    figures, good = {}, True
    for monitor, program in found.items():
        say(f"a guest's disk and network: {TITLES[monitor]} on AMD-V (QEMU)")
        figures[monitor], well = measure(build, monitor, program, guest_files, rows, say)
        good = good and well
    results = []
    for row in rows:
        result = {"row": row.name, "title": row.title, "per": row.unit, "ratio": {}}
        for monitor in ("hvmon", *PEERS):
            result[monitor] = figures.get(monitor, {}).get(row.name)
        for peer in PEERS:
            if result["hvmon"] and result[peer]:
                result["ratio"][peer] = (result["hvmon"]["instructions"]
                                         / result[peer]["instructions"])
        results.append(result)
    return results, good


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def print_table(results):
    """Ratios are hvmon's instructions over the peer's: as good or better up to 1.00."""
    print("\nA guest's disk and network, AMD-V (QEMU): thousands of instructions, exits and "
          "interrupts\nper MiB, or per ping; of the boot, the host's alone. Of hvmon, QEMU, "
          "kvmtool each")
    line = "| {:14} | {:>8} | {:>8} | {:>8} | {:>6} | {:>7} | {:>22} | {:>17} |"
    print(line.format("row", "hvmon", "QEMU", "kvmtool", "/ QEMU", "/ kvmt.", "exits",
                      "interrupts"))
    print(line.format(*("-" * n for n in (14, 8, 8, 8, 6, 7, 22, 17))))
    for r in results:
        def of(monitor, count, scale=1, r=r):
            return number(r[monitor][count] / scale) if count in (r[monitor] or {}) else "-"

        def ratio(peer, r=r):
            return f"{r['ratio'][peer]:.2f}" if peer in r["ratio"] else "-"

        print(line.format(r["row"], *(of(m, "instructions", 1000) for m in ("hvmon", *PEERS)),
                          ratio("qemu"), ratio("kvmtool"),
                          *(", ".join(of(m, count) for m in ("hvmon", *PEERS))
                            for count in ("exits", "interrupts"))))
    sys.stdout.flush()
