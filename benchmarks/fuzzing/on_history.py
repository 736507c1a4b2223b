"""History: records of the log with right checksums and any content, damaged logs, index files, definitions."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from sereno.historian.block import KEYFRAME, Rows, decode_rows, encode_rows
from sereno.historian.bulk.unpacked import check_size
from sereno.historian.disk import SystemDisk
from sereno.historian.marks import encode_cover, encode_gap, encode_set, set_key
from sereno.historian.objects import decode_object, encode_object
from sereno.historian.record import RecordKind, encode_record
from sereno.historian.recovery import scan_segment
from sereno.historian.sealed import decode_index
from sereno.historian.segment import HEADER_SIZE, SegmentHeader, encode_header
from sereno.historian.tags import decode_definition, encode_definition
from sereno.model import Fault, OperationError

from .targets import Taker, target

_IDS = np.array([5, 9], np.int64)
_LOG = Path("/fuzz/000000000001.log")


class _Memory(SystemDisk):
    """One file that is not there."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:  # noqa: ARG002 - there is but one
        return self.data[offset:] if size < 0 else self.data[offset : offset + size]


def _bytes(parts: list[Any]) -> bytes:
    return b"".join(memoryview(part).tobytes() for part in parts)


def _rows(*, exact: bool, objects: bool, keyframe: bool = False) -> bytes:
    rows = Rows(
        ids=_IDS,
        values=np.array([1.5, np.nan]),
        t=np.array([10, 20], np.int64),
        quality=np.array([0, 0x8000], np.uint16),
        exact=np.array([1, 2], np.int64) if exact else None,
        objects=("text", np.arange(3, dtype=np.int16)) if objects else None,
        keyframe=keyframe,
    )
    return _bytes(encode_rows(rows)[1])


_BLOCKS = [_rows(exact=True, objects=False), _rows(exact=False, objects=True), _rows(exact=False, objects=False)]
_MARKS = [_bytes(encode_set(set_key(_IDS), _IDS)), _bytes(encode_cover({7: 8})), _bytes(encode_gap(1, 2))]


def _seed(*records: tuple[int, bytes]) -> bytes:
    return b"".join(bytes((kind, len(payload) // 8)) + payload for kind, payload in records)


@target("history-rows", raises=(ValueError,), seeds=_BLOCKS)
def rows(data: bytes) -> None:
    """A block of samples: what is taken is written again as the same rows."""
    found = decode_rows(memoryview(data))
    flags, parts = encode_rows(found)
    again = decode_rows(memoryview(_bytes(parts)))
    assert bool(flags & KEYFRAME) == found.keyframe
    for name in ("ids", "t", "quality"):
        assert getattr(found, name).tobytes() == getattr(again, name).tobytes(), name
    assert len(found) == len(again)


@target(
    "history-object",
    raises=(ValueError,),
    seeds=[encode_object(v) for v in ("é", b"\0", [1, {"a": 2}], np.ones((2, 3)))],
)
def one_object(data: bytes) -> None:
    """An object of the log: what is taken is written again."""
    encode_object(decode_object(data))


def _part() -> bytes:
    import pyarrow as pa

    columns = {"tag": pa.array(["a", "b"]).dictionary_encode(), "t": pa.array([1, 2]), "value": pa.array([1.5, None])}
    batch, sink = pa.RecordBatch.from_pydict(columns), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


@target("history-part", raises=(ValueError,), seeds=[_part()])
def part(data: bytes) -> None:
    """A part of an import: how much it is once it is unpacked."""
    check_size(memoryview(data))


@target(
    "history-log",
    seeds=[_seed((1, _BLOCKS[0]), (2, _MARKS[0]), (3, _MARKS[1]), (4, _MARKS[2])), _seed((1, _BLOCKS[1]))],
)
def log(data: bytes) -> None:
    """Records whose checksums are right, whatever is in them: nothing stops a historian from starting."""
    taker, at = Taker(data), HEADER_SIZE
    parts = [encode_header(SegmentHeader(1, 1, 5))]
    while taker and len(parts) < 40:
        kind, size = taker.number(6), 8 * taker.number(64)
        payload = taker.take(size).ljust(size, b"\0")
        record = _bytes(encode_record(kind, [payload], 6 + at, 1, at))  # type: ignore[arg-type]
        parts.append(record)
        at += len(record)
    _scan(b"".join(parts))


_WHOLE = encode_header(SegmentHeader(1, 1, 5))
_WHOLE += _bytes(encode_record(RecordKind.ROWS, [_BLOCKS[0]], 100, 1, HEADER_SIZE))


@target("history-damage", seeds=[_WHOLE, _WHOLE[:90]], raises=(OperationError,))
def damage(data: bytes) -> None:
    """A segment in any state: what is whole is found, the rest is a fault with its place."""
    _scan(data)


def _scan(data: bytes) -> None:
    faults: list[Fault] = []
    view = scan_segment(_Memory(data), _LOG, faults)
    assert view.end <= max(len(data), HEADER_SIZE)
    for chunk in view.indexes():
        assert len(chunk.tags) <= len(chunk.rows)


@target("history-index", seeds=[b"\0" * 8 + _WHOLE[:40]])
def index(data: bytes) -> None:
    """An index file whose checksums are right: the view, or none."""
    head = struct.Struct("<8sHHIQQqqqqqQQQQQ")
    body = data[head.size :]
    values = list(head.unpack(data[: head.size].ljust(head.size, b"\0")))
    values[:4] = b"SERENO\0I", 1, 0, zlib.crc32(body)
    values[-5:] = [number % 64 for number in values[-5:]]
    top = head.pack(*values)
    decode_index(top + struct.pack("<I", zlib.crc32(top)) + body, _LOG)


_DEFINITION = b'{"id":5,"path":"a/b","type":"float64","unit":"m","labels":[],"shape":[],"decimals":null,"since":1'


@target("history-definition", raises=(ValueError,), seeds=[_DEFINITION])
def definition(data: bytes) -> None:
    """A line of definitions whose checksum is right."""
    line = data + b',"crc":"%08x"}' % zlib.crc32(data)
    found = decode_definition(line)
    assert decode_definition(encode_definition(found).strip()) == found
