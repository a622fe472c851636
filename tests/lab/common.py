# SPDX-License-Identifier: GPL-2.0
"""What the lab and its emulators share."""

import ctypes
import os
import signal
import subprocess

LAB = os.path.dirname(os.path.realpath(__file__))


class LabError(Exception):
    """The lab cannot do what it was asked for."""


def kernels(*argv):
    """One line from tests/lab/kernels, whose progress is shown."""
    run = subprocess.run([os.path.join(LAB, "kernels"), *argv], check=False,
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if run.returncode:
        raise LabError(f"no kernel: kernels {' '.join(argv)} failed")
    return run.stdout.strip()


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("HVMON_CACHE") or os.path.join(base, "hvmon")


def die_with_parent():
    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
