"""What a test may leave behind: tasks still pending, sockets still open, complaints of the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import stat
from pathlib import Path
from typing import NamedTuple

FD_FOLDER = Path("/dev/fd")


class OpenSocket(NamedTuple):
    """A socket of this process; `inode` tells two sockets apart that had the same descriptor in turn."""

    fd: int
    inode: int

    def __str__(self) -> str:
        return f"fd {self.fd}: {_describe(self.fd)}"


def open_sockets() -> frozenset[OpenSocket]:
    """Every open socket of this process; where descriptors cannot be listed, those that Python objects hold."""
    if not FD_FOLDER.is_dir():
        return _sockets_of_objects()
    found = set()
    for entry in FD_FOLDER.iterdir():
        try:
            status = os.fstat(int(entry.name))
        except OSError:  # the descriptor that listed the folder is gone by now
            continue
        if stat.S_ISSOCK(status.st_mode):
            found.add(OpenSocket(int(entry.name), status.st_ino))
    return frozenset(found)


def pending_tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    """A line for each task of `loop` that is not done: its name and where it waits."""
    lines = []
    for task in asyncio.all_tasks(loop):
        frames = task.get_stack(limit=1)
        where = f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "not started"
        lines.append(f"{task.get_name()} {getattr(task.get_coro(), '__qualname__', '')} at {where}")
    return sorted(lines)


class LoopComplaints(logging.Handler):
    """Keeps what event loops log as errors: exceptions nobody retrieved, tasks destroyed while pending."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        error = record.exc_info[1] if record.exc_info else None
        self._lines.append(record.getMessage().partition("\n")[0] + (f": {error!r}" if error else ""))

    def take(self) -> list[str]:
        """The complaints since the last call."""
        lines, self._lines = self._lines, []
        return lines


def _describe(fd: int) -> str:
    try:
        with socket.socket(fileno=os.dup(fd)) as twin:
            peer = ""
            with contextlib.suppress(OSError):
                peer = f", peer {twin.getpeername()}"
            return f"{twin.family.name} {twin.type.name} at {twin.getsockname()}{peer}"
    except OSError as error:
        return f"no details ({error})"


def _sockets_of_objects() -> frozenset[OpenSocket]:
    sockets = (thing for thing in gc.get_objects() if issubclass(type(thing), socket.socket))
    return frozenset(OpenSocket(s.fileno(), id(s)) for s in sockets if s.fileno() != -1)
