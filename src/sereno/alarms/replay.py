"""Alarms over recorded history: what there would have been with these declarations. Time is that of the samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmSpec, Series
from sereno.model import GroupId, Limits, RowIndex, TagSpec, seal

from .evaluator import Evaluator
from .limits import limit_column
from .machine import Transitions
from .states import STATES

F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
_LIMITS = ("lolo", "lo", "hi", "hihi")
_BAD = 0x8000


@dataclass(frozen=True, slots=True)
class Replayed:
    """When each alarm would have come, ns UTC; alarms that would not have are there too."""

    came: dict[str, tuple[int, ...]]

    @property
    def count(self) -> int:
        """How many alarms there would have been."""
        return sum(len(times) for times in self.came.values())


def replay(specs: Sequence[AlarmSpec], tags: Mapping[str, TagSpec], series: Sequence[Series], end: int) -> Replayed:
    """`series` are raw samples of every tag that the alarms need; `end` ns UTC is when the replay stops.

    Nobody acknowledges: an alarm that comes again after it went counts again. Raises KeyError for a tag without series.
    """
    player = _Player(specs, tags, series)
    for moment in player.moments():
        player.wait(moment[0])
        player.feed(*moment)
    player.wait(end)
    return Replayed({name: tuple(times) for name, times in player.came.items()})


class _Player:
    """One evaluator fed from series, one sample after the other; tags with limits only are thinned out before."""

    def __init__(self, specs: Sequence[AlarmSpec], tags: Mapping[str, TagSpec], series: Sequence[Series]) -> None:
        self._limits = _limits_of(specs)
        self._declared = [replace(tags[one.tag], limits=self._limits.get(one.tag)) for one in series]
        self._series = series
        handles = {spec.path: at for at, spec in enumerate(self._declared)}
        self._evaluator = Evaluator(specs, self, handles, {spec.path: spec for spec in self._declared})
        self._index: dict[bytes, RowIndex] = {}
        limited = {spec.inputs[0] for spec in specs if spec.kind in _LIMITS}
        others = {
            path for spec in specs if spec.kind not in _LIMITS or spec.suppress_when for path in _tags(spec, handles)
        }
        self._thin = limited - others
        self._specs = specs
        self.came: dict[str, list[int]] = {spec.id: [] for spec in specs}

    def spec(self, handle: int) -> TagSpec:
        """See SpecLookup."""
        return self._declared[handle]

    def moments(self) -> Iterator[tuple[int, NDArray[np.intp], F64, U16]]:
        """(t, series, values, qualities) by time: what has one time came in one scan."""
        parts = [self._thinned(one) if one.tag in self._thin else np.arange(len(one.t)) for one in self._series]
        if not parts:
            return
        pairs = list(zip(self._series, parts, strict=True))
        t = np.concatenate([one.t[rows] for one, rows in pairs])
        position = np.repeat(np.arange(len(parts)), [len(rows) for rows in parts])
        values = np.concatenate([one.value[rows] for one, rows in pairs])
        quality = np.concatenate([one.quality[rows] for one, rows in pairs])
        order = np.lexsort((position, t))
        t, position, values, quality = t[order], position[order], values[order], quality[order]
        edges = [0, *(np.flatnonzero(np.diff(t)) + 1).tolist(), len(t)]
        for low, high in pairwise(edges) if len(t) else ():
            yield int(t[low]), position[low:high], values[low:high].copy(), quality[low:high].copy()

    def wait(self, t: int) -> None:
        """Let delays end that are due before `t`."""
        while (due := self._evaluator.delays.next_due) <= t / 1e9:
            self._note(self._evaluator.tick(round(due * 1e9), due))

    def feed(self, t: int, position: NDArray[np.intp], values: F64, quality: U16) -> None:
        """What came at one time."""
        key = position.tobytes()
        index = self._index.get(key)
        if index is None:
            index = self._index[key] = RowIndex(position.astype(np.int32))
        self._note(self._evaluator.take(seal(GroupId(0), 0, index, values, t, quality), t, t / 1e9))

    def _note(self, transitions: Sequence[Transitions]) -> None:
        for one in transitions:
            for row, code in zip(one.rows.tolist(), one.after.tolist(), strict=True):
                if STATES[code] == "unacknowledged":
                    self.came[self._specs[row].id].append(one.t)

    def _thinned(self, one: Series) -> NDArray[np.intp]:
        """Rows that lie otherwise to the limits and the ways back than the row before: no other changes anything."""
        limits = self._limits[one.tag]
        column = np.array(limit_column(limits))
        edges = np.concatenate((column, column + np.array([1, 1, -1, -1]) * limits.deadband))
        edges = np.unique(edges[np.isfinite(edges)])
        left, right = np.searchsorted(edges, one.value, "left"), np.searchsorted(edges, one.value, "right")
        place = np.where((one.quality >= _BAD) | np.isnan(one.value), -1, left + right)
        return np.flatnonzero(np.diff(place, prepend=-2))


def _limits_of(specs: Sequence[AlarmSpec]) -> dict[str, Limits]:
    found: dict[str, dict[str, float | None]] = {}
    for spec in specs:
        if spec.kind in _LIMITS:
            found.setdefault(spec.inputs[0], {})[str(spec.kind)] = spec.limit
            found[spec.inputs[0]]["deadband"] = spec.deadband
    return {path: Limits(**given) for path, given in found.items()}  # type: ignore[arg-type]


def _tags(spec: AlarmSpec, known: Mapping[str, int]) -> set[str]:
    return {*spec.inputs, *(path for path in known if path in spec.suppress_when)}
