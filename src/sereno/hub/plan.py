"""A read made ready: handles and words are settled once, a call only gathers columns from the live table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sereno.client import Present
from sereno.model import TagSpec

from .freshness import Freshness
from .groups import Groups
from .reasons import Reasons
from .table import INEXACT, NO_GROUP, LiveTable

I32 = NDArray[np.int32]
_NO_ROWS: I32 = np.empty(0, np.int32)
_NO_INTEGERS: NDArray[np.int64] = np.empty(0, np.int64)


class TablePlan:
    """Implements client.ReadPlan for tags of this table, given by handle."""

    def __init__(self, table: LiveTable, groups: Groups, reasons: Reasons, freshness: Freshness, handles: I32) -> None:
        self.tags: tuple[TagSpec, ...] = tuple(table.spec(h) for h in handles.tolist())
        self._table = table
        self._groups = groups
        self._reasons = reasons
        self._freshness = freshness
        self._clock = freshness.clock
        self._edition = table.edition
        is_row = np.array([tag.is_row for tag in self.tags], np.bool_)
        self._rows = np.flatnonzero(is_row).astype(np.int32)
        self._at = handles[self._rows]
        self._objects = [(p, int(handles[p])) for p in np.flatnonzero(~is_row).tolist()]
        self._may_be_exact = bool((table.exactness[self._at] != INEXACT).any())
        self._one = int(self._at[0]) if len(self._at) == 1 else -1

    @property
    def fresh(self) -> bool:
        """See ReadPlan."""
        return self._edition == self._table.edition

    def present(self) -> Present:
        """See ReadPlan."""
        self._freshness.before_reading()
        table, at = self._table, self._at
        quality = table.quality.take(at)
        exact_rows, exact_values = _NO_ROWS, _NO_INTEGERS
        if self._may_be_exact:
            exact_rows = table.exact_rows(at)
            exact_values = table.exact[at[exact_rows]]
        return Present(
            t_hub=self._clock.wall_ns(),
            index=self._rows,
            values=table.value.take(at),
            t_source=table.t_source.take(at),
            quality=quality,
            exact_rows=exact_rows,
            exact_values=exact_values,
            ages=self._ages(table.group.take(at)),
            objects=tuple(self._object(p, h) for p, h in self._objects),
            object_ages={p: self._age(int(table.group[h])) for p, h in self._objects},
            reasons=self._words(quality),
        )

    def row(self) -> tuple[float, int, int, float, int, str]:
        """See ReadPlan."""
        self._freshness.before_reading()
        table, handle = self._table, self._one
        group, quality = table.group.item(handle), table.quality.item(handle)
        words = self._reasons.text(group, quality, handle) if quality else ""
        value, age = table.value.item(handle), self._age(group)
        return value, table.t_source.item(handle), table.exact.item(handle), age, quality, words

    def _age(self, group: int) -> float:
        if group == NO_GROUP or not self._groups.answered[group]:
            return float("inf")
        return self._clock.monotonic() - float(self._groups.last[group])

    def _ages(self, groups: I32) -> NDArray[np.float32]:
        known = self._groups.answered.take(groups, mode="clip") & (groups != NO_GROUP)
        ages = self._clock.monotonic() - self._groups.last.take(groups, mode="clip")
        return np.where(known, ages, np.inf).astype(np.float32)

    def _object(self, position: int, handle: int) -> tuple[int, object, int, int]:
        table = self._table
        return position, table.objects.get(handle), int(table.t_source[handle]), int(table.quality[handle])

    def _words(self, quality: NDArray[np.uint16]) -> dict[int, str]:
        words = {}
        for row in np.flatnonzero(quality).tolist():
            words[int(self._rows[row])] = self._text(int(self._at[row]))
        for position, handle in self._objects:
            if self._table.quality[handle]:
                words[position] = self._text(handle)
        return words

    def _text(self, handle: int) -> str:
        return self._reasons.text(int(self._table.group[handle]), int(self._table.quality[handle]), handle)
