"""A set of tags that subscriptions share: which rows of a batch are of it, and what they look like as an update."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sereno.model import RowIndex, TagSpec

from .admission import Admitted
from .reasons import Reasons
from .table import LiveTable

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
_NONE: I32 = np.empty(0, np.int32)
_NONE.setflags(write=False)
_NO_INTEGERS: I64 = np.empty(0, np.int64)
_NO_INTEGERS.setflags(write=False)


class Columns(NamedTuple):
    """The columns of a `client.Update`, in its order; read-only, shared by all subscriptions of a selection."""

    positions: I32
    values: NDArray[np.float64]
    t_source: I64
    quality: NDArray[np.uint16]
    exact_rows: I32
    exact_values: I64
    objects: tuple[tuple[int, Any, int, int], ...]
    reasons: dict[int, str]


@dataclass(slots=True, eq=False)
class Pick:
    """What a batch changed in a selection: positions of rows, of objects, and of those whose quality code changed."""

    selection: Selection
    index: I32
    objects: tuple[int, ...]
    requalified: I32
    t_hub: int
    _columns: Columns | None = None

    def columns(self) -> Columns:
        """As of the first call; later ones give the same."""
        if self._columns is None:
            self._columns = self.selection.gather(self.index, self.objects, self.requalified)
        return self._columns


class _Map(NamedTuple):
    """Positions by row of a RowIndex, -1 where the selection lacks the tag; `whole` = it lacks none."""

    positions: I32
    whole: bool


class Selection:
    """Tags by position. What is computed for a RowIndex is kept as long as that RowIndex lives."""

    def __init__(self, table: LiveTable, reasons: Reasons, handles: I32) -> None:
        self.handles = handles
        self.tags: tuple[TagSpec, ...] = tuple(table.spec(h) for h in handles.tolist())
        self._table = table
        self._reasons = reasons
        self._by_handle = np.argsort(handles).astype(np.int32)
        self._sorted = handles[self._by_handle]
        self._maps: WeakKeyDictionary[RowIndex, _Map | None] = WeakKeyDictionary()
        self._object_positions = {int(handles[p]): p for p, tag in enumerate(self.tags) if not tag.is_row}
        self._is_object = np.array([not tag.is_row for tag in self.tags], np.bool_)
        self._has_exact = any(tag.is_row and tag.type.is_exact for tag in self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def pick(self, admitted: Admitted) -> Pick | None:
        """The part of a batch that changed and is of this selection; None if there is none."""
        index = requalified = _NONE
        rows = self._map(admitted.batch.index)
        if rows is not None:
            index = rows.positions[admitted.rows]
            requalified = rows.positions[admitted.requalified] if admitted.requalified.size else _NONE
            if not rows.whole:
                index, requalified = index[index >= 0], requalified[requalified >= 0]
        objects: tuple[int, ...] = ()
        if admitted.objects and self._object_positions:
            objects, requalified = self._pick_objects(admitted, requalified)
        if not index.size and not objects:
            return None
        return Pick(self, index, objects, requalified, admitted.batch.t_hub)

    def everything(self) -> Columns:
        """All tags, with a reason for each that is not good."""
        every = np.arange(len(self), dtype=np.int32)
        return self.gather_mixed(every, every)

    def gather_mixed(self, positions: I32, requalified: I32) -> Columns:
        """As `gather`, for positions of rows and objects in one column."""
        if not self._object_positions:
            return self.gather(positions, (), requalified)
        is_object = self._is_object[positions]
        return self.gather(positions[~is_object], positions[is_object].tolist(), requalified)

    def gather(self, index: I32, objects: Iterable[int], requalified: I32) -> Columns:
        """The present values at these positions, and why the requalified ones are not good."""
        table = self._table
        at = self.handles[index]
        values, t_source, quality = table.value[at], table.t_source[at], table.quality[at]
        exact_rows, exact_values = _NONE, _NO_INTEGERS
        if self._has_exact:
            exact_rows = table.exact_rows(at)
            exact_values = table.exact[at[exact_rows]]
        for column in (index, values, t_source, quality, exact_rows, exact_values):
            column.setflags(write=False)
        beside = tuple(self._object(p) for p in objects)
        return Columns(index, values, t_source, quality, exact_rows, exact_values, beside, self._words(requalified))

    def _object(self, position: int) -> tuple[int, Any, int, int]:
        table, handle = self._table, int(self.handles[position])
        return position, table.objects.get(handle), int(table.t_source[handle]), int(table.quality[handle])

    def _words(self, positions: I32) -> dict[int, str]:
        if not positions.size:
            return {}
        table = self._table
        at = self.handles[positions]
        codes = table.quality[at]
        wanted = np.flatnonzero(codes)
        said: dict[tuple[int, int], str] = {}
        words: dict[int, str] = {}
        for position, group, code in zip(
            positions[wanted].tolist(), table.group[at[wanted]].tolist(), codes[wanted].tolist(), strict=True
        ):
            handle = int(self.handles[position])
            text = self._reasons.text(group, code, handle) if handle in self._reasons.own else said.get((group, code))
            if text is None:
                text = said[group, code] = self._reasons.text(group, code)
            words[position] = text
        return words

    def _pick_objects(self, admitted: Admitted, requalified: I32) -> tuple[tuple[int, ...], I32]:
        mine = self._object_positions
        objects = tuple(mine[o.handle] for o in admitted.objects if o.handle in mine)
        recoded = [mine[h] for h in admitted.requalified_objects if h in mine]
        return objects, np.concatenate((requalified, np.array(recoded, np.int32))) if recoded else requalified

    def _map(self, index: RowIndex) -> _Map | None:
        try:
            return self._maps[index]
        except KeyError:
            found = self._maps[index] = self._match(index)
            return found

    def _match(self, index: RowIndex) -> _Map | None:
        if not len(self) or not len(index):
            return None
        at = np.minimum(np.searchsorted(self._sorted, index.handles), len(self) - 1)
        mine = self._sorted[at] == index.handles
        if not mine.any():
            return None
        return _Map(np.where(mine, self._by_handle[at], -1).astype(np.int32), bool(mine.all()))
