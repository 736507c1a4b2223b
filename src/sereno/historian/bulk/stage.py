"""Samples on their way in: `imports/KEY` in a historian's folder has a note about an import and what has come of it.

`parts.bin` has one frame after the other: 64 bytes of mark, CRC-32, length and number, then the part, then zeros to a
multiple of 64. A part is an Arrow stream (see pieces.py). It is read again only if its checksum fits.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from sereno.historian.disk import Disk
from sereno.model import OperationError

FOLDER = "imports"
_FRAME = struct.Struct("<4sIQQ40x")
_MARK = b"\xffSR\xfc"
_NOTE, _PARTS = "note.json", "parts.bin"


class UnfitError(OperationError):
    """What was put by can never be taken in, as it is: to keep it would be of no use."""


class StageNote(msgspec.Struct, frozen=True):
    """Which import it is: the same file, tags and person go on with it. `began`, ns UTC: when that was done last.

    `error`: why it was not merged when that was tried last.
    """

    key: str
    name: str
    sha256: str
    tags: tuple[str, ...]
    actor: str
    began: int = 0
    error: str = ""

    def same_as(self, other: StageNote) -> bool:
        """True if it is an import of the same by the same."""
        mine, theirs = ((n.name, n.sha256, n.tags, n.actor) for n in (self, other))
        return bool(self.sha256) and mine == theirs


class Stage:
    """One import that is put by. Blocking; raises OSError."""

    def __init__(self, disk: Disk, folder: Path, note: StageNote) -> None:
        self.note = note
        self.parts = 0
        self.size = 0
        self._disk, self._folder = disk, folder

    @classmethod
    def create(cls, disk: Disk, historian: Path, note: StageNote) -> Stage:
        """A new one in a historian's folder."""
        folder = historian / FOLDER / note.key
        folder.mkdir(parents=True)
        disk.replace(folder / _NOTE, msgspec.json.encode(note))
        disk.sync_folder(folder.parent)
        disk.sync_folder(historian)
        return cls(disk, folder, note)

    @classmethod
    def open(cls, disk: Disk, folder: Path) -> Stage:
        """One that is there. A part that did not come whole is cut off. Raises OperationError if it is none."""
        try:
            note = msgspec.json.decode(disk.read(folder / _NOTE), type=StageNote)
        except (FileNotFoundError, msgspec.DecodeError) as error:
            raise OperationError(f"{folder} is no import that was begun; begin it again") from error
        stage = cls(disk, folder, note)
        for part in stage.read(checked=False):
            stage.parts += 1
            stage.size += _frame_size(len(part))
        stage._cut()
        return stage

    def append(self, number: int, part: bytes) -> int:
        """Put a part by, the first is number 0; how many there are, all of them on the disk. One that is there already
        is left out.

        Raises ValueError if one is missing before it.
        """
        if number > self.parts:
            raise ValueError(f"part {number} of {self.note.name!r} comes before part {self.parts}")
        if number == self.parts:
            self._cut()
            try:
                self._write(number, part)
            except OSError:
                with contextlib.suppress(OSError):
                    self._cut()
                raise
            self.parts += 1
            self.size += _frame_size(len(part))
        return self.parts

    def _write(self, number: int, part: bytes) -> None:
        file = self._disk.extend(self._folder / _PARTS)
        try:
            file.append(_FRAME.pack(_MARK, zlib.crc32(part), len(part), number))
            file.append(part)
            file.append(bytes(-len(part) % _FRAME.size))
            file.sync()
        finally:
            file.close()
        if number == 0:
            self._disk.sync_folder(self._folder)

    def _cut(self) -> None:
        """Cut off what did not come whole: the next part must follow the last."""
        path = self._folder / _PARTS
        if path.exists() and path.stat().st_size > self.size:
            self._disk.truncate(path, self.size)

    def read(self, *, checked: bool = True) -> Iterator[memoryview]:
        """Every part, as a view of the file; what does not fit its checksum raises OperationError."""
        path = self._folder / _PARTS
        if not path.exists() or not path.stat().st_size:
            return
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        at = number = 0
        while at + _FRAME.size <= len(data):
            mark, crc, length, stated = _FRAME.unpack_from(data, at)
            part = data[at + _FRAME.size : at + _FRAME.size + length]
            whole = mark == _MARK and stated == number and at + _frame_size(length) <= len(data)
            if not whole and not checked:
                return
            if not whole or (checked and zlib.crc32(part) != crc):
                raise UnfitError(f"part {number} of the import {self.note.name!r} is damaged; begin it again")
            yield part
            at += _frame_size(length)
            number += 1

    def failed(self, error: str) -> None:
        """Note why it was not merged; "" = nothing is known to be wrong. What cannot be noted is told anyway."""
        self._note(msgspec.structs.replace(self.note, error=error))

    def renew(self, now: int) -> None:
        """Note that somebody goes on with it (ns UTC). What cannot be noted is of no harm at once."""
        self._note(msgspec.structs.replace(self.note, began=now))

    def _note(self, note: StageNote) -> None:
        self.note = note
        with contextlib.suppress(OSError):
            self._disk.replace(self._folder / _NOTE, msgspec.json.encode(note))

    def remove(self) -> None:
        """Delete it. What cannot be deleted now is in the way of nothing."""
        for name in (_PARTS, _NOTE):
            with contextlib.suppress(OSError):
                self._disk.remove(self._folder / name)
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def staged(disk: Disk, historian: Path, *, but: Collection[str] = ()) -> list[Stage]:
    """Everything that is put by in a historian's folder, the oldest first, but for the keys of those that somebody has
    open: of these a part may be half there. What is none is left out.
    """
    found: list[Stage] = []
    for folder in sorted(folder for folder in (historian / FOLDER).glob("*") if folder.name not in but):
        with contextlib.suppress(OperationError, OSError):
            found.append(Stage.open(disk, folder))
    return sorted(found, key=lambda stage: stage.note.began)


def _frame_size(length: int) -> int:
    return _FRAME.size + length + -length % _FRAME.size
