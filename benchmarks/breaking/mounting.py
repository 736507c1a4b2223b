"""A real victim on a file system that notes every call: real processes, real system calls, power cuts at will."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .journal import Event

HERE = Path(__file__).parent
HISTORY = Path("/history")
_PATIENCE = 120.0


def why_not() -> str:
    """Why no file system can be mounted here; empty if one can."""
    if find_spec("mfusepy") is None:
        return "the package mfusepy is not installed"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error.strerror}"
    return "" if shutil.which("fusermount") or os.geteuid() == 0 else "fusermount is not installed"


def recorded(folder: Path, batches: int, defect: str) -> list[Event]:
    """Every call of two starts of a victim, which is killed each time, and the numbers it was told to be durable."""
    journal = folder / "journal"
    with mounted(folder / "mount", folder / "backing", journal) as mount:
        first = 0
        for count in (batches // 2, batches - batches // 2):
            first = run_victim(mount, first, count, defect) + 1
    events: list[Event] = pickle.loads(journal.read_bytes())
    return events


@contextlib.contextmanager
def mounted(mount: Path, backing: Path, journal: Path) -> Iterator[Path]:
    """The file system as a process of its own; its journal is whole at the end."""
    mount.mkdir()
    backing.mkdir()
    command = [sys.executable, str(HERE / "cutfs.py"), str(mount), str(backing), str(journal)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as system:
        assert system.stdin is not None
        try:
            wait(lambda: os.path.ismount(mount) or system.poll() is not None)
            if system.poll() is not None:
                raise RuntimeError("the file system could not be mounted")
            yield mount
        finally:
            system.stdin.close()
            system.wait(_PATIENCE)


def run_victim(mount: Path, first: int, count: int, defect: str) -> int:
    """Let a victim record until `count` numbers more are durable, then kill it; the last of them."""
    command = [sys.executable, str(HERE / "victim.py"), str(mount / "history"), str(first), defect, "10"]
    with (
        (mount / "acks").open("ab", buffering=0) as acks,
        subprocess.Popen(command, stdout=acks, stderr=subprocess.DEVNULL, start_new_session=True) as victim,
    ):
        try:
            wait(lambda: last_told(mount) >= first + count or victim.poll() is not None)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(victim.pid, signal.SIGKILL)
    return last_told(mount)


def last_told(mount: Path) -> int:
    """The last number that was told to be durable."""
    numbers = [int(line) for line in (mount / "acks").read_bytes().split() if line.isdigit()]
    return max(numbers, default=-1)


def wait(condition) -> None:  # type: ignore[no-untyped-def]
    """Until the condition holds. Raises TimeoutError after two minutes."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the victim does not get on")
        time.sleep(0.05)
