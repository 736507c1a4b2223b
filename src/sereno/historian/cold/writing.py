"""Writes a cold file: Parquet with our index before its footer, under a temporary name until it is whole and synced."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.disk import AppendFile, Disk
from sereno.historian.objects import ObjectForm, encode_object

from .footer import CHUNK, GROUP, GroupIndex, chunks_of, encode_groups
from .kinds import ROLLUPS, UINT64, UNITS, Column, arrow_schema, columns_of, places
from .manifest import FOLDER, ColdFile
from .rows import ColdRows

GROUP_ROWS = 8192
ROLLUP_GROUP_ROWS = 2048
"""Roll-ups have many columns, and a day of minutes is 1440 rows: more would be read for nothing."""
_LEVEL = 1
_OBJECT_GROUP_BYTES = 4 << 20


def unit_of(t: NDArray[np.int64]) -> str:
    """The coarsest unit of Parquet that keeps these times (ns) whole."""
    for unit, ns in UNITS.items():
        if ns == 1 or not (t % ns).any():
            return unit
    return "ns"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files of a slot go: a historian's folder, names of one generation."""

    disk: Disk
    folder: Path
    start: int
    end: int
    generation: int

    def name(self, kind: str) -> str:
        """Name of the file of a kind."""
        slot = datetime.fromtimestamp(self.start // 10**9, UTC)
        return f"{slot:%Y-%m-%dT%H}.{kind}.{self.generation:06d}.parquet"


class ColdWriter:
    """Writes one file; `write` as often as needed, then `finish`. Raises OSError."""

    def __init__(self, target: Target, kind: str, unit: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        disk, name = target.disk, target.name(kind)
        self._target, self._path = target, target.folder / FOLDER / name
        self._kind, self._unit = kind, unit
        self._columns = columns_of(kind)
        self._schema = arrow_schema(kind, unit)
        self._temporary = self._path.with_name(name + ".tmp")
        disk.remove(self._temporary)
        self._sink = _Sink(disk.create(self._temporary))
        self._groups: list[tuple[int, ...]] = []
        self._chunks: list[list[tuple[int, int]]] = []
        self._rows = 0
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            self._schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=False,
            column_encoding=_encodings(self._schema, self._columns),
            write_statistics=["tag", "t"],
            data_page_size=1 << 28,
            max_rows_per_page=1 << 30,
            write_page_checksum=True,
            store_decimal_as_integer=True,
            version="2.6",
        )

    def write(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Rows in order of tag and time; times in ns."""
        n = len(columns["tag"])
        size = ROLLUP_GROUP_ROWS if self._kind in ROLLUPS else GROUP_ROWS
        for first in range(0, n, size):
            piece = {name: column[first : first + size] for name, column in columns.items()}
            arrays = [_arrow(c, piece[c.name], self._kind, self._unit) for c in self._columns]
            self._group(arrays, piece["tag"], piece["t"])

    def write_objects(self, rows: ColdRows) -> None:
        """Rows of objects in order of tag and time."""
        first = 0
        while first < len(rows):
            last, size = first, 0
            while last < len(rows) and last - first < GROUP_ROWS and size < _OBJECT_GROUP_BYTES:
                size += _size(rows.objects[int(rows.bits[last])])
                last += 1
            piece = rows.take(slice(first, last))
            self._group(_object_arrays(piece, self._schema), piece.tag, piece.t)
            first = last

    def finish(self) -> ColdFile:
        """Close, sync and name the file. The name is durable once the folder is synced."""
        at = self._sink.size
        groups = np.array(self._groups, GROUP) if self._groups else np.empty(0, GROUP)
        chunks = np.array([[tuple(c) for c in g] for g in self._chunks], CHUNK)
        index = encode_groups(GroupIndex(groups, chunks.reshape(len(groups), len(self._columns))))
        self._sink.write(index)
        self._writer.close()
        self._sink.sync()
        self._sink.close()
        self._target.disk.rename(self._temporary, self._path)
        return ColdFile(
            name=self._path.name,
            kind=self._kind,
            start=self._target.start,
            end=self._target.end,
            unit=self._unit,
            rows=self._rows,
            size=self._sink.size,
            crc=self._sink.crc,
            index_at=at,
            index_size=len(index),
            index_crc=zlib.crc32(index),
            t_min=int(groups["t_min"].min()),
            t_max=int(groups["t_max"].max()),
        )

    def _group(self, arrays: list[Any], tag: NDArray[np.int64], t: NDArray[np.int64]) -> None:
        import pyarrow as pa

        offset = self._sink.size
        self._sink.begin_group()
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=len(tag))
        data = self._sink.group()
        chunks = chunks_of(memoryview(data), len(self._columns)) if self._columns else []
        times = int(t.min()), int(t.max())
        self._groups.append(
            (offset, len(data), int(tag[0]), int(tag[-1]), *times, self._rows, len(tag), zlib.crc32(data))
        )
        self._chunks.append(chunks)
        self._rows += len(tag)


class _Sink:
    """What Parquet is written to: an AppendFile that knows its size, its checksum and the bytes of a row group."""

    def __init__(self, file: AppendFile) -> None:
        self.size = 0
        self.crc = 0
        self.closed = False
        self._file = file
        self._parts: list[bytes] = []

    def begin_group(self) -> None:
        self._parts = []

    def group(self) -> bytes:
        data = b"".join(self._parts)
        self._parts = []
        return data

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._file.append(data)
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)
        self._parts.append(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """Nothing waits here."""

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._file.close()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def _encodings(schema: Any, columns: tuple[Column, ...]) -> dict[str, str] | None:
    if not columns:
        return None
    return {c.name: "BYTE_STREAM_SPLIT" if c.split else "PLAIN" for c in columns if c.name in schema.names}


def _arrow(column: Column, values: NDArray[Any], kind: str, unit: str) -> Any:
    """An Arrow array over the very bytes: pyarrow's own conversion would import pandas wherever that is installed."""
    import pyarrow as pa

    if column.name in ("t", "t_first", "t_last"):
        return _of_bytes(pa.timestamp(unit, "UTC"), values // UNITS[unit])
    scale = places(kind)
    if column.name == "value" and scale is not None:
        return _of_bytes(pa.decimal128(18, scale), np.column_stack((values, values >> 63)))
    if column.name == "value" and kind == UINT64:
        return _of_bytes(pa.uint64(), values)
    if column.name in ("quality", "worst"):
        return _of_bytes(pa.uint16(), values.astype(np.uint16))
    types = {"<i8": pa.int64(), "<i4": pa.int32(), "<f8": pa.float64()}
    return _of_bytes(types[column.dtype], np.ascontiguousarray(values, column.dtype))


def _of_bytes(kind: Any, values: NDArray[Any]) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _size(value: Any) -> int:
    return 64 + (getattr(value, "nbytes", 0) or len(value) if hasattr(value, "__len__") else 0)


def _object_arrays(rows: ColdRows, schema: Any) -> list[Any]:
    import pyarrow as pa

    parts = [object_parts(rows.objects[i]) for i in rows.bits.tolist()]
    text, numbers, data, form = zip(*parts, strict=True)
    stamp = schema.field("t").type
    return [
        pa.array(rows.tag),
        pa.array(rows.t // UNITS[stamp.unit]).cast(stamp),
        pa.array(rows.quality),
        pa.array(text, pa.string()),
        pa.array(numbers, pa.list_(pa.float64())),
        pa.array(data, pa.binary()),
        pa.array(form, pa.string()),
    ]


def object_parts(value: Any) -> tuple[str | None, NDArray[np.float64] | None, bytes | None, str]:
    """An object as text, as numbers or as bytes, and in which form it is: "array:f8:2,3" has a shape."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        form = f"array:{value.dtype.kind}{value.dtype.itemsize}:{','.join(map(str, value.shape))}"
        if value.dtype.kind in "bfiu" and (value.dtype.itemsize < 8 or value.dtype == np.float64):
            return None, value.astype(np.float64).ravel(), None, form
        return None, None, encode_object(value), form
    encoded = encode_object(value)
    form_name = ObjectForm(encoded[0]).name.lower()
    if form_name in ("text", "json"):
        try:
            return encoded[1:].decode(), None, None, form_name
        except UnicodeDecodeError:
            pass
    return None, None, encoded if form_name != "none" else None, form_name
