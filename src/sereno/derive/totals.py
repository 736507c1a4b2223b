"""Totals: listens to every batch for counters and publishes their totals, a batch in, a batch out beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import structlog
from numpy.typing import NDArray

from sereno.client import GroupSpec, IngestPort
from sereno.model import ExactBlock, GroupId, Quality, RowIndex, SampleBatch, TagSpec, seal

from .counter import UNSEEN, CounterRule, Counters

Rows = NDArray[np.intp]

PREFIX = "totals of "
"""Name of a derived group: this and that of the scan group that its sources are in."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CounterGroup:
    """Counters of one scan group; `specs` declare the tags of their totals, in the order of `rules`."""

    device: str
    name: str
    period: float
    stale_after: float
    rules: tuple[CounterRule, ...]
    specs: tuple[TagSpec, ...]


class _Group:
    """One derived group as it runs."""

    def __init__(self, group: CounterGroup, ingest: IngestPort) -> None:
        handles = ingest.register_tags(group.specs).tolist()
        order = sorted(range(len(handles)), key=handles.__getitem__)
        rules, specs = tuple(group.rules[at] for at in order), tuple(group.specs[at] for at in order)
        self.group = group = replace(group, rules=rules, specs=specs)
        self.counters = Counters(rules)
        self.index = RowIndex([handles[at] for at in order])
        spec = GroupSpec(PREFIX + group.name, group.device, group.period, group.stale_after, self.index)
        self.id: GroupId = ingest.register_group(spec)
        self.seq = 0
        self.rows: NDArray[np.int32] = np.arange(len(group.rules), dtype=np.int32)
        self.rows.setflags(write=False)

    def batch(self, source: SampleBatch, rows: Rows) -> tuple[SampleBatch, Rows]:
        """The totals after a batch of their sources, and which of the counters were reset."""
        quality = source.quality[rows].copy()
        trusted = (quality == int(Quality.GOOD)) | (quality == int(Quality.CLOCK_SUSPECT))
        quality[quality == int(Quality.SUBSTITUTED)] = int(Quality.LAST_USABLE)
        reset = self.counters.count(_integers(source, rows), trusted)
        quality[reset] = int(Quality.UNCERTAIN)
        quality[(self.counters.reading == UNSEEN) & trusted] = int(Quality.WAITING)
        total = self.counters.total.copy()
        self.seq += 1
        made = seal(
            self.id,
            self.seq,
            self.index,
            total.astype(np.float64),
            source.t_source[rows],
            quality,
            exact=ExactBlock(self.rows, total),
            complete=source.complete,
        )
        return made, np.flatnonzero(reset)


class Totals:
    """A BatchSink. `handle_of` finds the handle of a path; registers its tags and groups when built."""

    def __init__(
        self, groups: Sequence[CounterGroup], ingest: IngestPort, handle_of: Callable[[str], int | None]
    ) -> None:
        self._ingest = ingest
        self._handle_of = handle_of
        self._totals: list[_Group] = []
        self._own: set[GroupId] = set()
        self._of_source: dict[int, tuple[_Group, int]] = {}
        self._plans: WeakKeyDictionary[RowIndex, tuple[_Group, Rows] | None] = WeakKeyDictionary()
        self._elsewhere: dict[str, tuple[int, int]] = {}
        self.resets = 0
        self.build(groups)

    def retire(self) -> None:
        """Withdraw tags and groups; what was counted is kept for those that `build` makes next."""
        kept = self.state()
        for totals in self._totals:
            self._ingest.withdraw_tags(totals.index.handles.tolist())
            self._ingest.end_group(totals.id)
        self._totals, self._own, self._of_source = [], set(), {}
        self._elsewhere = kept

    def build(self, groups: Sequence[CounterGroup]) -> None:
        """Register these, after `retire`. Raises ValueError for a source that is no tag."""
        self._totals = [_Group(group, self._ingest) for group in groups]
        self._own = {totals.id for totals in self._totals}
        self._plans = WeakKeyDictionary()
        for totals in self._totals:
            for position, rule in enumerate(totals.group.rules):
                handle = self._handle_of(rule.source)
                if handle is None:
                    raise ValueError(f"counter {rule.source!r} is no tag")
                self._of_source[handle] = totals, position
        self.restore(self._elsewhere)

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        if batch.group in self._own:
            return
        index = batch.index
        plan = self._plans[index] if index in self._plans else self._laid_out(index)
        if plan is None:
            return
        totals, rows = plan
        made, reset = totals.batch(batch, rows)
        for position in reset.tolist():
            self.resets += 1
            rule = totals.group.rules[position]
            log.warning("a counter was reset", tag=rule.source, reading=int(totals.counters.reading[position]))
        self._ingest.publish(made)

    def restore(self, kept: Mapping[str, tuple[int, int]]) -> None:
        """Go on from what `state` gave: what was counted meanwhile is the difference to the next reading."""
        self._elsewhere = dict(kept)
        for totals in self._totals:
            for position, spec in enumerate(totals.group.specs):
                pair = self._elsewhere.pop(str(int(spec.id)), None)
                if pair is not None:
                    totals.counters.reading[position], totals.counters.total[position] = pair

    def state(self) -> dict[str, tuple[int, int]]:
        """Reading and total of every counter that was read, to be kept together, by the id of the total's tag; also of
        those that the plant has no more, which may come back.
        """
        return self._elsewhere | {
            str(int(spec.id)): (int(totals.counters.reading[i]), int(totals.counters.total[i]))
            for totals in self._totals
            for i, spec in enumerate(totals.group.specs)
            if totals.counters.reading[i] != UNSEEN
        }

    def statistics(self) -> dict[str, int]:
        """Counters since the start."""
        return {"counters": len(self._of_source), "counter_resets": self.resets}

    def _laid_out(self, index: RowIndex) -> tuple[_Group, Rows] | None:
        """Where in a batch of this index the sources of a group are."""
        found = [(i, self._of_source[h]) for i, h in enumerate(index.handles.tolist()) if h in self._of_source]
        plan = None
        if found:
            totals = found[0][1][0]
            rows = np.empty(len(totals.group.rules), np.intp)
            rows[[position for _, (_, position) in found]] = [i for i, _ in found]
            plan = totals, rows
        self._plans[index] = plan
        return plan


def _integers(batch: SampleBatch, rows: Rows) -> Any:
    """int64 of these rows; NaN and what is no number of the counter become negative, which nothing trusts."""
    values = batch.values[rows]
    with np.errstate(invalid="ignore"):
        found = np.where(np.isfinite(values) & (np.abs(values) < 2.0**63), values, -1.0).astype(np.int64)
    if batch.exact is not None:
        at = np.searchsorted(batch.exact.rows, rows)
        inside = at < len(batch.exact.rows)
        exact = inside.copy()
        exact[inside] = batch.exact.rows[at[inside]] == rows[inside]
        found[exact] = batch.exact.values[at[exact]]
    return found
