"""Which cold files count, and which segments of the log are in them: one file, replaced whole.

A compaction happens at the moment at which the new manifest takes the old one's name. Files that it does not list are
left over from a compaction that did not get so far, or from before one that did; they are deleted.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from sereno.historian.disk import Disk
from sereno.model import OperationError

VERSION = 1
FOLDER = "cold"
_NAME = "manifest.json"


class ColdFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: samples or roll-ups of `kind` with times in [start, end) ns UTC. `unit` of the stored times.

    `crc` is the CRC-32 of the whole file; `index_*` say where our index is and what its CRC-32 is.
    """

    name: str
    kind: str
    start: int
    end: int
    unit: str
    rows: int
    size: int
    crc: int
    index_at: int
    index_size: int
    index_crc: int
    t_min: int
    t_max: int


class StateFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file of the samples in force at the end of what is compacted."""

    name: str
    crc: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything cold. `compacted`: segments up to this number are in it; `epoch`, `t_end`: of their last commit.

    `gaps` (start, end, place in the log) are those of the compacted segments, for tags that are heard of late.
    `thinned` (start, rule): slots of which samples went by age, and a number for the rules by which they did.
    `aside`: files in which damage was found; what could be read of them is in others.
    """

    v: int = VERSION
    generation: int = 0
    compacted: int = 0
    epoch: int = 0
    t_end: int = 0
    gaps: tuple[tuple[int, int, int], ...] = ()
    state: StateFile | None = None
    files: tuple[ColdFile, ...] = ()
    aside: tuple[ColdFile, ...] = ()
    thinned: tuple[tuple[int, int], ...] = ()

    def names(self) -> set[str]:
        """Every file that counts."""
        return {f.name for f in self.files} | ({self.state.name} if self.state else set())

    def kept(self) -> set[str]:
        """Every file that is to stay."""
        return self.names() | {f.name for f in self.aside}


def manifest_path(folder: Path) -> Path:
    """The manifest of a historian's folder."""
    return folder / FOLDER / _NAME


def encode_manifest(manifest: Manifest) -> bytes:
    """A JSON object whose last field is the CRC-32 of what stands before it."""
    body = msgspec.json.encode(manifest)[:-1]
    return body + b',"checksum":"%08x"}\n' % zlib.crc32(body)


def decode_manifest(data: bytes, path: Path) -> Manifest:
    """Raises OperationError, saying what is wrong with it."""
    body, mark, rest = data.rpartition(b',"checksum":"')
    if not mark or rest.rstrip(b"\n") != b'%08x"}' % zlib.crc32(body):
        raise OperationError(f"{path} is damaged: its checksum does not fit; restore it from a backup")
    try:
        manifest = msgspec.json.decode(body + b"}", type=Manifest)
    except msgspec.DecodeError as error:
        raise OperationError(f"{path} is damaged: {error}; restore it from a backup") from error
    if manifest.v != VERSION:
        raise OperationError(f"{path} is of version {manifest.v}, this historian reads {VERSION}; use a newer Sereno")
    return manifest


def load_manifest(disk: Disk, folder: Path) -> Manifest:
    """The manifest; an empty one where nothing was compacted yet. Raises OperationError, OSError."""
    path = manifest_path(folder)
    try:
        data = disk.read(path)
    except FileNotFoundError:
        return Manifest()
    return decode_manifest(data, path)


def save_manifest(disk: Disk, folder: Path, manifest: Manifest) -> None:
    """Let `manifest` count from now on. Raises OSError; then the old one does, or the new one."""
    disk.replace(manifest_path(folder), encode_manifest(manifest))


def sweep(disk: Disk, folder: Path, manifest: Manifest) -> list[str]:
    """Delete what the manifest does not list; the names. Only while no query reads and nobody compacts."""
    cold = folder / FOLDER
    kept = manifest.kept() | {_NAME}
    left = [p for p in sorted(cold.glob("*")) if p.is_file() and p.name not in kept]
    for path in left:
        disk.remove(path)
    return [p.name for p in left]
