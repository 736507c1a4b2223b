# ruff: noqa: ARG002 - the arguments are the kernel's
"""A FUSE file system that notes every call, so that a power cut can be had at any of them (see journal.image).

`python cutfs.py MOUNT BACKING JOURNAL`: what is under MOUNT is kept in the folder BACKING; when it is unmounted the
events are in the file JOURNAL, pickled. A line that is written to `/acks` is a number that was told to be durable: it
stands among the events where it was told. Nothing is really synced: what a sync means is decided by `image`.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mfusepy as fuse

ACKS = "/acks"
_STAT = ("st_ctime_ns", "st_gid", "st_mode", "st_mtime_ns", "st_atime_ns", "st_nlink", "st_size", "st_uid")


@dataclass
class _Names:
    """Numbers of the files that names stand for, and of what is open."""

    inodes: dict[str, int] = field(default_factory=dict)
    opened: dict[int, int] = field(default_factory=dict)
    last: int = 0


class CutFileSystem(fuse.Operations):
    """Its methods have the arguments with which the kernel asks."""

    use_ns = True

    def __init__(self, backing: Path) -> None:
        self.events: list[tuple[object, ...]] = []
        self._backing = backing
        self._names = _Names()

    def _real(self, path: str) -> Path:
        return self._backing / path.lstrip("/")

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = self._real(path).lstat()
        return {name.removesuffix("_ns"): getattr(found, name) for name in _STAT}

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *(one.name for one in self._real(path).iterdir())]

    def mkdir(self, path: str, mode: int) -> int:
        self._real(path).mkdir(mode)
        return 0

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        handle = os.open(self._real(path), os.O_RDWR | os.O_CREAT, mode)
        self._names.last += 1
        self._names.inodes[path] = self._names.opened[handle] = self._names.last
        self.events.append(("create", Path(path), self._names.last))
        return handle

    def open(self, path: str, flags: int) -> int:
        handle = os.open(self._real(path), flags & ~(os.O_APPEND | os.O_CREAT | os.O_EXCL))
        self._names.opened[handle] = self._names.inodes[path]
        return handle

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        written = os.pwrite(fh, data, offset)
        if path == ACKS:
            self.events += [("ack", int(line)) for line in data.split() if line.isdigit()]
        else:
            self.events.append(("write", self._names.opened[fh], offset, bytes(data)))
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        os.truncate(self._real(path), length)
        self.events.append(("cut", self._names.inodes[path], length))
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self.events.append(("sync", self._names.opened[fh]))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self.events.append(("folder", Path(path)))
        return 0

    def release(self, path: str, fh: int) -> int:
        self._names.opened.pop(fh, None)
        os.close(fh)
        return 0

    def rename(self, old: str, new: str) -> int:
        self._real(old).rename(self._real(new))
        self._names.inodes[new] = self._names.inodes.pop(old)
        self.events.append(("rename", Path(old), Path(new)))
        return 0

    def unlink(self, path: str) -> int:
        self._real(path).unlink()
        self._names.inodes.pop(path)
        self.events.append(("remove", Path(path)))
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._backing)
        names = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_files", "f_ffree", "f_frsize", "f_namemax")
        return {name: getattr(found, name) for name in names}


def end_with_parent(mount: Path) -> None:
    """Unmount when standard input ends: whoever began this is gone, or wants the journal."""
    sys.stdin.buffer.read()
    tool = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount", "-u", "-z"]
    subprocess.run([*tool, str(mount)], check=False)


def main(mount: Path, backing: Path, journal: Path) -> None:
    system = CutFileSystem(backing)
    threading.Thread(target=end_with_parent, args=(mount,), daemon=True).start()
    fuse.FUSE(system, str(mount), foreground=True, nothreads=True, fsname="sereno-cut")
    journal.write_bytes(pickle.dumps(system.events))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
