"""What is cold at one moment, for queries: samples of a tag between two times, and the last one before a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.marks import Gap
from sereno.historian.samples import I64, Samples, in_order, joined, no_samples
from sereno.model import Quality

from .blocks import Columns
from .kinds import OBJECT, ROLLUPS, UINT64
from .manifest import ColdFile, Manifest
from .reading import ColdReader, DamagedError
from .rewriting import bits_of
from .rows import EXACT_INT, FLOAT, OBJECT_ROW, ColdRows
from .slots import DAY
from .state import InForceState, empty_state

_COLUMNS = ("t", "value", "quality")
OnDamage = Callable[[Path, int], None]


class ColdView:
    """The cold files of one manifest. For any thread. `on_damage` is told what cannot be trusted."""

    def __init__(self, manifest: Manifest, state: InForceState, reader: ColdReader, on_damage: OnDamage) -> None:
        self.manifest = manifest
        self.state = state
        self.reader = reader
        self.on_damage = on_damage
        by_start = sorted(manifest.files, key=lambda f: f.start)
        self._files = [f for f in by_start if f.kind not in ROLLUPS]
        self.gaps = [Gap(start, end, 0) for start, end, _ in manifest.gaps]
        self.t_max = max((f.t_max for f in by_start), default=-(1 << 63))
        self._starts = [f.start for f in self._files]
        self._slots = sorted({(f.start, f.end) for f in by_start})
        self._thinned = {start for start, _ in manifest.thinned}
        self._rolled = {(f.start, f.kind): f for f in by_start if f.kind in ROLLUPS}

    def files(self, start: int, end: int) -> list[ColdFile]:
        """Files with samples in [start, end), by their slot."""
        first, last = bisect_left(self._starts, start - DAY), bisect_left(self._starts, end)
        return [f for f in self._files[first:last] if f.t_max >= start and f.t_min < end]

    def between(self, tag: int, start: int, end: int) -> Samples:
        """Samples of the tag in [start, end), by time; a bad one where a file is damaged."""
        parts = [part for file in self.files(start, end) for part in self._parts(file, tag, start, end)]
        samples = in_order(joined(parts))
        first, last = int(samples.t.searchsorted(start)), int(samples.t.searchsorted(end))
        return samples if last - first == len(samples) else samples.take(slice(first, last))

    def slots(self, start: int, end: int) -> list[tuple[int, int]]:
        """The slots that overlap [start, end), in order."""
        first = bisect_left(self._slots, (start - DAY, 0))
        return [s for s in self._slots[first : bisect_left(self._slots, (end, 0))] if s[1] > start]

    def is_thinned(self, start: int, end: int) -> bool:
        """True if samples have gone by age from a slot that overlaps [start, end)."""
        return bool(self._thinned) and any(slot in self._thinned for slot, _ in self.slots(start, end))

    def rolled_for(self, tag: int, slot: int, whole: int, names: Sequence[str]) -> Columns | None:
        """The coarsest roll-ups of a slot whose buckets divide `whole` ns; None if samples are to be read.

        Where samples have gone by age, the finest that are left.
        """
        by_width = sorted(ROLLUPS, key=lambda kind: ROLLUPS[kind])
        kinds = [kind for kind in reversed(by_width) if whole % (ROLLUPS[kind] * 10**9) == 0]
        if slot in self._thinned:
            kinds += [kind for kind in by_width if kind not in kinds]
        found = (self.rolled(tag, slot, kind, names) for kind in kinds)
        return next((columns for columns in found if columns is not None), None)

    def rolled(self, tag: int, slot: int, kind: str, names: Sequence[str]) -> Columns | None:
        """Columns of the tag's roll-ups in a slot; None if it has none there, or they cannot be trusted."""
        file = self._rolled.get((slot, kind))
        if file is None:
            return None
        try:
            groups = self.reader.groups(file, tag, file.start, file.end)
            found = [self.reader.rows_of(file, group, tag, names) for group in groups]
        except DamagedError as error:
            self.on_damage(error.path, error.offset)
            return None
        found = [columns for columns in found if len(columns["t"])]
        if len(found) < 2:
            return found[0] if found else None
        return {name: np.concatenate([columns[name] for columns in found]) for name in names}

    def count(self, tag: int, start: int, end: int) -> int:
        """At most so many samples are between `start` and `end`."""
        total = 0
        for file in self.files(start, end):
            try:
                groups = self.reader.groups(file, tag, start, end)
                total += int(self.reader.index(file).groups["rows"][groups].sum())
            except DamagedError:
                continue
        return total

    def last_before(self, tag: int, t: int) -> Samples:
        """The sample with the latest time before `t`; at most one."""
        at = self.state.at(tag)
        if at >= 0 and self.state.rows.t[at] < t:
            return samples_of(self.state.rows.take(slice(at, at + 1)))
        best = no_samples()
        for number in range(bisect_left(self._starts, t) - 1, -1, -1):
            file = self._files[number]
            if len(best) and file.end <= best.t[0]:
                break
            if file.t_min >= t:
                continue
            for part in self._parts(file, tag, file.start, t):
                found = part.take(part.t < t)
                best = in_order(joined([best, found])).take(slice(-1, None))
        return best

    def covered(self, tag: int) -> int:
        """Until when the tag's last cold sample is confirmed, ns UTC; 0 = not known."""
        at = self.state.at(tag)
        return int(self.state.covered[at]) if at >= 0 else 0

    def _parts(self, file: ColdFile, tag: int, start: int, end: int) -> Iterator[Samples]:
        known = file.start - 1
        try:
            groups = self.reader.groups(file, tag, start, end)
        except DamagedError as error:
            self.on_damage(error.path, error.offset)
            yield _gap(file.start)
            return
        for group in groups:
            try:
                samples = self._samples(file, group, tag)
            except DamagedError as error:
                self.on_damage(error.path, error.offset)
                yield _gap(known + 1)
                continue
            if len(samples):
                known = int(samples.t[-1])
                yield samples

    def _samples(self, file: ColdFile, group: int, tag: int) -> Samples:
        if file.kind == OBJECT:
            return self._objects(file, group, tag)
        columns = self.reader.rows_of(file, group, tag, _COLUMNS)
        values, form = bits_of(columns["value"], file.kind)
        return _columns(columns["t"], values, form, columns["quality"], unsigned=file.kind == UINT64)

    def _objects(self, file: ColdFile, group: int, tag: int) -> Samples:
        columns, objects = self.reader.objects(file, group)
        a, b = np.searchsorted(columns["tag"], [tag, tag + 1]).tolist()
        samples = no_samples(b - a)
        samples.t[:], samples.quality[:] = columns["t"][a:b], columns["quality"][a:b]
        for i in range(a, b):
            samples.objects[i - a] = objects[i]
        return samples


def no_cold(reader: ColdReader, on_damage: OnDamage) -> ColdView:
    """Nothing was compacted yet."""
    return ColdView(Manifest(), empty_state(), reader, on_damage)


def _gap(t: int) -> Samples:
    """Nothing is known from then on; a sample of the same time that can be read goes before it."""
    samples = no_samples(1)
    samples.t[0], samples.quality[0], samples.place[0] = t, int(Quality.BAD), -1
    return samples


def _columns(t: I64, bits: I64, form: int, quality: NDArray[Any], *, unsigned: bool) -> Samples:
    n = len(t)
    zeros = np.zeros(n, np.int64)
    exact = bits if form == EXACT_INT else zeros
    if form == EXACT_INT:
        values = (bits.view(np.uint64) if unsigned else bits).astype(np.float64)
    else:
        values = bits.view(np.float64)
    return Samples(t, values, quality.astype(np.uint16), exact, np.full(n, None, object), zeros)


def samples_of(rows: ColdRows) -> Samples:
    """Rows of one tag."""
    samples = no_samples(len(rows))
    samples.t[:], samples.quality[:] = rows.t, rows.quality
    whole, numbers = rows.form == EXACT_INT, rows.form == FLOAT
    samples.exact[whole] = rows.bits[whole]
    samples.values[whole] = rows.bits[whole].astype(np.float64)
    samples.values[numbers] = rows.values[numbers]
    for i in np.flatnonzero(rows.form == OBJECT_ROW).tolist():
        samples.objects[i] = rows.objects[int(rows.bits[i])]
    return samples
