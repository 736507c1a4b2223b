"""One writer per folder. The only file here that asks which system it runs on."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from sereno.model import OperationError

if sys.platform == "win32":
    import msvcrt

    def _take(file: BinaryIO) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_BYTE = 1 << 30
"""Beyond the text, so that the holder's number stays readable on Windows."""


class FolderLock:
    """An exclusive lock on a folder, freed by the system when the process ends in whatever way."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Take the lock. Raises OperationError, naming the holder, if another historian has it."""
        file = self.path.open("a+b", buffering=0)
        try:
            _take(file)
        except OSError as error:
            file.seek(0)
            holder = file.read(32).decode("ascii", "replace").strip() or "?"
            file.close()
            raise OperationError(
                f"{self.path.parent} is in use by process {holder}: "
                "one historian per folder; stop that one or choose another folder"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Free the lock. May be called twice."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
