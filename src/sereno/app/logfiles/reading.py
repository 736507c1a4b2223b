"""LogTail: every line of the log files in their order, also while they are written and new ones are begun."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from .names import log_file, numbers_in

PIECE = 1 << 20


class LogTail:
    """`lines` gives what has come since it was called last. `missed` = files cleared before they were read."""

    def __init__(self, folder: Path, first: int = 0) -> None:
        self.missed = 0
        self._folder = folder
        self._number = first - 1
        self._file: FileIO | None = None
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Whole lines, and the last one of a file that was left without an end."""
        while True:
            later = [number for number in numbers_in(self._folder) if number > self._number]
            yield from self._present()
            if not later:
                return
            if self._rest:
                yield self._rest.decode("utf-8", "replace")
            self._go_to(later)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _present(self) -> Iterator[str]:
        """Of the file that is open, to its end as it is now: the whole of it once a later one is there."""
        while self._file is not None and (data := self._file.read(PIECE)):
            *whole, self._rest = (self._rest + data).split(b"\n")
            for line in whole:
                if line:
                    yield line.decode("utf-8", "replace")

    def _go_to(self, later: list[int]) -> None:
        began, self._rest = self._number >= 0 and self._file is not None, b""
        self.close()
        for number in later:
            try:
                self._file = FileIO(log_file(self._folder, number), "r")
            except FileNotFoundError:
                continue  # cleared meanwhile
            if began:
                self.missed += number - self._number - 1
            self._number = number
            return
