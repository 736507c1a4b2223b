"""What is in force at the end of what is compacted: for every tag its last sample, and until when it is confirmed.

Bytes: u32 tags, u32 objects; i64 tag[], i64 t[], i64 bits[], i64 covered[], u16 quality[], u8 form[]; u32 end[objects],
objects one after the other, as in the log. Its checksum is in the manifest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from sereno.historian.block import I64
from sereno.historian.objects import decode_object, encode_object

from .rows import OBJECT_ROW, ColdRows, no_rows

_HEAD = struct.Struct("<II")


@dataclass(frozen=True, slots=True, eq=False)
class InForceState:
    """`rows` in order of tag, one for each; `covered` ns UTC beside them, 0 = not known."""

    rows: ColdRows
    covered: I64

    def at(self, tag: int) -> int:
        """Position of a tag, -1 if it is not there."""
        position = int(np.searchsorted(self.rows.tag, tag))
        return position if position < len(self.rows) and self.rows.tag[position] == tag else -1


def empty_state() -> InForceState:
    """Nothing is in force."""
    return InForceState(no_rows(), np.empty(0, np.int64))


def encode_state(state: InForceState) -> bytes:
    """The bytes of a state."""
    rows = state.rows
    which = np.flatnonzero(rows.form == OBJECT_ROW)
    encoded = [encode_object(rows.objects[int(rows.bits[i])]) for i in which.tolist()]
    bits = rows.bits.copy()
    bits[which] = np.arange(len(which))
    ends = np.cumsum([len(e) for e in encoded], dtype=np.uint64).astype("<u4")
    columns = (rows.tag, rows.t, bits, state.covered)
    parts = [_HEAD.pack(len(rows), len(encoded)), *(c.astype("<i8").tobytes() for c in columns)]
    parts += [rows.quality.astype("<u2").tobytes(), rows.form.tobytes(), ends.tobytes(), *encoded]
    return b"".join(parts)


def decode_state(data: bytes) -> InForceState:
    """The state of bytes whose checksum was right."""
    n, count = _HEAD.unpack_from(data)
    at = _HEAD.size
    columns = []
    for dtype in ("<i8", "<i8", "<i8", "<i8", "<u2", "u1"):
        columns.append(np.frombuffer(data, dtype, n, at))
        at += columns[-1].nbytes
    ends = np.frombuffer(data, "<u4", count, at).tolist()
    at += 4 * count
    objects = [decode_object(data[at + start : at + end]) for start, end in zip([0, *ends], ends, strict=False)]
    tag, t, bits, covered, quality, form = columns
    return InForceState(ColdRows(tag, t, bits, form, quality, np.zeros(n, np.int64), objects), covered)
