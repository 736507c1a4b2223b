"""Reads columns of a cold file. A row group is checked before the first value of it is believed."""

from __future__ import annotations

import io
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64
from sereno.historian.disk import Disk
from sereno.historian.objects import decode_object

from .blocks import BlockCache, Columns
from .footer import GroupIndex, decode_groups
from .kinds import UNITS, Column, columns_of
from .manifest import FOLDER, ColdFile

_KEPT_OBJECT_GROUPS = 4


class DamagedError(Exception):
    """Bytes of a cold file do not fit their checksum, or cannot be read."""

    def __init__(self, path: Path, offset: int) -> None:
        super().__init__(f"{path} byte {offset}: does not fit its checksum")
        self.path, self.offset = path, offset


@dataclass(slots=True, eq=False)
class _Opened:
    """`bounds` are first and last tag of each row group, its earliest and its latest time."""

    index: GroupIndex
    verified: NDArray[np.bool_]
    bounds: tuple[I64, I64, I64, I64]

    @classmethod
    def of(cls, index: GroupIndex) -> _Opened:
        """An index that was read; no row group is checked yet."""
        names = ("tag_min", "tag_max", "t_min", "t_max")
        first, last, early, late = (np.ascontiguousarray(index.groups[name]) for name in names)
        return cls(index, np.zeros(len(index.groups), np.bool_), (first, last, early, late))


class ColdReader:
    """Reads the files of one folder; keeps the latest used indexes up to `max_bytes`. For any thread."""

    def __init__(self, disk: Disk, folder: Path, max_bytes: int = 32 << 20) -> None:
        self._disk = disk
        self._folder = folder / FOLDER
        self._max_bytes = max_bytes
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._blocks = BlockCache()
        self._objects: OrderedDict[tuple[str, int], tuple[Columns, list[Any]]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def path(self, file: ColdFile) -> Path:
        """Where the file is."""
        return self._folder / file.name

    def index(self, file: ColdFile) -> GroupIndex:
        """The index of a file. Raises DamagedError."""
        return self._open(file).index

    def groups(self, file: ColdFile, tag: int, start: int, end: int) -> list[int]:
        """Numbers of the row groups that may hold samples of a tag in [start, end)."""
        tag_min, tag_max, t_min, t_max = self._open(file).bounds
        first, last = int(tag_max.searchsorted(tag)), int(tag_min.searchsorted(tag, "right"))
        return [i for i in range(first, last) if t_max[i] >= start and t_min[i] < end]

    def read(self, file: ColdFile, group: int, names: Sequence[str]) -> Columns:
        """Columns of a row group, times in ns, not to be written to. Raises DamagedError."""
        known = self._blocks.get(file.name, group)
        missing = [name for name in names if name not in known]
        if missing:
            known = {**known, **self._decode(file, group, missing)}
            self._blocks.put(file.name, group, known)
        return {name: known[name] for name in names}

    def _decode(self, file: ColdFile, group: int, names: Sequence[str]) -> Columns:
        data, columns = self.bytes(file, group), columns_of(file.kind)
        index = self._open(file).index
        chunks, rows = index.chunks[group], int(index.groups["rows"][group])
        return {c.name: _decoded(data, chunks[i], c, rows, file.unit) for i, c in enumerate(columns) if c.name in names}

    def rows_of(self, file: ColdFile, group: int, tag: int, names: Sequence[str]) -> Columns:
        """Columns of the rows of one tag in a row group; empty if it has none. Raises DamagedError."""
        tag_min, tag_max, *_ = self._open(file).bounds
        whole = self.read(file, group, ["tag", *names] if tag_min[group] != tag_max[group] else names)
        if "tag" not in whole:
            return whole
        a, b = whole["tag"].searchsorted(tag), whole["tag"].searchsorted(tag, "right")
        return {name: column[a:b] for name, column in whole.items()}

    def objects(self, file: ColdFile, group: int) -> tuple[Columns, list[Any]]:
        """Tag, time and quality of a row group of objects, and the objects. Raises DamagedError."""
        with self._lock:
            known = self._objects.get((file.name, group))
        if known is None:
            known = self._read_objects(file, group)
            with self._lock:
                self._objects[file.name, group] = known
                while len(self._objects) > _KEPT_OBJECT_GROUPS:
                    self._objects.popitem(last=False)
        return known

    def _read_objects(self, file: ColdFile, group: int) -> tuple[Columns, list[Any]]:
        import pyarrow.parquet as pq

        self.bytes(file, group)
        try:
            whole = self._disk.read(self.path(file))
        except OSError as error:
            raise DamagedError(self.path(file), 0) from error
        if zlib.crc32(whole) != file.crc:
            raise DamagedError(self.path(file), file.index_at)
        with pq.ParquetFile(io.BytesIO(whole)) as parquet:
            table = parquet.read_row_group(group, use_threads=False)
        columns: Columns = {
            "tag": table["tag"].to_numpy(),
            "t": table["t"].cast("int64").to_numpy() * UNITS[file.unit],
            "quality": table["quality"].to_numpy(),
        }
        beside = (table[name].to_pylist() for name in ("text", "numbers", "data", "form"))
        return columns, [_object(*parts) for parts in zip(*beside, strict=True)]

    def bytes(self, file: ColdFile, group: int) -> bytes:
        """The bytes of a row group, checked once. Raises DamagedError."""
        opened = self._open(file)
        entry = opened.index.groups[group]
        offset, length = int(entry["offset"]), int(entry["length"])
        try:
            data = self._disk.read(self.path(file), offset, length)
        except OSError as error:
            raise DamagedError(self.path(file), offset) from error
        if not opened.verified[group]:
            if len(data) != length or zlib.crc32(data) != entry["crc"]:
                raise DamagedError(self.path(file), offset)
            opened.verified[group] = True
        return data

    def all_groups(self, file: ColdFile) -> Iterator[int]:
        """Numbers of all row groups."""
        return iter(range(len(self.index(file).groups)))

    def _open(self, file: ColdFile) -> _Opened:
        with self._lock:
            known = self._opened.get(file.name)
            if known is not None:
                self._opened.move_to_end(file.name)
                return known
        try:
            data = self._disk.read(self.path(file), file.index_at, file.index_size)
        except OSError as error:
            raise DamagedError(self.path(file), file.index_at) from error
        if len(data) != file.index_size or zlib.crc32(data) != file.index_crc:
            raise DamagedError(self.path(file), file.index_at)
        index = decode_groups(data)
        opened = _Opened.of(index)
        with self._lock:
            if file.name not in self._opened:
                self._bytes += file.index_size
            self._opened[file.name] = opened
            while self._bytes > self._max_bytes and len(self._opened) > 1:
                _, gone = self._opened.popitem(last=False)
                self._bytes -= gone.index.groups.nbytes + gone.index.chunks.nbytes + 16
        return opened


def _decoded(data: bytes, chunk: Any, column: Column, rows: int, unit: str) -> NDArray[Any]:
    import pyarrow as pa

    offset, length = int(chunk["offset"]), int(chunk["length"])
    dtype = np.dtype(column.dtype)
    size = rows * dtype.itemsize
    plain = pa.decompress(memoryview(data)[offset : offset + length], size, codec="zstd", asbytes=False)
    if column.split:
        apart = np.frombuffer(plain, np.uint8).reshape(dtype.itemsize, rows)
        values = np.ascontiguousarray(apart.T).view(dtype).ravel()
    else:
        values = np.frombuffer(plain, dtype)
    if column.name in ("t", "t_first", "t_last") and UNITS[unit] != 1:
        values = values * UNITS[unit]
    values.flags.writeable = False
    return values


def _object(text: str | None, numbers: list[float] | None, data: bytes | None, form: str) -> Any:
    if data is not None:
        return decode_object(data)
    if form == "none":
        return None
    if form == "text":
        return text
    if numbers is not None:
        _, dtype, shape = form.split(":")
        sides = tuple(int(n) for n in shape.split(",") if n)
        array: NDArray[Any] = np.array(numbers, np.float64).astype(np.dtype(f"<{dtype}")).reshape(sides)
        array.flags.writeable = False
        return array
    import msgspec

    return msgspec.json.decode((text or "null").encode())
