"""Reads a historian's folder whole and says what in it does not fit its checksum; nothing is changed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sereno.historian.disk import Disk
from sereno.historian.marks import Gap
from sereno.historian.record import Record
from sereno.historian.recovery import walk_segment
from sereno.historian.sealed import load_index
from sereno.historian.tags import decode_definition
from sereno.model import Fault, OperationError

from .footer import decode_groups
from .manifest import FOLDER, ColdFile, Manifest, load_manifest
from .reading import DamagedError
from .statefile import load_state


@dataclass(frozen=True, slots=True)
class Verified:
    """One file that was read, and what was found wrong with it."""

    name: str
    size: int
    faults: tuple[Fault, ...] = ()


def verify(disk: Disk, folder: Path) -> Iterator[Verified]:
    """Every file that counts, one after the other. Damage in a file that is written to may be an unfinished commit."""
    path = folder / FOLDER / "manifest.json"
    try:
        manifest = load_manifest(disk, folder)
    except OperationError as error:
        yield Verified(f"{FOLDER}/{path.name}", 0, (Fault(str(path), str(error), fix="Restore it from a backup"),))
        manifest = Manifest()
    yield _definitions(disk, folder)
    for number in sorted(int(p.stem) for p in (folder / "log").glob("*.log") if p.stem.isdigit()):
        if number > manifest.compacted:
            yield _segment(disk, folder / "log" / f"{number:012d}.log")
    for file in manifest.files:
        yield _cold_file(disk, folder / FOLDER / file.name, file)
    if manifest.state is not None:
        yield _state(disk, folder, manifest)


def _definitions(disk: Disk, folder: Path) -> Verified:
    path = folder / "tags.jsonl"
    faults: list[Fault] = []
    data = disk.read(path) if path.exists() else b""
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            if line:
                decode_definition(line)
        except ValueError as error:
            faults.append(Fault(f"{path}:{number}", f"damaged definition ({error})"))
    return Verified(path.name, len(data), tuple(faults))


class _Nothing:
    """A Walker that takes everything."""

    def take(self, record: Record) -> None:
        """Nothing to do."""

    def add_gap(self, gap: Gap) -> None:
        """Nothing to do."""

    def reached(self, end: int, t: int) -> None:
        """Nothing to do."""


def _segment(disk: Disk, path: Path) -> Verified:
    faults: list[Fault] = []
    try:
        data = disk.read(path)
    except OSError as error:
        return Verified(f"log/{path.name}", 0, (Fault(str(path), f"cannot be read: {error}"),))
    walk_segment(data, path, _Nothing(), faults)
    known = load_index(disk, path)
    if known is not None and known.end > len(data):
        faults.append(Fault(f"{path} byte {len(data)}", f"{known.end - len(data)} bytes are missing"))
    return Verified(f"log/{path.name}", len(data), tuple(faults))


def _cold_file(disk: Disk, path: Path, file: ColdFile) -> Verified:
    name = f"{FOLDER}/{path.name}"
    try:
        data = disk.read(path)
    except OSError as error:
        return Verified(name, 0, (Fault(str(path), f"cannot be read: {error}"),))
    if len(data) == file.size and zlib.crc32(data) == file.crc:
        return Verified(name, len(data))
    return Verified(name, len(data), tuple(_damaged_groups(path, file, data)))


def _damaged_groups(path: Path, file: ColdFile, data: bytes) -> Iterator[Fault]:
    """Which row groups, or else which part of the file."""
    stored = data[file.index_at : file.index_at + file.index_size]
    if zlib.crc32(stored) != file.index_crc:
        yield Fault(
            f"{path} byte {file.index_at}", "the index of its row groups is damaged; Sereno reads nothing of it"
        )
        return
    good = True
    for number, group in enumerate(decode_groups(stored).groups):
        offset, length = int(group["offset"]), int(group["length"])
        if zlib.crc32(data[offset : offset + length]) != group["crc"]:
            good = False
            what = f"row group {number} with {group['rows']} rows is damaged"
            yield Fault(f"{path} byte {offset}", what, fix="Its tags have a gap there; restore the file from a backup")
    if good:
        where = f"{path} byte {file.index_at + file.index_size}"
        yield Fault(where, "Parquet's own head or footer is damaged; Sereno reads it, others do not")


def _state(disk: Disk, folder: Path, manifest: Manifest) -> Verified:
    assert manifest.state is not None
    name = f"{FOLDER}/{manifest.state.name}"
    try:
        load_state(disk, folder, manifest)
    except DamagedError as error:
        return Verified(name, 0, (Fault(str(error.path), "does not fit its checksum", fix="Restore it from a backup"),))
    return Verified(name, (folder / name).stat().st_size)
