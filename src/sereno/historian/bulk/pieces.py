"""One part of an import: an Arrow stream of times and values, as columns by tag or as rows.

Rows have the columns `tag`, `t` and `value`; columns by tag have `t` and one column for each tag, named by its path.
`t` is int64 (ns UTC) or a timestamp in UTC, without nulls; numbers, strings for text, integers for int64 and uint64.
`quality` (uint16, codes of OPC UA) may be beside; good ones become imported, and where there is no value it is bad.
A part may be compressed; what it is once it is unpacked has a limit (unpacked.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64, U16
from sereno.historian.cold.rows import EXACT_INT, FLOAT, OBJECT_ROW, ColdRows, no_rows
from sereno.historian.cold.slots import DAY
from sereno.historian.tags import Definition
from sereno.model import Quality, ValueType

from .unpacked import check_size

_BAD = 0x8000
_EARLIEST = (-(1 << 63) // DAY + 1) * DAY
"""The first time (ns UTC) whose whole day has one."""


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """Float64 values of tags (`ids`, increasing) at the same times."""

    ids: I64
    t: I64
    values: Sequence[NDArray[np.float64]]
    quality: U16 | None

    def __len__(self) -> int:
        return len(self.t) * len(self.ids)

    def cut(self, start: int, end: int) -> Wide | None:
        """Those in [start, end), of which little holds no more memory than it needs; None if there are none."""
        a, b = np.searchsorted(self.t, [start, end]).tolist()
        if a == b or b - a == len(self.t):
            return self if b > a else None
        few = 2 * (b - a) < len(self.t)
        values = [column[a:b].copy() if few else column[a:b] for column in self.values]
        return Wide(self.ids, self.t[a:b].copy(), values, None if self.quality is None else self.quality[a:b].copy())

    def rows(self, start: int, end: int, place: int) -> ColdRows:
        """Those in [start, end), by tag."""
        return wide_rows([self], start, end, place)

    def last(self) -> tuple[I64, I64, I64, I64]:
        """Of each tag: its id, its first time, its last time, and how long before that the one before was."""
        step = _step(self.t)
        n = len(self.ids)
        return self.ids, np.full(n, self.t.min()), np.full(n, self.t.max()), np.full(n, step, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Long:
    """Rows of one form, as in ColdRows."""

    ids: I64
    t: I64
    bits: I64
    form: int
    quality: U16
    objects: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.t)

    def cut(self, start: int, end: int) -> Long | None:
        """See Wide."""
        at = np.flatnonzero((self.t >= start) & (self.t < end))
        if not len(at) or len(at) == len(self):
            return self if len(at) else None
        bits = self.bits[at]
        objects = [self.objects[i] for i in bits.tolist()] if self.form == OBJECT_ROW else []
        bits = np.arange(len(at), dtype=np.int64) if objects else bits
        return Long(self.ids[at], self.t[at], bits, self.form, self.quality[at], objects)

    def rows(self, start: int, end: int, place: int) -> ColdRows:
        """Those in [start, end), as they stand."""
        found = self.cut(start, end)
        if found is None:
            return no_rows()
        n = len(found)
        forms, places = np.broadcast_to(np.uint8(self.form), n), np.broadcast_to(np.int64(place), n)
        return ColdRows(found.ids, found.t, found.bits, forms, found.quality, places, found.objects)

    def last(self) -> tuple[I64, I64, I64, I64]:
        """See Wide."""
        ids, t = self.ids, self.t
        if not ((ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (t[1:] >= t[:-1]))).all():
            order = np.lexsort((t, ids))
            ids, t = ids[order], t[order]
        ends = np.flatnonzero(np.append(ids[1:] != ids[:-1], True))
        starts = np.concatenate(([0], ends[:-1] + 1))
        before = np.maximum(ends - 1, starts)
        return ids[ends], t[starts], t[ends], t[ends] - t[before]


Piece = Wide | Long


def pieces_of(part: memoryview, tags: Mapping[str, Definition]) -> list[Piece]:
    """What a part says; `tags` by path are those of the import. Raises ValueError."""
    import pyarrow as pa

    check_size(part)
    found: list[Piece] = []
    try:
        with pa.ipc.open_stream(pa.py_buffer(part)) as stream:
            for batch in stream:
                batch.validate(full=True)  # a length that its buffers do not have would be read beyond them
                if batch.num_rows:
                    found += _pieces(batch, tags)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not samples in Arrow: {error}") from error
    return found


def wide_rows(pieces: Sequence[Wide], start: int, end: int, place: int) -> ColdRows:
    """Rows of pieces with the same tags, whose times follow each other, in order of tag and time."""
    cuts = [np.searchsorted(piece.t, [start, end]).tolist() for piece in pieces]
    t = np.concatenate([piece.t[a:b] for piece, (a, b) in zip(pieces, cuts, strict=True)])
    values = np.concatenate(
        [piece.values[i][a:b] for i in range(len(pieces[0].ids)) for piece, (a, b) in zip(pieces, cuts, strict=True)]
    )
    tags, n = len(pieces[0].ids), len(values)
    codes = [_codes(piece, a, b) for piece, (a, b) in zip(pieces, cuts, strict=True)]
    quality = np.tile(np.concatenate(codes), tags)
    bits, quality = _known(values, quality)
    form, places = np.broadcast_to(np.uint8(FLOAT), n), np.broadcast_to(np.int64(place), n)
    return ColdRows(np.repeat(pieces[0].ids, len(t)), np.tile(t, tags), bits, form, quality, places)


def _codes(piece: Wide, a: int, b: int) -> U16:
    return np.zeros(b - a, np.uint16) if piece.quality is None else piece.quality[a:b]


def _known(values: NDArray[np.float64], quality: U16) -> tuple[I64, U16]:
    """Bits and qualities of numbers as they are stored."""
    quality = np.where(quality == int(Quality.GOOD), np.uint16(Quality.IMPORTED), quality).astype(np.uint16)
    missing = np.isnan(values)
    if missing.any():
        quality[missing & (quality < _BAD)] = int(Quality.BAD)
    return values.view(np.int64), quality


def _pieces(batch: Any, tags: Mapping[str, Definition]) -> Iterator[Piece]:
    names = batch.schema.names
    if "t" not in names or len(set(names)) < len(names):
        raise ValueError(f"columns {', '.join(names[:8])}, expected t and others, each once")
    if "tag" in names and "value" not in names:
        raise ValueError(f"columns {', '.join(names[:8])}, expected value beside tag and t")
    t = _times(batch.column("t"))
    quality = _quality(batch, len(t))
    if "tag" in names:
        yield from _long(batch, t, quality, tags)
        return
    columns = [name for name in names if name not in ("t", "quality")]
    floats = [name for name in columns if _form(_tag(tags, name)) == FLOAT]
    if floats and bool((np.diff(t) > 0).all()):
        floats.sort(key=lambda name: tags[name].id)
        ids = np.array([tags[name].id for name in floats], np.int64)
        yield Wide(ids, t, [_floats(batch.column(name), name) for name in floats], quality)
    else:
        floats = []
    for name in columns:
        if name not in floats:
            yield _one(tags[name], np.full(len(t), tags[name].id, np.int64), t, batch.column(name), quality)


def _long(batch: Any, t: I64, quality: U16 | None, tags: Mapping[str, Definition]) -> Iterator[Piece]:
    import pyarrow as pa

    column = batch.column("tag")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.null_count:
        raise ValueError("a row without a tag")
    named = [_tag(tags, name) for name in column.dictionary.to_pylist()]
    codes = column.indices.to_numpy().astype(np.int64)
    ids = np.array([definition.id for definition in named], np.int64)[codes]
    kinds = [_kind(definition) for definition in named]
    value = batch.column("value")
    if len(set(kinds)) == 1:
        yield _one(named[0], ids, t, value, quality)
        return
    of_row = np.array(kinds, np.int8)[codes]
    for kind in sorted(set(kinds)):
        which = np.flatnonzero(of_row == kind)
        some = None if quality is None else quality[which]
        of_kind = named[kinds.index(kind)]
        if len(which):
            yield _one(of_kind, ids[which], t[which], value.take(pa.array(which)), some)


def _one(definition: Definition, ids: I64, t: I64, column: Any, quality: U16 | None) -> Long:
    """Rows of tags that are all of the kind of `definition`."""
    codes = np.zeros(len(t), np.uint16) if quality is None else quality
    form = _form(definition)
    if form == FLOAT:
        bits, known = _known(_floats(column, definition.path), codes)
        return Long(ids, t, bits, form, known)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    known = np.where(codes == int(Quality.GOOD), np.uint16(Quality.IMPORTED), codes).astype(np.uint16)
    known[missing & (known < _BAD)] = int(Quality.BAD)
    if form == EXACT_INT:
        return Long(ids, t, _whole(column, definition), form, known)
    return Long(ids, t, np.arange(len(t), dtype=np.int64), OBJECT_ROW, known, _texts(column, definition))


def _whole(column: Any, definition: Definition) -> I64:
    import pyarrow as pa

    kind = pa.uint64() if definition.type is ValueType.UINT64 else pa.int64()
    if not pa.types.is_integer(column.type):
        raise ValueError(f"values of {definition.path!r} are {column.type}, expected {kind}")
    found: I64 = column.cast(kind).fill_null(0).to_numpy().view(np.int64)
    return found


def _floats(column: Any, path: str) -> NDArray[np.float64]:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise ValueError(f"values of {path!r} are {kind}, expected numbers")
    found: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


def _texts(column: Any, definition: Definition) -> list[Any]:
    import pyarrow as pa

    if not pa.types.is_string(column.type):
        raise ValueError(f"values of {definition.path!r} are {column.type}, expected strings")
    return list(column.to_pylist())


def _tag(tags: Mapping[str, Definition], name: str) -> Definition:
    definition = tags.get(name)
    if definition is None:
        raise ValueError(f"{name!r} is not a tag of this import")
    if definition.shape:
        raise ValueError(f"{name!r} is an array; arrays are not imported")
    return definition


def _form(definition: Definition) -> int:
    if not definition.is_row:
        return OBJECT_ROW
    return EXACT_INT if definition.type.is_exact else FLOAT


def _kind(definition: Definition) -> int:
    """Tags of one kind have values of one type."""
    return 3 if definition.type is ValueType.UINT64 else _form(definition)


def _times(column: Any) -> I64:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz == "UTC":
        column = column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    if column.null_count or not pa.types.is_int64(column.type):
        raise ValueError(f"times are {kind}, expected int64 (ns) or timestamps in UTC, none of them null")
    found: I64 = column.to_numpy()
    if len(found) and found.min() < _EARLIEST:
        raise ValueError(f"a time is {found.min()} ns, which is none (NaT); leave out rows without a time")
    return found


def _quality(batch: Any, n: int) -> U16 | None:
    import pyarrow as pa

    if "quality" not in batch.schema.names:
        return None
    column = batch.column("quality")
    if column.null_count or not pa.types.is_uint16(column.type):
        raise ValueError(f"qualities are {column.type}, expected uint16, none of them null")
    found: U16 = column.to_numpy()
    return found if found.any() and n else None


def _step(t: I64) -> int:
    return int(t[-1] - t[-2]) if len(t) > 1 else 0
