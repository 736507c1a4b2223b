"""Aggregates of one tag between edges, out of everything that is known of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Aggregates
from sereno.historian.history import TagHistory
from sereno.historian.samples import I64
from sereno.historian.tags import Definition

from .states import StateTimes, has_states
from .stretch import stretches
from .sums import FROM_ROLLUPS, Sums
from .units import total_unit

_OF_TEXTS = ("count", "changes", "good", "states")
_OF_ARRAYS = ("count", "good")
_LOOK_AHEAD = 86_400 * 10**9


def check_aggregates(definition: Definition, names: Sequence[str]) -> None:
    """Raises ValueError if the tag's values have no such aggregate."""
    path, kind = definition.path, definition.type.value
    if "states" in names and not has_states(definition):
        raise ValueError(f"states of {path!r}, which is {kind}: expected a bool, enum, integer or string tag")
    allowed = _OF_ARRAYS if definition.shape else _OF_TEXTS
    strange = [name for name in names if name not in allowed]
    if strange and not definition.is_row:
        kind = "an array" if definition.shape else kind
        raise ValueError(f"{', '.join(strange)} of {path!r}, which is {kind}: expected {', '.join(allowed)}")


def held_until(history: TagHistory, end: int) -> int:
    """Until when, at most `end`, the value in force at `end` is known to hold: by its cover, or by a later sample."""
    known = history.known_until(end)
    if known >= end:
        return end
    around = history.between(end - 1, end + _LOOK_AHEAD)
    before = around.t[around.t < end]
    return end if (around.t >= end).any() else max(known, int(before[-1]) if len(before) else known)


def aggregated(
    definition: Definition, history: TagHistory, edges: I64, names: Sequence[str], check: Callable[[], None]
) -> Aggregates:
    """The aggregates of the buckets between `edges`. Raises ValueError for what the tag's values do not have.

    `check` is called between slices of bounded size and may raise to stop.
    """
    check_aggregates(definition, names)
    until = held_until(history, int(edges[-1]))
    thinned = history.cold is not None and history.cold.is_thinned(int(edges[0]), int(edges[-1]))
    rolled = definition.is_row and "states" not in names and (thinned or set(names) <= FROM_ROLLUPS)
    sums, states = Sums(edges), StateTimes(definition, edges)
    timed = "states" in names or not definition.is_row
    for stretch in stretches(definition, history, edges, rolled=rolled, check=check):
        if definition.is_row:
            sums.feed(stretch)
        if timed:
            states.feed(stretch)
    sums.finish(until)
    states.finish(until)
    columns = sums.columns() if definition.is_row else _of_objects(states, edges)
    unit, seconds = total_unit(definition.unit)
    if definition.is_row:
        columns["total"] = columns["total"] / seconds
    wanted = [name for name in names if name != "states"]
    return Aggregates(
        definition.path,
        definition.unit,
        edges[:-1],
        edges[1:],
        {name: columns[name] for name in wanted},
        states.seconds() if "states" in names else {},
        {name: of for name, of in (("total", unit), ("good", ""), ("count", ""), ("changes", "")) if name in wanted},
    )


def _of_objects(states: StateTimes, edges: I64) -> dict[str, NDArray[Any]]:
    known = np.sum(list(states.seconds().values()), axis=0) if states.seconds() else 0.0
    good = known / (np.diff(edges) * 1e-9)
    return {"count": states.count, "changes": states.changes, "good": good}
