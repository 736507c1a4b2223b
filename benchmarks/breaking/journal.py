"""A disk that writes down what it is asked, and what a power cut could leave of it at any moment.

What was synced is whole. Of what was not, each write is there, is zeros, is torn or is missing, whatever came after it
(later writes may have reached the disk before earlier ones), and each name is the old or the new one, unless its folder
was synced since.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sereno.historian.disk import AppendFile, SystemDisk

Event = tuple[object, ...]


class JournalDisk(SystemDisk):
    """The real disk, and the list of everything that was done to it: see `image`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._inode = 0

    def acknowledged(self, seq: int) -> None:
        """A number was told to be durable."""
        self.events.append(("ack", seq))

    def create(self, path: Path) -> AppendFile:
        file = super().create(path)
        self._inode += 1
        self.events.append(("create", path, self._inode))
        return _Noted(self.events, self._inode, file)

    def extend(self, path: Path) -> AppendFile:
        """Only for tags.jsonl, of which there is one inode."""
        if not path.exists():
            self.events.append(("create", path, -1))
        return _Noted(self.events, -1, super().extend(path))

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.events.append(("folder", path))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.events.append(("rename", source, target))

    def truncate(self, path: Path, size: int) -> None:
        super().truncate(path, size)
        self.events.append(("truncate", path, size))

    def remove(self, path: Path) -> None:
        if path.exists():
            super().remove(path)
            self.events.append(("remove", path))


class _Noted:
    def __init__(self, events: list[Event], inode: int, file: AppendFile) -> None:
        self._events, self._inode, self._file = events, inode, file
        self.close: Callable[[], None] = file.close

    def append(self, data: bytes) -> None:
        self._file.append(data)
        self._events.append(("append", self._inode, bytes(data)))

    def sync(self) -> None:
        self._file.sync()
        self._events.append(("sync", self._inode))


Change = tuple[int, bytes]
"""Where bytes were written; with none, where the file was cut."""


@dataclass
class _Inode:
    synced: bytes = b""
    unsynced: list[Change | int] = field(default_factory=list)
    size: int = 0

    def write(self, offset: int, data: bytes) -> None:
        self.unsynced.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def cut(self, size: int) -> None:
        self.unsynced.append(size)
        self.size = size

    def sync(self) -> None:
        """Everything is as it was written."""
        left = bytearray(self.synced)
        for change in self.unsynced:
            _put(left, change)
        self.synced, self.unsynced = bytes(left), []

    def survives(self, chance: random.Random) -> bytes:
        left = bytearray(self.synced)
        for i, change in enumerate(self.unsynced):
            if isinstance(change, int):
                if chance.random() < 0.5:
                    _put(left, change)
            elif not _happen(left, change, chance, last=i + 1 == len(self.unsynced)):
                break
        return bytes(left)


def _put(left: bytearray, change: Change | int) -> None:
    if isinstance(change, int):
        del left[change:]
        return
    offset, data = change
    left += bytes(max(0, offset - len(left)))
    left[offset : offset + len(data)] = data


def _happen(left: bytearray, change: Change, chance: random.Random, *, last: bool) -> bool:
    """What becomes of a write; False if nothing after it reached the disk."""
    offset, data = change
    fate = chance.choice(("there", "there", "zeros", "torn", "missing"))
    if fate == "torn":
        _put(left, (offset, data[: chance.randrange(len(data) + 1)]))
        return not last and chance.random() >= 0.5
    if fate == "missing":
        return not last
    _put(left, (offset, data if fate == "there" else bytes(len(data))))
    return True


def image(events: list[Event], cut: int, folder: Path, copy: Path, chance: random.Random) -> set[int]:
    """Write to `copy` what a cut before event `cut` leaves of `folder`; the numbers acknowledged by then."""
    inodes: dict[int, _Inode] = {}
    names: dict[Path, list[int | None]] = {}
    acknowledged: set[int] = set()
    for event in events[:cut]:
        _apply(event, inodes, names, acknowledged)
    for path, states in names.items():
        inode = chance.choice(states)
        if inode is not None and path.is_relative_to(folder):
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(inodes[inode].survives(chance))
    return acknowledged


def _apply(
    event: Event, inodes: dict[int, _Inode], names: dict[Path, list[int | None]], acknowledged: set[int]
) -> None:
    """`names`: what a name may stand for, the durable state first, the present one last."""
    kind, *rest = event
    if kind == "ack":
        acknowledged.update(range(rest[0] + 1))  # type: ignore[operator]
    elif kind == "create":
        inodes[rest[1]] = _Inode()  # type: ignore[index]
        names.setdefault(rest[0], [None]).append(rest[1])  # type: ignore[arg-type]
    elif kind == "append":
        inode = inodes[rest[0]]  # type: ignore[index]
        inode.write(inode.size, rest[1])  # type: ignore[arg-type]
    elif kind == "write":
        inodes[rest[0]].write(rest[1], rest[2])  # type: ignore[index, arg-type]
    elif kind == "cut":
        inodes[rest[0]].cut(rest[1])  # type: ignore[index, arg-type]
    elif kind == "sync":
        inodes[rest[0]].sync()  # type: ignore[index]
    elif kind == "folder":
        for path, states in names.items():
            if path.parent == rest[0]:
                del states[:-1]
    elif kind == "rename":
        names.setdefault(rest[1], [None]).append(names[rest[0]][-1])  # type: ignore[arg-type, index]
        names[rest[0]].append(None)  # type: ignore[index]
    elif kind == "remove":
        names.setdefault(rest[0], [None]).append(None)  # type: ignore[arg-type]
    elif kind == "truncate":
        inode = inodes[names[rest[0]][-1]]  # type: ignore[index]
        inode.cut(rest[1])  # type: ignore[arg-type]
        inode.sync()
