"""Conditions that are no limits: expressions, deviation, states, rate of change, bad quality, silence; by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmKind, AlarmSpec
from sereno.model import Quality, RowIndex, SampleBatch, TagSpec

from .families import Family, Found, condition_of, families, hiding_of

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
_BAD = 0x8000
_ALONE = (AlarmKind.RATE, AlarmKind.BAD, AlarmKind.STALE)
_SILENT = (Quality.STALE, Quality.NOT_CONNECTED)
_EMPTY = Found(np.empty(0, np.intp), np.empty(0, np.bool_), np.empty(0), np.empty(0, np.uint16))


class _Plan(NamedTuple):
    """Which rows of an index are inputs, and their places in the columns."""

    rows: Rows
    slots: Rows


class Conditions:
    """Takes batches, tells which conditions turned. `suppressions` are the conditions that hide an alarm by design."""

    def __init__(self, specs: Sequence[AlarmSpec], handles: Mapping[str, int], tags: Mapping[str, TagSpec]) -> None:
        own = [c for row, spec in enumerate(specs) if (c := condition_of(spec, row, tags)) is not None]
        hiding = [c for row, spec in enumerate(specs) if (c := hiding_of(spec, row, tags)) is not None]
        needed = {path for condition in (*own, *hiding) for path in condition.expression.paths}
        needed |= {spec.inputs[0] for spec in specs if spec.kind in _ALONE}
        paths = sorted(needed, key=handles.__getitem__)
        slot = {path: at for at, path in enumerate(paths)}
        self._handles = np.array([handles[path] for path in paths], np.int32)
        self._values = np.full(len(paths), np.nan)
        self._quality = np.full(len(paths), Quality.WAITING, np.uint16)
        self._touched = np.zeros(len(paths), np.bool_)
        self._own = families(own, slot)
        self._hiding = families(hiding, slot)
        self._codes = [_Codes(specs, slot, kind) for kind in (AlarmKind.BAD, AlarmKind.STALE)]
        self._rates = _Rates(specs, slot)
        self._plans: WeakKeyDictionary[RowIndex, _Plan] = WeakKeyDictionary()

    def take(self, batch: SampleBatch) -> bool:
        """Note the values of a batch; True if there may be something to `look` at.

        What neither value nor quality of an input has changed for stays as it was judged.
        """
        plan = self._plans.get(batch.index)
        if plan is None:
            plan = self._plans[batch.index] = self._laid_out(batch.index)
        if plan.rows.size:
            values, quality = batch.values[plan.rows], batch.quality[plan.rows]
            self._touched[plan.slots] |= (values != self._values[plan.slots]) | (quality != self._quality[plan.slots])
            self._values[plan.slots] = values
            self._quality[plan.slots] = quality
            self._rates.take(batch, plan.rows, plan.slots)
        for sample in batch.objects:
            at = int(np.searchsorted(self._handles, sample.handle))
            if at < len(self._handles) and self._handles[at] == sample.handle:
                self._touched[at] |= self._quality[at] != sample.quality
                self._quality[at] = sample.quality
        return self._rates.found or bool(self._touched.any())

    def look(self) -> tuple[list[Found], list[Found]]:
        """Conditions that turned since the last look, and hiding ones. Those with an input that never came wait."""
        ready = self._quality != Quality.WAITING
        found = [self._looked(family, ready) for family in self._own]
        found += [codes.look(self._values, self._quality, self._touched & ready) for codes in self._codes]
        found.append(self._rates.look())
        hiding = [self._looked(family, ready) for family in self._hiding]
        self._touched.fill(False)
        return [f for f in found if f.rows.size], [f for f in hiding if f.rows.size]

    def restore(self, standing: Mask, hidden: Mask) -> None:
        """Begin with these conditions, as before a restart."""
        parts: list[Family | _Codes | _Rates] = [*self._own, *self._codes, self._rates]
        for part in parts:
            part.there[:] = standing[part.rows]
        for family in self._hiding:
            family.there[:] = hidden[family.rows]

    def _looked(self, family: Family, ready: Mask) -> Found:
        touched = self._touched[family.slots].any()
        return family.look(self._values, self._quality, ready) if touched else _EMPTY

    def _laid_out(self, index: RowIndex) -> _Plan:
        at = np.searchsorted(self._handles, index.handles)
        inside = np.minimum(at, max(0, len(self._handles) - 1))
        known = self._handles[inside] == index.handles if len(self._handles) else np.zeros(len(index.handles), np.bool_)
        return _Plan(np.flatnonzero(known), inside[known].astype(np.intp))


class _Codes:
    """Alarms on the quality of one tag each: bad, or silent."""

    def __init__(self, specs: Sequence[AlarmSpec], slot: Mapping[str, int], kind: AlarmKind) -> None:
        members = [(row, slot[spec.inputs[0]]) for row, spec in enumerate(specs) if spec.kind is kind]
        self.rows = np.array([row for row, _ in members], np.intp)
        self._slots = np.array([at for _, at in members], np.intp)
        self._silent = kind is AlarmKind.STALE
        self.there = np.zeros(len(members), np.bool_)

    def look(self, values: F64, quality: U16, touched: Mask) -> Found:
        """Those that turned."""
        if not self.rows.size or not touched[self._slots].any():
            return _EMPTY
        codes = quality[self._slots]
        there = np.isin(codes, _SILENT) if self._silent else codes >= _BAD
        turned = np.flatnonzero((there != self.there) & touched[self._slots])
        self.there[turned] = there[turned]
        return Found(self.rows[turned], there[turned], values[self._slots[turned]], codes[turned])


class _Rates:
    """Alarms on the change of one tag a second, over at least `over` seconds between two samples."""

    def __init__(self, specs: Sequence[AlarmSpec], slot: Mapping[str, int]) -> None:
        members = [(row, spec) for row, spec in enumerate(specs) if spec.kind is AlarmKind.RATE]
        self.rows = np.array([row for row, _ in members], np.intp)
        self._slots = np.array([slot[spec.inputs[0]] for _, spec in members], np.intp)
        self._limit = np.array([spec.limit or 0.0 for _, spec in members])
        self._back = self._limit - np.array([spec.deadband for _, spec in members])
        self._over = np.array([spec.over for _, spec in members])
        self._value = np.full(len(members), np.nan)
        self._t = np.zeros(len(members), np.int64)
        self.there = np.zeros(len(members), np.bool_)
        self._found: list[Found] = []

    @property
    def found(self) -> bool:
        """True if some have turned since the last look."""
        return bool(self._found)

    def take(self, batch: SampleBatch, rows: Rows, slots: Rows) -> None:
        """Compare with the sample before; bad ones and those that are no newer are passed over."""
        if not self.rows.size:
            return
        at = np.searchsorted(slots, self._slots)
        inside = np.minimum(at, len(slots) - 1)
        at_rows = rows[inside]
        values, t = batch.values[at_rows], batch.t_source[at_rows]
        usable = (slots[inside] == self._slots) & (batch.quality[at_rows] < _BAD) & np.isfinite(values)
        seconds = (t - self._t) / 1e9
        first = usable & np.isnan(self._value)
        judged = usable & ~first & (seconds > 0) & (seconds >= self._over)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.abs(values - self._value) / seconds
        there = (rate > self._limit) | (self.there & (rate > self._back))
        turned = np.flatnonzero(judged & (there != self.there))
        moved = first | judged
        self._value[moved], self._t[moved] = values[moved], t[moved]
        if turned.size:
            self.there[turned] = there[turned]
            codes = batch.quality[at_rows[turned]]
            self._found.append(Found(self.rows[turned], there[turned], rate[turned], codes))

    def look(self) -> Found:
        """Those that turned since the last look (several batches: the last word of each)."""
        if not self._found:
            return _EMPTY
        last = self._found[-1] if len(self._found) == 1 else _latest(self._found)
        self._found = []
        return last


def _latest(found: list[Found]) -> Found:
    rows, there, values, quality = (np.concatenate(columns) for columns in zip(*found, strict=True))
    _, last = np.unique(rows[::-1], return_index=True)
    at = len(rows) - 1 - last
    return Found(rows[at], there[at], values[at], quality[at])
