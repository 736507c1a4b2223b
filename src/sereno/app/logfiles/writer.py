"""LogFiles: lines appended to the last of the log files, and a new one begun by size and time."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sereno.model import Clock, OperationError

from .names import log_file, numbers_in


@dataclass(frozen=True, slots=True)
class LogRules:
    """When a new file is begun: `max_bytes` are reached, or `every` seconds (whole periods of UTC) are over.

    `keep` = so many of the last files stay, 0 = all.
    """

    max_bytes: int = 16 << 20
    every: float = 86400.0
    keep: int = 64


class LogFiles:
    """Writes whole lines, from any thread. A file once left is never touched again, until it is one too many.

    What the disk refuses is counted, and said in the files as soon as it takes lines again.
    """

    def __init__(self, folder: Path, clock: Clock, rules: LogRules | None = None) -> None:
        self.folder = folder
        self.rules = rules or LogRules()
        self.lost = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._fd = -1
        self._number = 0
        self._size = 0
        self._period = 0
        self._torn = False

    def __enter__(self) -> Self:
        """Open or make the folder. Raises OperationError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._go_on()
        except OSError as error:
            raise OperationError(
                f"cannot write logs into {self.folder}: {error.strerror}; choose a data folder that can be written"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            fd, self._fd = self._fd, -1
            _put_by(fd)

    def write(self, line: str) -> None:
        """Append a line; `line` comes without its end. Never raises for the disk."""
        data = line.replace("\n", "\\n").encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._fd < 0:
                return
            try:
                if self._is_full(len(data)):
                    with suppress(OSError):
                        self._begin()
                self._tell_lost()
                self._append(data)
            except OSError:
                self.lost += 1

    def _is_full(self, more: int) -> bool:
        over = self._size > 0 and self._size + more > self.rules.max_bytes
        return over or (self._size > 0 and self._now_period() != self._period)

    def _tell_lost(self) -> None:
        if self.lost:
            words = {"level": "error", "event": "the disk took no log lines", "lost": self.lost}
            self._append(json.dumps(words).encode() + b"\n")
            self.lost = 0

    def _append(self, data: bytes) -> None:
        rest = b"\n" + data if self._torn else data
        self._torn = True
        while rest:
            done = os.write(self._fd, rest)
            self._size += done
            rest = rest[done:]
        self._torn = False

    def _go_on(self) -> None:
        """Go on with the last file, whose last line may be torn, or begin the first."""
        known = numbers_in(self.folder)
        self._number = known[-1] if known else 0
        if not known:
            self._begin()
            return
        path = log_file(self.folder, self._number)
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND)
        status = os.fstat(self._fd)
        self._size, self._period = status.st_size, int(status.st_mtime // self.rules.every)
        if self._size:
            os.lseek(self._fd, self._size - 1, os.SEEK_SET)
            self._torn = os.read(self._fd, 1) != b"\n"

    def _begin(self) -> None:
        """A new file; on an error the old one is gone on with."""
        number = self._number + 1
        while True:
            try:
                fd = os.open(log_file(self.folder, number), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
                break
            except FileExistsError:
                number += 1
        left, self._fd, self._number, self._size, self._torn = self._fd, fd, number, 0, False
        self._period = self._now_period()
        _put_by(left)
        self._clear()

    def _clear(self) -> None:
        if self.rules.keep:
            for number in numbers_in(self.folder)[: -self.rules.keep]:
                log_file(self.folder, number).unlink(missing_ok=True)

    def _now_period(self) -> int:
        return int(self._clock.wall_ns() / 1e9 // self.rules.every)


def _put_by(fd: int) -> None:
    """Close a file that is left. Where the disk does not take it nothing can be done: its lines are not had again."""
    if fd >= 0:
        with suppress(OSError):
            os.fsync(fd)
        with suppress(OSError):
            os.close(fd)
