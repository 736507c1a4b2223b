"""The figures of ISA-18.2 over a journal, by columns: how many, how fast, in floods, which ones, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmFigures, AlarmState

I64 = NDArray[np.int64]
PERIOD = 600 * 10**9
FLOOD_BEGINS, FLOOD_ENDS = 10, 5
"""Alarms per operator in ten minutes: more than the first begins a flood, fewer than the second ends it."""
CHATTER_COUNT, CHATTER_NS = 3, 60 * 10**9
STALE_NS = 24 * 3600 * 10**9
TOP = 10
_STANDING = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True, eq=False)
class JournalColumns:
    """Rows of the journal in their order. `alarm` are places in `names`, `state` in the order of AlarmState."""

    names: Sequence[str]
    t: I64
    alarm: NDArray[np.intp]
    state: NDArray[np.intp]
    priority: NDArray[np.intp]


def figures(journal: JournalColumns, start: int, end: int, *, operators: int = 1) -> AlarmFigures:
    """Figures of [start, end) ns UTC. Rows before `start` only say how alarms stood when it began."""
    inside = (journal.t >= start) & (journal.t < end)
    came = inside & (journal.state == _place(AlarmState.UNACKNOWLEDGED))
    t, alarm = journal.t[came], journal.alarm[came]
    counts = np.bincount(alarm, minlength=len(journal.names))
    periods = np.bincount((t - start) // PERIOD, minlength=max(1, -(-(end - start) // PERIOD)))
    total = int(came.sum())
    waited = _acknowledged_after(journal, end)[came]
    waited = waited[waited >= 0] / 1e9
    floods, in_flood = _floods(periods, operators)
    top = np.lexsort((np.array(journal.names, dtype=object), -counts))[:TOP] if total else np.empty(0, np.intp)
    return AlarmFigures(
        start=start,
        end=end,
        operators=operators,
        annunciated=total,
        per_10_min=total / max(1e-9, (end - start) / PERIOD) / operators,
        worst_10_min=int(periods.max()),
        over_10_share=float((periods > FLOOD_BEGINS * operators).mean()),
        floods=floods,
        flood_share=in_flood / len(periods),
        top=tuple((journal.names[at], int(counts[at]), int(counts[at]) / total) for at in top.tolist() if counts[at]),
        chattering=tuple((journal.names[at], int(counts[at])) for at in _chattering(t, alarm).tolist()),
        stale=_stale(journal, start, end),
        priorities={
            str(p): int(n) for p, n in zip(*np.unique(journal.priority[came], return_counts=True), strict=True)
        },
        acknowledged_median=float(np.median(waited)) if waited.size else None,
        acknowledged_p95=float(np.percentile(waited, 95)) if waited.size else None,
    )


def _place(state: AlarmState) -> int:
    return tuple(AlarmState).index(state)


def _floods(periods: NDArray[np.intp], operators: int) -> tuple[int, int]:
    """How many floods, and how many periods were part of one."""
    floods = inside = 0
    flooded = False
    for count in periods.tolist():
        before = flooded
        flooded = count > FLOOD_BEGINS * operators or (flooded and count >= FLOOD_ENDS * operators)
        floods += flooded and not before
        inside += flooded
    return floods, inside


def _chattering(t: I64, alarm: NDArray[np.intp]) -> NDArray[np.intp]:
    """Alarms that came at least three times within a minute."""
    order = np.lexsort((t, alarm))
    t, alarm = t[order], alarm[order]
    further = CHATTER_COUNT - 1
    close = (alarm[further:] == alarm[: len(alarm) - further]) & (t[further:] - t[: len(t) - further] <= CHATTER_NS)
    return np.unique(alarm[further:][close])


def _next_of_alarm(journal: JournalColumns) -> NDArray[np.intp]:
    """The following row of the same alarm; -1 where there is none."""
    order = np.argsort(journal.alarm, kind="stable")
    following = np.full(len(order), -1, np.intp)
    same = journal.alarm[order[1:]] == journal.alarm[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def _acknowledged_after(journal: JournalColumns, end: int) -> I64:
    """ns until the next row, where that is an acknowledgement before `end`; else -1."""
    following = _next_of_alarm(journal)
    states = journal.state[following]
    seen = (following >= 0) & (states == _place(AlarmState.ACKNOWLEDGED)) & (journal.t[following] < end)
    waited: I64 = np.where(seen, journal.t[following] - journal.t, -1)
    return waited


def _stale(journal: JournalColumns, start: int, end: int) -> tuple[tuple[str, float], ...]:
    """Alarms that stood for more than a day at a stretch that reaches into the time asked for; seconds until `end`."""
    longest: dict[int, int] = {}
    since: dict[int, int] = {}
    standing = np.isin(journal.state, [_place(state) for state in _STANDING])
    for alarm, t, there in zip(journal.alarm.tolist(), journal.t.tolist(), standing.tolist(), strict=True):
        if t >= end:
            break
        if there:
            since.setdefault(alarm, t)
        elif alarm in since:
            began = since.pop(alarm)
            if t > start:
                longest[alarm] = max(longest.get(alarm, 0), t - began)
    for alarm, began in since.items():
        longest[alarm] = max(longest.get(alarm, 0), end - began)
    found = [(journal.names[alarm], lasted / 1e9) for alarm, lasted in longest.items() if lasted > STALE_NS]
    return tuple(sorted(found, key=lambda one: (-one[1], one[0])))
