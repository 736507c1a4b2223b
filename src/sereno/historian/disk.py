"""The disk as the historian uses it. Injected, so that tests can make it fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO, Protocol

_sync_data = getattr(os, "fdatasync", os.fsync)


class AppendFile(Protocol):
    """A file that only grows."""

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end. Raises OSError."""

    def sync(self) -> None:
        """Return when everything appended is on the disk. Raises OSError; then the file is not to be trusted."""

    def close(self) -> None:
        """Close without syncing."""


class Disk(Protocol):
    """What the historian asks of a disk. Everything raises OSError."""

    def create(self, path: Path) -> AppendFile:
        """A new file; FileExistsError if there is one."""

    def extend(self, path: Path) -> AppendFile:
        """An existing or new file, appended to."""

    def sync_folder(self, path: Path) -> None:
        """Make the names in the folder durable."""

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        """Up to `size` bytes from `offset` (-1 = to the end)."""

    def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file: a temporary name, sync, rename, sync of the folder."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name; one that has it already is gone. Durable after `sync_folder`."""

    def truncate(self, path: Path, size: int) -> None:
        """Cut the file and sync it."""

    def remove(self, path: Path) -> None:
        """Delete; no error if it is gone."""

    def free(self, folder: Path) -> int:
        """Bytes that may still be written in the file system of a folder."""


class _SystemFile:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            view = view[written:]

    def sync(self) -> None:
        _sync_data(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class SystemDisk:
    """The machine's file system."""

    def create(self, path: Path) -> AppendFile:
        """See Disk."""
        return _SystemFile(path.open("xb", buffering=0))

    def extend(self, path: Path) -> AppendFile:
        """See Disk."""
        return _SystemFile(path.open("ab", buffering=0))

    def sync_folder(self, path: Path) -> None:
        """See Disk. Where folders cannot be opened (Windows) the file system orders names itself."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        """See Disk."""
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read() if size < 0 else _read_up_to(file, size)

    def replace(self, path: Path, data: bytes) -> None:
        """See Disk."""
        temporary = path.with_name(path.name + ".tmp")
        self.remove(temporary)
        file = self.create(temporary)
        try:
            file.append(data)
            file.sync()
        finally:
            file.close()
        self.rename(temporary, path)
        self.sync_folder(path.parent)

    def rename(self, source: Path, target: Path) -> None:
        """See Disk."""
        source.replace(target)

    def truncate(self, path: Path, size: int) -> None:
        """See Disk."""
        with path.open("r+b", buffering=0) as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def remove(self, path: Path) -> None:
        """See Disk."""
        path.unlink(missing_ok=True)

    def free(self, folder: Path) -> int:
        """See Disk."""
        return shutil.disk_usage(folder).free


def _read_up_to(file: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
