"""Writes a cold file: Parquet with our index before its footer, under a temporary name until it is whole and synced."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.disk import Disk
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
_GROUPS_AT_ONCE = 32
_TAIL = struct.Struct("<I4s")
"""End of a Parquet file: how long the footer before it is, and a mark."""


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

        self._target, self._path = target, target.folder / FOLDER / target.name(kind)
        self._kind, self._unit = kind, unit
        self._columns = columns_of(kind)
        self._schema = arrow_schema(kind, unit)
        self._groups: list[NDArray[Any]] = []
        self._buffer = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(
            self._buffer,
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
        for first in range(0, n, size * _GROUPS_AT_ONCE):
            piece = {name: column[first : first + size * _GROUPS_AT_ONCE] for name, column in columns.items()}
            arrays = [_arrow(c, piece[c.name], self._kind, self._unit) for c in self._columns]
            self._add(arrays, piece["tag"], piece["t"], size)

    def write_objects(self, rows: ColdRows) -> None:
        """Rows of objects in order of tag and time."""
        first = 0
        while first < len(rows):
            last, size = first, 0
            while last < len(rows) and last - first < GROUP_ROWS and size < _OBJECT_GROUP_BYTES:
                size += _size(rows.objects[int(rows.bits[last])])
                last += 1
            piece = rows.take(slice(first, last))
            self._add(_object_arrays(piece, self._schema), piece.tag, piece.t, len(piece))
            first = last

    def finish(self) -> ColdFile:
        """Write, sync and name the file. The name is durable once the folder is synced."""
        self._writer.close()
        data = memoryview(self._buffer.getvalue()).cast("B")
        at = len(data) - _TAIL.size - _TAIL.unpack_from(data, len(data) - _TAIL.size)[0]
        groups = np.concatenate(self._groups)
        index = encode_groups(_placed(data, groups, len(self._columns)))
        parts = (data[:at], index, data[at:])
        self._save(parts)
        crc = 0
        for part in parts:
            crc = zlib.crc32(part, crc)
        return ColdFile(
            name=self._path.name,
            kind=self._kind,
            start=self._target.start,
            end=self._target.end,
            unit=self._unit,
            rows=int(groups["rows"].sum()),
            size=len(data) + len(index),
            crc=crc,
            index_at=at,
            index_size=len(index),
            index_crc=zlib.crc32(index),
            t_min=int(groups["t_min"].min()),
            t_max=int(groups["t_max"].max()),
        )

    def _save(self, parts: Iterable[Any]) -> None:
        disk = self._target.disk
        temporary = self._path.with_name(self._path.name + ".tmp")
        disk.remove(temporary)
        file = disk.create(temporary)
        try:
            for part in parts:
                file.append(part)
            file.sync()
        finally:
            file.close()
        disk.rename(temporary, self._path)

    def _add(self, arrays: list[Any], tag: NDArray[np.int64], t: NDArray[np.int64], size: int) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=size)
        starts = np.arange(0, len(tag), size)
        ends = np.append(starts[1:], len(tag))
        groups = np.zeros(len(starts), GROUP)
        groups["tag_min"], groups["tag_max"] = tag[starts], tag[ends - 1]
        groups["t_min"], groups["t_max"] = np.minimum.reduceat(t, starts), np.maximum.reduceat(t, starts)
        groups["rows"] = ends - starts
        self._groups.append(groups)


def _placed(data: memoryview, groups: NDArray[Any], columns: int) -> GroupIndex:
    """The index of row groups that are in the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(pa.BufferReader(data))
    chunks: list[list[tuple[int, int]]] = []
    first = 0
    for number, group in enumerate(groups):
        found = metadata.row_group(number)
        offset = found.column(0).data_page_offset
        length = sum(found.column(i).total_compressed_size for i in range(found.num_columns))
        content = data[offset : offset + length]
        group["offset"], group["length"], group["crc"] = offset, length, zlib.crc32(content)
        group["first_row"] = first
        first += int(group["rows"])
        chunks.append(chunks_of(content, columns) if columns else [])
    return GroupIndex(groups, np.array([[tuple(c) for c in g] for g in chunks], CHUNK).reshape(len(groups), columns))


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
