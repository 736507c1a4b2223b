"""From batches to transitions: limits, other conditions, delays and the state machine of one set of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmKind, AlarmSpec
from sereno.model import SampleBatch, TagSpec

from .conditions import Conditions
from .delays import Delays
from .families import Found
from .limits import Beyond, LimitChanges, LimitWatch, SpecLookup
from .machine import NODE, AlarmMachine, Rows, Transitions
from .states import Event, Hide

Mask = NDArray[np.bool_]
_LIMITS = (AlarmKind.LOLO, AlarmKind.LO, AlarmKind.HI, AlarmKind.HIHI)


class Evaluator:
    """Takes batches, gives transitions. Time is an argument: `t` ns UTC for the record, `now` seconds for delays.

    `tags` are declarations by path, `handles` their rows. Live use and replay over history differ in time only.
    """

    def __init__(
        self, specs: Sequence[AlarmSpec], lookup: SpecLookup, handles: Mapping[str, int], tags: Mapping[str, TagSpec]
    ) -> None:
        self.specs = tuple(specs)
        self.row = {spec.id: row for row, spec in enumerate(specs)}
        self.machine = AlarmMachine(specs)
        self.delays = Delays(specs)
        self.limits = LimitWatch(lookup, self._passed)
        self._conditions = Conditions(specs, handles, tags)
        self._of_limit = np.full((len(_LIMITS), max(handles.values(), default=-1) + 1), -1, np.intp)
        for row, spec in enumerate(specs):
            if spec.kind in _LIMITS:
                self._of_limit[_LIMITS.index(spec.kind), handles[spec.inputs[0]]] = row
        self._handles = handles
        self._t, self._now = 0, 0.0
        self._out: list[Transitions] = []

    def take(self, batch: SampleBatch, t: int, now: float) -> list[Transitions]:
        """What a batch leads to."""
        self._t, self._now = t, now
        self.limits.accept(batch)
        if self._conditions.take(batch):
            turned, hiding = self._conditions.look()
            for found in hiding:
                self._hide(found)
            for found in turned:
                times = np.full(len(found.rows), batch.t_source.max(initial=0))
                self.machine.observe(found.rows, found.values, found.quality, times)
                self._turned(found.rows, found.there)
        return self._taken()

    def tick(self, t: int, now: float) -> list[Transitions]:
        """What time alone leads to: delays that are over, shelves that end."""
        self._t, self._now = t, now
        self._standing(self.delays.due(now))
        self._add(self.machine.shelves_over(t))
        return self._taken()

    def next_due(self, t: int, now: float) -> float:
        """When `tick` has something to do next, in the seconds of `now`; infinite if never."""
        return min(self.delays.next_due, now + (self.machine.next_end - t) / 1e9)

    def act(self, rows: Rows, event: Event, t: int, *, actor: str, note: str = "", until: int = 0) -> list[Transitions]:
        """What somebody does."""
        self._add(self.machine.apply(rows, event, t, actor=actor, note=note, until=until))
        return self._taken()

    def tag_out(self, rows: Rows, t: int) -> list[Transitions]:
        """Exactly these alarms are of devices in maintenance from now on."""
        before = self.machine.hidden_by(Hide.MAINTENANCE)
        for changed, event in (
            (np.setdiff1d(rows, before), Event.TAGGED_OUT),
            (np.setdiff1d(before, rows), Event.TAGGED_IN),
        ):
            if changed.size:
                self._add(self.machine.apply(changed, event, t))
        return self._taken()

    def carry_over(self, before: Evaluator) -> None:
        """Go on from what another evaluator knows of the alarms that both have, delays under way included."""
        pairs = [(row, before.row[spec.id]) for row, spec in enumerate(self.specs) if spec.id in before.row]
        to, source = np.array(pairs, np.intp).reshape(-1, 2).T
        self.machine.carry_over(before.machine, to, source)
        self.restored()
        self.delays.carry_over(before.delays, to, source)

    def restored(self) -> None:
        """To be called after the machine's columns were filled from the journal: conditions go on from there."""
        self.machine.restored()
        standing = self.machine.standing()
        self.delays.restore(standing)
        hidden = np.zeros(len(self.specs), np.bool_)
        hidden[self.machine.hidden_by(Hide.SUPPRESSED)] = True
        self._conditions.restore(standing, hidden)
        there = standing[self._of_limit] & (self._of_limit >= 0) if standing.size else self._of_limit >= 0
        for handle in np.flatnonzero(there.any(axis=0)).tolist():
            rows = self._of_limit[:, handle]
            self.limits.restore(handle, sum(1 << at for at, row in enumerate(rows) if row >= 0 and standing[row]))

    # ---- inside

    def _passed(self, changes: LimitChanges) -> None:
        different = changes.before ^ changes.after
        found: list[tuple[Rows, NDArray[np.intp], Mask]] = []
        for at, limit in enumerate(Beyond):
            which = np.flatnonzero(different & limit)
            if which.size:
                rows = self._of_limit[at, changes.handles[which]]
                which, rows = which[rows >= 0], rows[rows >= 0]
                found.append((rows, which, (changes.after[which] & limit) != 0))
        if not found:
            return
        rows, which, there = (np.concatenate(columns) for columns in zip(*found, strict=True))
        order = np.argsort(changes.t_source[which], kind="stable")  # what came first goes first
        rows, which, there = rows[order], which[order], there[order]
        self.machine.observe(rows, changes.values[which], changes.quality[which], changes.t_source[which])
        self._turned(rows, there)

    def _turned(self, rows: Rows, there: Mask) -> None:
        self._standing(self.delays.feed(rows, there, self._now))

    def _standing(self, rows: Rows) -> None:
        if rows.size:
            there = self.delays.standing[rows]
            for which, event in ((there, Event.RAISED), (~there, Event.CLEARED)):
                if which.any():
                    self._add(self.machine.apply(rows[which], event, self._t))

    def _hide(self, found: Found) -> None:
        for which, event in ((found.there, Event.SUPPRESSED), (~found.there, Event.UNSUPPRESSED)):
            if which.any():
                self._add(self.machine.apply(found.rows[which], event, self._t, actor=NODE))

    def _add(self, transitions: Transitions | None) -> None:
        if transitions is not None:
            self._out.append(transitions)

    def _taken(self) -> list[Transitions]:
        out, self._out = self._out, []
        return out
