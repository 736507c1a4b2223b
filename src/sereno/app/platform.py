"""The one marked place for calls that are not the same on every system."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path


def install_stop(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C and on a request to end (SIGTERM, or SIGBREAK on Windows)."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    for number in [getattr(signal, name) for name in names if hasattr(signal, name)]:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows loops
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


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
