"""Limits over batches: of a scan only the rows whose limits came or went are looked at one by one.

Each row has a floor and a ceiling between which nothing can change, given the limits that are beyond now and the way
back by the deadband. So the live path makes two comparisons a value, over columns that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sereno.model import Limits, RowIndex, SampleBatch, TagSpec

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Views: TypeAlias = "list[tuple[int, int, F64, F64]]"

BLOCK = 16384
"""Rows worked on at a time: what a block touches stays in the second-level cache."""
DENSE = 0.25
"""Share of rows with limits from which a group of contiguous handles is compared whole, without gathering."""
_BAD = 0x8000
_UNSEEN, _WITHOUT = -2, -1
_BITS: U8 = np.array([[1], [2], [4], [8]], np.uint8)
_UPPER: Mask = np.array([[False], [False], [True], [True]])
_SIGN: F64 = np.array([[-1.0], [-1.0], [1.0], [1.0]])


class Beyond(IntFlag):
    """Which limits a value is beyond; several at once."""

    LOLO = 1
    LO = 2
    HI = 4
    HIHI = 8


class SpecLookup(Protocol):
    """Declarations by handle."""

    def spec(self, handle: int) -> TagSpec:
        """Raises IndexError for a handle that was never given out."""


@dataclass(frozen=True, slots=True, eq=False)
class LimitChanges:
    """Rows of one batch whose limits changed: `before` and `after` are sets of `Beyond` (uint8); equal lengths."""

    handles: I32
    before: U8
    after: U8
    values: F64
    t_source: I64
    quality: U16
    t_hub: int


@dataclass(slots=True, eq=False)
class _Plan:
    """Where the rows of one RowIndex lie. `rows` None: all of them, in contiguous handles."""

    first: int
    rows: Rows | None
    handles: Rows
    generation: int = -1
    views: Views | None = None


class LimitWatch:
    """A BatchSink that tells `changed` which limits were passed. Bad values leave the limits as they are.

    A limit is passed strictly (above hi, below lo) and left when the value is back by the deadband.
    """

    def __init__(self, lookup: SpecLookup, changed: Callable[[LimitChanges], None]) -> None:
        self._lookup = lookup
        self._changed = changed
        self._plans: WeakKeyDictionary[RowIndex, _Plan | None] = WeakKeyDictionary()
        self._generation = 0
        self._slot = np.empty(0, np.int32)
        self._floor = np.empty(0)
        self._ceiling = np.empty(0)
        self._book = _Book()
        self._low_out = np.empty(BLOCK, np.bool_)
        self._high_out = np.empty(BLOCK, np.bool_)
        self._gathered = tuple(np.empty(BLOCK) for _ in range(3))
        self.evaluated = 0
        self.changes = 0

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        index = batch.index
        plan = self._plans[index] if index in self._plans else self._laid_out(index)
        if plan is None:
            return
        with np.errstate(invalid="ignore"):  # a device may send signalling NaN
            if plan.rows is None:
                rows = self._outside(batch, plan)
                self.evaluated += len(index)
            else:
                rows = self._outside_gathered(batch, plan, plan.rows)
                self.evaluated += len(plan.rows)
        if rows.size:
            self._look(batch, rows[batch.quality[rows] < _BAD])

    def beyond(self, handle: int) -> Beyond:
        """What the tag is beyond now."""
        slot = int(self._slot[handle]) if handle < len(self._slot) else _UNSEEN
        return Beyond(int(self._book.beyond[slot])) if slot >= 0 else Beyond(0)

    def restore(self, handle: int, beyond: int) -> None:
        """Begin with the tag beyond these limits, as before a restart; those that it has no more are left out."""
        handles = np.array([handle], np.intp)
        self._learn(handles)
        slots = self._slot[handles]
        if slots[0] >= 0:
            self._book.beyond[slots] = beyond & _existing(self._book.limits[:, slots])
            self._bound(handles, slots, _members(self._book.beyond[slots]))

    def statistics(self) -> dict[str, int]:
        """Counters since the start, and how many tags are beyond a limit now."""
        return {
            "limit_tags": len(self._book.beyond),
            "limits_evaluated": self.evaluated,
            "limit_changes": self.changes,
            "tags_beyond": int(np.count_nonzero(self._book.beyond)),
        }

    # ---- the live path

    def _outside(self, batch: SampleBatch, plan: _Plan) -> Rows:
        found: list[Rows] = []
        values = batch.values
        for low, high, floor, ceiling in self._views(plan):
            new = values[low:high]
            below = np.less(new, floor, out=self._low_out[: high - low])
            out = np.greater(new, ceiling, out=self._high_out[: high - low])
            np.logical_or(out, below, out=out)
            if out.any():
                found.append(out.nonzero()[0] + low)
        return _joined(found)

    def _outside_gathered(self, batch: SampleBatch, plan: _Plan, rows: Rows) -> Rows:
        found: list[Rows] = []
        for low in range(0, len(rows), BLOCK):
            at, handles = rows[low : low + BLOCK], plan.handles[low : low + BLOCK]
            value, floor, ceiling = (buffer[: len(at)] for buffer in self._gathered)
            np.take(batch.values, at, out=value, mode="clip")
            np.take(self._floor, handles, out=floor, mode="clip")
            np.take(self._ceiling, handles, out=ceiling, mode="clip")
            below = np.less(value, floor, out=self._low_out[: len(at)])
            out = np.greater(value, ceiling, out=self._high_out[: len(at)])
            np.logical_or(out, below, out=out)
            if out.any():
                found.append(at[out])
        return _joined(found)

    def _look(self, batch: SampleBatch, rows: Rows) -> None:
        if not rows.size:
            return
        handles, values, book = batch.handles[rows], batch.values[rows], self._book
        slots = self._slot[handles]
        before = book.beyond[slots]
        signed = values * _SIGN
        passed = signed > book.returns[:, slots]
        passed &= _members(before)
        passed |= signed > book.limits[:, slots]
        after: U8 = np.bitwise_or.reduce(passed * _BITS, axis=0)
        book.beyond[slots] = after
        self._bound(handles, slots, passed)
        self.changes += rows.size
        self._changed(
            LimitChanges(handles, before, after, values, batch.t_source[rows], batch.quality[rows], batch.t_hub)
        )

    def _bound(self, handles: Any, slots: I32, passed: Mask) -> None:
        """Between which values nothing changes for these tags."""
        upward = passed ^ _UPPER
        self._ceiling[handles] = np.fmin.reduce(np.where(upward, self._book.upward[:, slots], np.inf))
        self._floor[handles] = np.fmax.reduce(np.where(upward, -np.inf, self._book.downward[:, slots]))

    # ---- once per index

    def _laid_out(self, index: RowIndex) -> _Plan | None:
        handles = index.handles.astype(np.intp)
        self._learn(handles)
        limited = np.flatnonzero(self._slot[handles] >= 0)
        plan: _Plan | None = None
        if limited.size:
            contiguous = bool(handles[-1] - handles[0] == handles.size - 1)
            whole = contiguous and limited.size >= DENSE * handles.size
            plan = _Plan(int(handles[0]), None if whole else limited, handles if whole else handles[limited])
        self._plans[index] = plan
        return plan

    def _views(self, plan: _Plan) -> Views:
        if plan.views is None or plan.generation != self._generation:
            first, n = plan.first, len(plan.handles)
            cuts = [(low, min(low + BLOCK, n)) for low in range(0, n, BLOCK)]
            plan.views = [
                (low, high, self._floor[first + low : first + high], self._ceiling[first + low : first + high])
                for low, high in cuts
            ]
            plan.generation = self._generation
        return plan.views

    def _learn(self, handles: Rows) -> None:
        """Take up the limits of tags that were not seen before."""
        if handles.size:
            self._reserve(int(handles.max()) + 1)
        fresh = handles[self._slot[handles] == _UNSEEN]
        self._slot[fresh] = _WITHOUT
        declared = [(handle, self._lookup.spec(handle).limits) for handle in fresh.tolist()]
        limited = [(handle, limits) for handle, limits in declared if limits is not None and has_any(limits)]
        if limited:
            taken = np.array([handle for handle, _ in limited], np.intp)
            slots = self._book.add([limits for _, limits in limited])
            self._slot[taken] = slots
            self._bound(taken, slots, _members(self._book.beyond[slots]))

    def _reserve(self, size: int) -> None:
        old = len(self._slot)
        if size <= old:
            return
        more = max(size, 2 * old, 1024) - old
        self._slot = np.concatenate((self._slot, np.full(more, _UNSEEN, np.int32)))
        self._floor = np.concatenate((self._floor, np.full(more, -np.inf)))
        self._ceiling = np.concatenate((self._ceiling, np.full(more, np.inf)))
        self._generation += 1


class _Book:
    """The limits of the tags that have any, by slot: (4, n) in the order of Beyond.

    `limits` and `returns` are signed so that all four are passed upwards; `upward` and `downward` are what a value
    must be strictly beyond for a change, in the tag's unit. NaN where there is no limit.
    """

    def __init__(self) -> None:
        self.beyond = np.zeros(0, np.uint8)
        self.limits, self.returns, self.upward, self.downward = (np.empty((4, 0)) for _ in range(4))

    def add(self, declared: Sequence[Limits]) -> I32:
        """Slots of further tags."""
        first = len(self.beyond)
        limits = np.array([limit_column(limits) for limits in declared]).T * _SIGN
        returns = limits - np.array([limits.deadband for limits in declared])
        back = np.nextafter(returns, np.inf) * _SIGN
        self.beyond = np.concatenate((self.beyond, np.zeros(len(declared), np.uint8)))
        self.limits = np.concatenate((self.limits, limits), axis=1)
        self.returns = np.concatenate((self.returns, returns), axis=1)
        plain = limits * _SIGN
        self.upward = np.concatenate((self.upward, np.where(_UPPER, plain, back)), axis=1)
        self.downward = np.concatenate((self.downward, np.where(_UPPER, back, plain)), axis=1)
        return np.arange(first, len(self.beyond), dtype=np.int32)


def has_any(limits: Limits) -> bool:
    """True if at least one of the four is declared."""
    return not np.isnan(limit_column(limits)).all()


def limit_column(limits: Limits) -> list[float]:
    """lolo, lo, hi, hihi; NaN where there is none."""
    given = (limits.lolo, limits.lo, limits.hi, limits.hihi)
    return [np.nan if limit is None else float(limit) for limit in given]


def _members(sets: U8) -> Mask:
    """Sets of Beyond as (4, n)."""
    members: Mask = (sets & _BITS) != 0
    return members


def _existing(limits: F64) -> U8:
    sets: U8 = np.bitwise_or.reduce(np.isfinite(limits) * _BITS, axis=0)
    return sets


def _joined(parts: list[Rows]) -> Rows:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, np.intp)
