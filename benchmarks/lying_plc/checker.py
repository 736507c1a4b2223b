"""The checker: every value of good quality against what the device held when it was asked. Knows nothing of drivers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sereno.hub.hub import Hub
from sereno.model import Clock, ObjectSample, SampleBatch, is_good
from sereno.sim.lying_memory import TruthLog
from sereno.sim.lying_witness import Asked, Witness

from .plant import Unit
from .regions import Region

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
HIGHEST = 1200
"""The plant's tags lie below this address."""


@dataclass(frozen=True)
class Wrong:
    """A value of good quality that the device did not hold."""

    t: float
    tag: str
    shown: Any
    held: Any
    why: str


class Figures:
    """What was found so far."""

    def __init__(self) -> None:
        self.good = 0
        self.wrong_good = 0
        self.undetectable = 0
        self.batches = 0
        self.wrong: deque[Wrong] = deque(maxlen=20)


class DeviceCheck:
    """One device: which request each address was last asked by, and its batches checked against that."""

    def __init__(self, unit: Unit, truth: TruthLog, clock: Clock, figures: Figures) -> None:
        self.unit = unit
        self.groups = tuple(dict.fromkeys(region.group for region in unit.regions))
        self.group_of = {t.tag.spec.path: r.group for r in unit.regions for t in r.tags(unit.path)}
        self.complete = dict.fromkeys(self.groups, 0)
        self.published: dict[str, float] = {}
        self._regions = {g: [r for r in unit.regions if r.group == g] for g in self.groups}
        self._truth = truth
        self._clock = clock
        self._figures = figures
        self._latest: dict[str, list[Asked | None]] = {t: [None] * HIGHEST for t in TABLES.values()}
        self._marks: dict[str, int] = {}
        self._counted: set[int] = set()

    def asked(self, request: Asked) -> None:
        """A request went out to this unit."""
        table = TABLES.get(request.pdu[0])
        if table is not None:
            start, count = int.from_bytes(request.pdu[1:3], "big"), int.from_bytes(request.pdu[3:5], "big")
            self._latest[table][start : start + count] = [request] * count

    def check(self, group: str, serial: int, batch: SampleBatch, paths: Sequence[str], objects: Sequence[str]) -> None:
        """A batch came; `serial` counts the requests so far, `paths` name its rows, `objects` its objects."""
        mark = self._marks.get(group, 0)
        self._marks[group] = serial
        self.published[group] = self._clock.monotonic()
        self._figures.batches += 1
        good, exact = is_good(batch.quality), _exact_column(batch)
        whole, row, item = batch.complete, 0, 0
        for region in self._regions[group]:
            if region.is_rows:
                part = slice(row, row + region.n)
                shown = exact[part] if region.is_exact and exact is not None else batch.values[part]
                whole = self._check_rows(region, shown, good[part], mark, paths[part]) and whole
                row += region.n
            else:
                self._check_objects(
                    region, batch.objects[item : item + region.n], mark, objects[item : item + region.n]
                )
                item += region.n
        if whole:
            self.complete[group] += 1

    def _check_rows(self, region: Region, shown: Any, good: Any, mark: int, paths: Sequence[str]) -> bool:
        """False if a value is missing that is no NaN of the device."""
        held, taken = self._expected(region, mark)
        self._figures.good += int(np.count_nonzero(good))
        if isinstance(held, np.ndarray) and bool(((shown == held) & good | (held != held) & ~good).all()):
            return True
        missing = False
        for i, value in enumerate(shown.tolist()):
            known, untrue = _at(held, i), _at(taken, i)
            if not good[i]:
                missing = missing or known is None or known == known
            elif value not in (known, untrue):
                self._wrong(paths[i], value, known)
        return not missing

    def _check_objects(self, region: Region, samples: Sequence[ObjectSample], mark: int, paths: Sequence[str]) -> None:
        held, taken = self._expected(region, mark)
        for i, sample in enumerate(samples):
            if sample.quality >> 14 == 0:
                self._figures.good += 1
                shown = sample.value.tolist() if isinstance(sample.value, np.ndarray) else sample.value
                if shown not in (_at(held, i), _at(taken, i)):
                    self._wrong(paths[i], shown, _at(held, i))

    def _expected(self, region: Region, mark: int) -> tuple[Any, Any]:
        """What a region must show by what the device held, and by an untrue reply that nobody could tell from it."""
        latest = self._latest[region.table][region.start : region.end]
        request = latest[0]
        if request is None or latest.count(request) != len(latest):
            return self._in_parts(region, mark)
        if request.serial < mark:
            return None, None
        held = self._truth.held(request.connection, request.place)
        at = int.from_bytes(request.pdu[1:3], "big")
        honest = data_of(held.reply) if held is not None and held.frame.pdu == request.pdu else None
        taken = data_of(request.taken)
        if taken is not None and taken == honest:
            return region.expected(honest, at), None
        return (
            None if honest is None else region.expected(honest, at),
            None if taken is None else self._untrue(request, region.expected(taken, at)),
        )

    def _untrue(self, request: Asked, expected: Any) -> Any:
        if request.serial not in self._counted:
            self._counted = {s for s in self._counted if s > request.serial - 10_000} | {request.serial}
            self._figures.undetectable += 1
        return expected

    def _in_parts(self, region: Region, mark: int) -> tuple[Any, Any]:
        """A region that several requests have read: tag by tag."""
        held: list[Any] = []
        taken: list[Any] = []
        for i in range(region.n):
            one = replace(region, start=region.start + i * region.width, n=1)
            latest = self._latest[one.table][one.start : one.end]
            known = latest[0] is not None and latest.count(latest[0]) == len(latest)
            pair = self._expected(one, mark) if known else (None, None)
            held.append(_at(pair[0], 0))
            taken.append(_at(pair[1], 0))
        return held, taken

    def _wrong(self, tag: str, shown: Any, held: Any) -> None:
        self._figures.wrong_good += 1
        why = "not asked for in this scan" if held is None else "the device held another value"
        self._figures.wrong.append(Wrong(self._clock.monotonic(), tag, shown, held, why))


def data_of(reply: bytes | None) -> bytes | None:
    """The registers or bits of a read reply; None of none and of an exception."""
    return None if reply is None or reply[0] & 0x80 else reply[2:]


def _at(expected: Any, i: int) -> Any:
    """One of the expected values; None where nothing is known."""
    return None if expected is None else expected[i]


def _exact_column(batch: SampleBatch) -> Any:
    """The 64-bit integers at their rows, zeros elsewhere."""
    if batch.exact is None:
        return None
    column = np.zeros(len(batch), np.int64)
    column[batch.exact.rows] = batch.exact.values
    return column


class Checker:
    """A BatchSink: finds each batch's device, and lets it be checked."""

    def __init__(self, hub: Hub, checks: Mapping[str, DeviceCheck], witness: Witness) -> None:
        self._hub = hub
        self._checks = checks
        self._witness = witness
        self._groups: dict[int, tuple[DeviceCheck, str, list[str], list[str]]] = {}

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink. What the hub publishes by itself (stale marks) has no rows of good quality to check."""
        if batch.group not in self._groups:
            self._groups[batch.group] = self._find(batch)
        check, group, paths, objects = self._groups[batch.group]
        if bool(is_good(batch.quality).any()) or any(not s.quality >> 14 for s in batch.objects):
            check.check(group, self._witness.counters["requests"], batch, paths, objects)

    def _find(self, batch: SampleBatch) -> tuple[DeviceCheck, str, list[str], list[str]]:
        directory = self._hub.directory()
        spec = self._hub.groups.specs[batch.group]
        paths = [directory[h].path for h in batch.handles.tolist()]
        objects = [directory[h].path for h in spec.object_handles]  # type: ignore[index]
        return self._checks[spec.device], spec.name, paths, objects
