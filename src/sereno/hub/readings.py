"""Readings: rows of the live table as values for people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sereno.client import Reading
from sereno.model import Clock, object_value, row_value

from .groups import Groups
from .held import Held
from .reasons import Reasons
from .table import NO_GROUP, LiveTable


class Readings:
    """Makes readings of what is in the table now."""

    def __init__(self, table: LiveTable, groups: Groups, reasons: Reasons, clock: Clock) -> None:
        self._table = table
        self._groups = groups
        self._reasons = reasons
        self._clock = clock

    def one(self, handle: int) -> Reading:
        """The present value of a tag."""
        return next(self.of(np.array((handle,), np.int32)))

    def of(self, handles: NDArray[np.int32]) -> Iterator[Reading]:
        """The present values of tags, in their order. All values are of the moment of the call."""
        table = self._table
        columns = [c[handles].tolist() for c in (table.value, table.exact, table.quality, table.t_source, table.group)]
        order = handles.tolist()
        objects = [table.objects.get(h) for h in order] if table.objects else [None] * len(order)
        return self._each(zip(order, *columns, objects, self._ages(handles), strict=True))

    def made(self, handle: int, value: Held) -> Reading:
        """A value that is not in the table as a reading of the tag."""
        group = int(self._table.group[handle])
        row = (handle, value.value, value.exact or 0, value.quality, value.t_source, group, value.beside)
        return next(self._each(iter([(*row, self.age(handle))])))

    def age(self, handle: int) -> float:
        """Seconds since the last batch of the tag's group; inf if there never was one."""
        return self._ages(np.array((handle,), np.int32))[0]

    def _ages(self, handles: NDArray[np.int32]) -> list[float]:
        group = self._table.group[handles]
        known = (group != NO_GROUP) & self._groups.answered[group]
        ages: list[float] = np.where(known, self._clock.monotonic() - self._groups.last[group], np.inf).tolist()
        return ages

    def _each(self, rows: Iterator[tuple[int, float, int, int, int, int, object, float]]) -> Iterator[Reading]:
        for handle, number, exact, quality, t_source, group, beside, age in rows:
            spec = self._table.spec(handle)
            value = row_value(spec, number, exact, quality) if spec.is_row else object_value(spec, beside)
            why = self._reasons.text(group, quality, handle) if quality else ""
            yield Reading(spec, value, quality, why, t_source, age)
