"""The one marked place for calls that are not the same on every system."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def install_stop(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C and on a request to end (SIGTERM, or SIGBREAK on Windows)."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    for number in [getattr(signal, name) for name in names if hasattr(signal, name)]:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows loops
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


_PARENT = "SERENO_PARENT"
_SET_PARENT_DEATH_SIGNAL = 1
"""Of prctl."""


def tied_to_this_process() -> dict[str, str]:
    """What a child is told in its environment, so that `end_with_parent` knows whose end is meant."""
    return {_PARENT: str(os.getpid())}


def end_with_parent() -> bool:
    """Have the system kill this process when the one that tied it to itself ends, even while it is stopped. On Linux.

    False where it cannot, and where nothing tied it or whoever did is not its parent (any more). What the system
    watches is the parent's thread that started it: that of an event loop, for a process that a loop starts.
    """
    parent = os.environ.get(_PARENT, "")
    if sys.platform != "linux" or parent != str(os.getppid()):
        return False
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None or prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        return False
    if os.getppid() != int(parent):  # it ended meanwhile, too early for the signal
        os.kill(os.getpid(), signal.SIGKILL)
    return True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it replaces the old one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def notify_service_manager(state: str) -> None:
    """Tell systemd (READY=1, WATCHDOG=1, STOPPING=1); nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(state.encode(), address)
        except OSError:
            return


def watchdog_interval() -> float | None:
    """Seconds between WATCHDOG=1 messages that the service manager asks for, halved; None = none asked."""
    asked = os.environ.get("WATCHDOG_USEC", "")
    return int(asked) / 2e6 if asked.isdigit() else None


def open_files_limit(wanted: int = 20_000) -> int:
    """Raise this process's limit of open files as far as allowed; returns the limit (0 = unknown)."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return max(soft, target)


def has_desktop() -> bool:
    """True if a browser window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def load_average() -> list[float] | None:
    """Of the machine over 1, 5 and 15 minutes; None where the system has none."""
    if not hasattr(os, "getloadavg"):
        return None
    try:
        return [round(one, 2) for one in os.getloadavg()]
    except OSError:
        return None


def process_memory() -> tuple[int | None, int | None]:
    """Bytes that this process holds in memory, and its peak; None where the system does not tell."""
    if sys.platform == "win32":
        return None, None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None, peak
    return pages * resource.getpagesize(), peak


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Of mallopt in glibc. Left alone, both follow the largest block ever freed: what a password hash took stays taken."""


def give_memory_back() -> bool:
    """From now on freed blocks of 16 MiB and more go back to the system, and what is free at the top of the heap.

    True where the C library can (glibc).
    """
    if sys.platform != "linux":
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 16 << 20)) and bool(mallopt(_TRIM_THRESHOLD, 4 << 20))


def host_memory() -> tuple[int | None, int | None]:
    """Bytes of memory of the machine, and how many are free for programs; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    except (OSError, ValueError, IndexError):
        return None, None
    return found.get("MemTotal"), found.get("MemAvailable")


@dataclass(frozen=True, slots=True)
class HostClock:
    """What the system says of its clock: kept right by a time service or not (None = it does not say), and the most
    that it may be wrong by, in seconds.
    """

    synchronised: bool | None = None
    max_error: float = 0.0


_TIMEX = struct.Struct("@IqqqqiqqqQQQqqqiqqqqqi")
"""Linux' struct timex up to `tai`, where long has 64 bits; behind it are 44 bytes that are not used."""
_UNSYNCHRONISED = 0x40


def host_clock() -> HostClock:
    """The state of this machine's clock, from the kernel on 64-bit Linux; unknown elsewhere."""
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return HostClock()
    import ctypes

    buffer = ctypes.create_string_buffer(_TIMEX.size + 64)
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return HostClock()
    if answer < 0:
        return HostClock()
    fields = _TIMEX.unpack_from(buffer.raw)
    return HostClock(not fields[5] & _UNSYNCHRONISED, fields[3] / 1e6)
