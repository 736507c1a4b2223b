"""The files of one slot: read back into rows, and written from rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import F64, I64
from sereno.historian.tags import Definition
from sereno.model import ValueType

from .blocks import Columns
from .kinds import DOUBLE, INT64, MAX_DECIMALS, OBJECT, UINT64, decimal, places
from .manifest import ColdFile
from .reading import ColdReader
from .rollup import rollups
from .rows import EXACT_INT, FLOAT, OBJECT_ROW, ColdRows
from .thinned import Kept, merged
from .writing import ColdWriter, Target, unit_of

_BAD = 0x8000
_WHOLE = 1e15
Which = slice | NDArray[np.intp]
_FLOATS = (ValueType.FLOAT64, ValueType.FLOAT32)


def rows_in(reader: ColdReader, file: ColdFile, group: int) -> ColdRows:
    """The samples of one row group."""
    if file.kind == OBJECT:
        columns, objects = reader.objects(file, group)
        bits: I64 = np.arange(len(objects), dtype=np.int64)
        return _rows(columns, bits, OBJECT_ROW, objects)
    columns = reader.read(file, group, ("tag", "t", "value", "quality"))
    return _rows(columns, *bits_of(columns["value"], file.kind), [])


def bits_of(values: NDArray[Any], kind: str) -> tuple[I64, int]:
    """The bits of stored values, and what they are."""
    scale = places(kind)
    if scale is not None:
        return (values / 10.0**scale).view(np.int64), FLOAT
    if kind == DOUBLE:
        return values.view(np.int64), FLOAT
    return values, EXACT_INT


def _rows(columns: Mapping[str, NDArray[Any]], bits: I64, form: int, objects: list[Any]) -> ColdRows:
    forms = np.full(len(bits), form, np.uint8)
    quality = columns["quality"].astype(np.uint16)
    return ColdRows(columns["tag"], columns["t"], bits, forms, quality, np.zeros(len(bits), np.int64), objects)


def write_slot(target: Target, rows: ColdRows, declared: Declared, kept: Kept | None = None) -> list[ColdFile]:
    """Write all files of a slot; `rows` in order of tag and time. Roll-ups are made of them but for `kept`.

    Raises OSError.
    """
    sorter = _Sorter(rows, declared)
    written: list[ColdFile] = []

    def write(kind: str, columns: Mapping[str, NDArray[Any]]) -> None:
        if len(columns["tag"]):
            writer = ColdWriter(target, kind, unit_of(columns["t"]))
            writer.write(columns)
            written.append(writer.finish())

    for kind, which, values in sorter.kinds():
        write(kind, {"tag": rows.tag[which], "t": rows.t[which], "value": values, "quality": rows.quality[which]})
    beside = np.flatnonzero(rows.form == OBJECT_ROW)
    if len(beside):
        mine = rows.take(beside)
        writer = ColdWriter(target, OBJECT, unit_of(mine.t))
        writer.write_objects(mine)
        written.append(writer.finish())
    rolled = rows if kept is None or not len(kept.tags) else rows.take(np.flatnonzero(~np.isin(rows.tag, kept.tags)))
    for kind, made in _rollups(rolled, declared).items():
        write(kind, merged([made, kept.rollups[kind]]) if kept is not None and kind in kept.rollups else made)
    return written


def rolled_up(rows: ColdRows, declared: Declared) -> dict[str, Columns]:
    """Roll-ups of rows by kind, of tags with few samples too."""
    return _rollups(rows, declared, every=True)


def _rollups(rows: ColdRows, declared: Declared, *, every: bool = False) -> dict[str, Columns]:
    """Columns of the roll-ups of all rows that are numbers."""
    values: F64 = rows.values
    exact = rows.form == EXACT_INT
    if exact.any():
        values = np.where(exact, rows.bits.astype(np.float64), values)
        unsigned, _ = declared.of(rows.tag[exact])
        huge = np.flatnonzero(exact)[unsigned]
        values[huge] = rows.bits[huge].view(np.uint64).astype(np.float64)
    numbers = rows.form != OBJECT_ROW
    if numbers.all():
        return rollups(rows.tag, rows.t, values, rows.quality, every=every)
    return rollups(rows.tag[numbers], rows.t[numbers], values[numbers], rows.quality[numbers], every=every)


class Declared:
    """What tags were declared as, as far as it decides how they are stored. `ids` are increasing."""

    def __init__(self, definitions: Mapping[int, Definition]) -> None:
        self.ids: I64 = np.array(sorted(definitions), np.int64)
        found = [definitions[tag] for tag in self.ids.tolist()]
        self._unsigned = np.array([d.type is ValueType.UINT64 for d in found], np.bool_)
        self._places = np.array([_places(d) for d in found], np.int8)
        self._forms = np.array([_form(d) for d in found], np.uint8)

    def of(self, tags: I64) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
        """Which are uint64, and the decimal places that their values are declared to have; -1 = any."""
        if not len(self.ids):
            return np.zeros(len(tags), np.bool_), np.full(len(tags), -1, np.int8)
        at = np.minimum(np.searchsorted(self.ids, tags), len(self.ids) - 1)
        known = self.ids[at] == tags
        return known & self._unsigned[at], np.where(known, self._places[at], np.int8(-1))

    def forms(self, tags: I64) -> NDArray[np.uint8]:
        """What the bits of rows of these tags are, of which all are declared."""
        found: NDArray[np.uint8] = self._forms[np.searchsorted(self.ids, tags)]
        return found


class _Sorter:
    """Divides the rows of a slot into the kinds in which they are stored exactly."""

    def __init__(self, rows: ColdRows, declared: Declared) -> None:
        self._rows = rows
        new = np.concatenate(([True], rows.tag[1:] != rows.tag[:-1]))[: len(rows)]
        self._starts = np.flatnonzero(new)
        self._lengths = np.diff(self._starts, append=len(rows))
        unsigned, places = declared.of(rows.tag[self._starts])
        self._scales = np.unique(places[places >= 0]).tolist()
        self._unsigned = np.repeat(unsigned, self._lengths)
        self._places = np.repeat(places, self._lengths)

    def kinds(self) -> list[tuple[str, Which, NDArray[Any]]]:
        """Kinds, the positions of their rows, and the values as they are stored."""
        rows = self._rows
        found: list[tuple[str, Which, NDArray[Any]]] = []
        if (rows.form == EXACT_INT).any():
            exact = rows.form == EXACT_INT
            for kind, which in ((INT64, exact & ~self._unsigned), (UINT64, exact & self._unsigned)):
                at = np.flatnonzero(which)
                found.append((kind, at, rows.bits[at]))
        plain = rows.form == FLOAT
        for scale in self._scales:
            at, whole = self._whole(plain & (self._places == scale), scale)
            plain[at] = False
            found.append((decimal(scale), at, whole))
        every = slice(None) if plain.all() else np.flatnonzero(plain)
        found.append((DOUBLE, every, rows.values[every]))
        return [(kind, at, values) for kind, at, values in found if len(values)]

    def _whole(self, which: NDArray[np.bool_], scale: int) -> tuple[NDArray[np.intp], I64]:
        """Positions and integers of the tags among `which` all of whose values are whole at this scale."""
        rows = self._rows
        at = np.flatnonzero(which)
        if not len(at):
            return at, at.astype(np.int64)
        values = rows.values[at]
        missing = (rows.quality[at] >= _BAD) & ~np.isfinite(values)
        values = np.where(missing, 0.0, values)
        factor = 10.0**scale
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = np.rint(values * factor)
            fits = (np.abs(scaled) < _WHOLE) & (scaled / factor == values) & ~((values == 0) & np.signbit(values))
        starts = np.flatnonzero(np.concatenate(([True], rows.tag[at][1:] != rows.tag[at][:-1])))
        good = np.repeat(np.logical_and.reduceat(fits, starts), np.diff(starts, append=len(at)))
        return at[good], scaled[good].astype(np.int64)


def _form(definition: Definition) -> int:
    if not definition.is_row:
        return OBJECT_ROW
    return EXACT_INT if definition.type.is_exact else FLOAT


def _places(definition: Definition) -> int:
    if definition.type not in _FLOATS:
        return 0
    return definition.decimals if definition.decimals is not None and definition.decimals <= MAX_DECIMALS else -1
