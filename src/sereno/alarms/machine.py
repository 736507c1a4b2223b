"""The alarms of a plant as columns: events in, transitions out. Time is an argument; nothing here waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmSpec

from .states import NEXT, Event, Hide, active

Rows = NDArray[np.intp]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
NODE = "sereno"


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """Alarms that one event changed, in order. `t` ns UTC, `shelved_until` 0 where the alarm is not shelved."""

    rows: Rows
    event: Event
    t: int
    before: U8
    after: U8
    values: F64
    quality: U16
    t_source: I64
    shelved_until: int = 0
    actor: str = NODE
    note: str = ""

    def __len__(self) -> int:
        return len(self.rows)


class AlarmMachine:
    """Columns by alarm: `codes`, `since` (of the state), `raised` (the last time), value, quality and time of then."""

    def __init__(self, specs: Sequence[AlarmSpec]) -> None:
        n = len(specs)
        self._latching = np.array([spec.latch for spec in specs], np.intp)
        self.codes = np.zeros(n, np.uint8)
        self.since = np.zeros(n, np.int64)
        self.raised = np.zeros(n, np.int64)
        self.shelved_until = np.zeros(n, np.int64)
        self.values = np.full(n, np.nan)
        self.quality = np.zeros(n, np.uint16)
        self.t_source = np.zeros(n, np.int64)
        self.actors = [""] * n
        self.notes = [""] * n
        self.next_end = np.iinfo(np.int64).max

    def observe(self, rows: Rows, values: F64, quality: U16, t_source: I64) -> None:
        """What the tags of these alarms are now; goes with their next transitions."""
        self.values[rows], self.quality[rows], self.t_source[rows] = values, quality, t_source

    def apply(
        self, rows: Rows, event: Event, t: int, *, actor: str = NODE, note: str = "", until: int = 0
    ) -> Transitions | None:
        """The event for all of `rows` (each once); None if it changed nothing. `until` ns UTC goes with SHELVED."""
        before = self.codes[rows]
        after = NEXT[self._latching[rows], before, event]
        changed = after != before
        if event is Event.SHELVED:
            changed |= self.shelved_until[rows] != until  # shelved again, for another time
        if not changed.any():
            return None
        rows, before, after = rows[changed], before[changed], after[changed]
        self.codes[rows], self.since[rows] = after, t
        if event is Event.RAISED:
            self.raised[rows] = t
        if event in (Event.SHELVED, Event.UNSHELVED):
            self.shelved_until[rows] = until
            self.next_end = self._first_end()
        if actor != NODE or note:
            for row in rows.tolist():
                self.actors[row], self.notes[row] = actor, note
        columns = self.values[rows], self.quality[rows], self.t_source[rows]
        return Transitions(rows, event, t, before, after, *columns, until, actor, note)

    def shelves_over(self, t: int) -> Transitions | None:
        """Take off the shelf what has lain there for its time."""
        if t < self.next_end:
            return None
        over = np.flatnonzero((self.shelved_until > 0) & (self.shelved_until <= t))
        return self.apply(over, Event.UNSHELVED, t, note="its time is over")

    def standing(self) -> NDArray[np.bool_]:
        """Whose condition is there."""
        return active(self.codes)

    def hidden_by(self, hide: Hide) -> Rows:
        """Alarms that this hides."""
        return np.flatnonzero(self.codes & (hide << 4))

    def carry_over(self, before: AlarmMachine, to: Rows, source: Rows) -> None:
        """Have in the rows `to` what another machine has in its rows `source`."""
        for name in ("codes", "since", "raised", "shelved_until", "values", "quality", "t_source"):
            getattr(self, name)[to] = getattr(before, name)[source]
        for row, old in zip(to.tolist(), source.tolist(), strict=True):
            self.actors[row], self.notes[row] = before.actors[old], before.notes[old]

    def restored(self) -> None:
        """To be called after the columns were filled from the journal."""
        self.next_end = self._first_end()

    def _first_end(self) -> int:
        ends = self.shelved_until[self.shelved_until > 0]
        return int(ends.min()) if ends.size else int(np.iinfo(np.int64).max)
