"""The archive of an installation: a zip with a manifest of checksums."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from sereno.model import OperationError

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_NAME = re.compile(r"(plant|data)(/[^/\\:\x00-\x1f]{1,255})+\Z")
_LARGEST_MANIFEST = 64 << 20
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError, OSError)
Progress = Callable[[int], None]


class Member(msgspec.Struct, frozen=True):
    """A file of the archive."""

    name: str
    size: int
    sha256: str


class LeftOut(msgspec.Struct, frozen=True):
    """What devices keep in the data folder and was not asked for: the name to ask by, its files, their size."""

    name: str
    files: int
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds, and what it does not.

    `plant` and `database` are members' names, "" if there are none; `t` ns UTC.
    """

    format: int = FORMAT
    sereno: str
    installation: str
    t: int
    plant: str
    database: str
    records: int
    warnings: list[str]
    members: list[Member]
    left_out: list[LeftOut] = []

    @property
    def bytes(self) -> int:
        """Of all members."""
        return sum(member.size for member in self.members)


class DamagedArchiveError(OperationError):
    """A member, or the archive as a whole, is not as it was written."""


def is_safe(name: str) -> bool:
    """True if a member may be called so: below `plant` or `data`, on every system."""
    return _NAME.match(name) is not None and not any(part in (".", "..") for part in name.split("/"))


class ArchiveWriter:
    """Adds members to a new file, readable by its owner only; it takes its name when it is whole and on the disk."""

    def __init__(self, path: Path, progress: Progress = lambda _: None) -> None:
        self.members: list[Member] = []
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._progress = progress

    def __enter__(self) -> Self:
        if self._path.exists():
            raise OperationError(f"{self._path} exists; choose another name")
        self._partial.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._partial, flags, 0o600), "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def add(self, name: str, path: Path, size: int | None = None) -> None:
        """The file, or its first `size` bytes. Raises FileNotFoundError, OSError if it has fewer, OperationError."""
        if not is_safe(name):
            raise OperationError(f"{path}: a file of this name cannot be restored everywhere; rename it")
        with path.open("rb") as file:
            self._add(name, file, path.stat().st_size if size is None else size, str(path))

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and give the file its name. Raises OSError."""
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)

    def _add(self, name: str, file: BinaryIO, size: int, where: str) -> None:
        digest, left = hashlib.sha256(), size
        with self._zip.open(name, "w", force_zip64=size > (1 << 30)) as out:
            while left:
                chunk = file.read(min(_CHUNK, left))
                if not chunk:
                    raise OSError(f"{where} became shorter while it was read")
                out.write(chunk)
                digest.update(chunk)
                left -= len(chunk)
                self._progress(len(chunk))
        self.members.append(Member(name, size, digest.hexdigest()))


class ArchiveReader:
    """Reads an archive, trusting nothing in it: names are checked, sizes bounded, every byte compared.

    Raises DamagedArchiveError on opening if it is cut off, or holds anything but what its manifest names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise OperationError(f"there is no file {path}") from None
        except OSError as error:
            raise OperationError(f"{path} cannot be read: {error.strerror}") from error
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DamagedArchiveError(f"{path}: its directory at the end is damaged or cut off ({error})") from error
        try:
            self.manifest = self._manifest()
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The content of a member. Raises DamagedArchiveError, naming it, at the latest after the last chunk."""
        digest, left = hashlib.sha256(), member.size
        with self._readable(member.name) as file:
            while left and (chunk := file.read(min(_CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
                yield chunk
            if left or file.read(1) or digest.hexdigest() != member.sha256:
                raise DamagedArchiveError(f"{self.path}: member {member.name} is damaged: its checksum does not fit")

    def verify(self, progress: Progress = lambda _: None) -> None:
        """Read everything. Raises DamagedArchiveError, naming the first member that is not as it was written."""
        for member in self.manifest.members:
            for chunk in self.chunks(member):
                progress(len(chunk))

    @contextmanager
    def _readable(self, name: str) -> Iterator[BinaryIO]:
        try:
            with self._zip.open(name) as file:
                yield file  # type: ignore[misc]  # a ZipExtFile is a BinaryIO in all but name
        except DamagedArchiveError:
            raise
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            KeyError,
            OSError,
        ) as error:
            raise DamagedArchiveError(f"{self.path}: member {name} is damaged: {error}") from error

    def _manifest(self) -> Manifest:
        with self._readable(MANIFEST) as file:
            raw = file.read(_LARGEST_MANIFEST)
        try:
            version = msgspec.json.decode(raw, type=dict).get("format")
            if version != FORMAT:
                raise OperationError(f"{self.path} has format {version}, this version of Sereno reads {FORMAT}")
            return msgspec.json.decode(raw, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedArchiveError(f"{self.path}: member {MANIFEST} is damaged: {error}") from error

    def _check(self) -> None:
        listed = [member.name for member in self.manifest.members]
        held = [info.filename for info in self._zip.infolist() if info.filename != MANIFEST]
        if len({name.casefold() for name in listed}) != len(listed) or sorted(held) != sorted(listed):
            odd = sorted(set(held) ^ set(listed)) or ["one twice"]
            raise DamagedArchiveError(f"{self.path}: it does not hold what its manifest names: {odd[0]}")
        for name in (*listed, *filter(None, (self.manifest.plant, self.manifest.database))):
            if not is_safe(name):
                raise DamagedArchiveError(f"{self.path}: {name!r} is no name for a file of an installation")
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise DamagedArchiveError(f"{self.path}: member {info.filename} is no plain file")
