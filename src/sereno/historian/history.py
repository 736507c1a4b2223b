"""The samples of one tag over a range of time, wherever they are: segments and what is not on the disk yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sereno.model import SampleBatch

from .cold.view import ColdView
from .disk import Disk
from .in_force import same_value
from .marks import Gap, place
from .pending import pending_cover, pending_samples
from .reader import SegmentReader
from .samples import Samples, in_order, joined, with_gaps
from .sealed import SegmentRef, ViewCache
from .segment import SegmentView

MARGIN_NS = 60_000_000_000
"""Source clocks may differ from ours by so much: gaps that ended longer before the first sample do not concern it."""

OnDamage = Callable[[Path, int], None]
"""Told of a file and the offset of a record in it that cannot be trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is there at one moment: what is cold, segments in the order of the log, then `pending` batches.

    `lost` as in pending.py.

    `gaps` are those that no segment states yet.
    """

    segments: tuple[SegmentRef, ...]
    gaps: tuple[Gap, ...]
    pending: tuple[SampleBatch, ...]
    lost: Mapping[int, int]
    cold: ColdView | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Where segments are read from."""

    disk: Disk
    cache: ViewCache
    on_damage: OnDamage


class TagHistory:
    """Reads one tag out of a snapshot. `handle` is its number in this process, if it has one.

    `numbers`: its values are rows, so that there are no objects to look at. From `rolled_from` on its roll-ups count.
    """

    def __init__(
        self, store: Store, snapshot: Snapshot, tag: int, handle: int | None, *, numbers: bool = False
    ) -> None:
        self._numbers = numbers
        self.rolled_from = -(1 << 63)
        self._store = store
        self.tag = tag
        self._segments = snapshot.segments
        self._pending = pending_samples(snapshot.pending, snapshot.lost, handle)
        self.cold = snapshot.cold
        self._pending_cover = pending_cover(snapshot.pending, handle)
        self._gaps = [*(gap for ref in snapshot.segments for gap in ref.outline.gaps), *snapshot.gaps]

    def between(self, start: int, end: int) -> Samples:
        """Samples with times in [start, end), by time, each time once, after the one in force at `start`.

        A bad sample stands where a gap begins.
        """
        gaps = list(self._gaps)
        parts = [self._in_force(start, gaps)]
        if self.cold is not None:
            parts.append(self.cold.between(self.tag, start, end))
        for reader in self._readers(self._overlapping(start, end), gaps):
            found = reader.read(reader.rows_between(self.tag, start, end))
            parts.append(found.take((found.t >= start) & (found.t < end)))
            self._collect(reader, gaps)
        parts.append(self._pending.take((self._pending.t >= start) & (self._pending.t < end)))
        samples = in_order(joined(parts))
        if not len(samples):
            return samples
        gaps += self._cold_gaps(samples)
        earliest = int(samples.t[0]) - MARGIN_NS
        samples = with_gaps(samples, [gap for gap in gaps if gap.start < end and gap.end >= earliest])
        in_force = max(0, int(samples.t.searchsorted(start, "right")) - 1)
        samples = samples.take(slice(in_force, int(samples.t.searchsorted(end))))
        return samples if self._numbers else _without_repeats(samples)

    def count(self, start: int, end: int) -> int:
        """At most so many samples are between `start` and `end`."""
        readers = self._readers(self._overlapping(start, end), [])
        cold = self.cold.count(self.tag, start, end) if self.cold is not None else 0
        return cold + len(self._pending) + sum(len(r.rows_between(self.tag, start, end)) for r in readers)

    def hot_from(self) -> int:
        """Before this time everything is cold that is known of the tag."""
        first = min([1 << 62, *self._pending.t[:1].tolist(), *(gap.start for gap in self._gaps)])
        for reader in self._readers(self._segments, []):
            first = min([first, *(chunk.first_time(self.tag) for chunk in reader.view.indexes())])
        return first if first < 1 << 62 or self.cold is None else self.cold.t_max + 1

    def known_until(self, end: int) -> int:
        """Until when, at most `end`, the last sample is known to hold; 0 = not known."""
        if self._pending_cover:
            return min(end, self._pending_cover)
        for reader in self._readers(reversed(self._segments), []):
            until = reader.view.cover_of(self.tag)
            if until:
                return min(end, until)
        return min(end, self.cold.covered(self.tag)) if self.cold is not None else 0

    def _overlapping(self, start: int, end: int) -> list[SegmentRef]:
        return [ref for ref in self._segments if ref.outline.t_max >= start and ref.outline.t_min < end]

    def _in_force(self, t: int, gaps: list[Gap]) -> Samples:
        """The sample with the latest time before `t`; at most one.

        A segment begins with everything in force of its start, so the first one that was begun before `t` and has the
        tag decides, but for later samples that a late one hides.
        """
        before = self._pending.take(self._pending.t < t)
        best = before.take(slice(-1, None))
        decided = False
        for ref in reversed(self._segments):
            if decided and ref.outline.t_max <= best.t[0]:
                continue
            for reader in self._readers((ref,), gaps):
                found = reader.last_before(self.tag, t)
                self._collect(reader, gaps)
                best = in_order(joined([best, found])).take(slice(-1, None))
            decided = len(best) > 0 and (decided or ref.outline.header.created < t)
        if self.cold is not None and not (decided and self.cold.t_max <= best.t[0]):
            best = in_order(joined([self.cold.last_before(self.tag, t), best])).take(slice(-1, None))
        return best

    def _cold_gaps(self, samples: Samples) -> list[Gap]:
        """Those that may end what hot samples say of times that are cold."""
        hot = samples.t[samples.place > 0]
        return [gap for gap in self.cold.gaps if gap.start > hot[0]] if self.cold is not None and len(hot) else []

    def _readers(self, refs: Iterable[SegmentRef], gaps: list[Gap]) -> Iterable[SegmentReader]:
        for ref in refs:
            try:
                yield SegmentReader(self._store.disk, self._store.cache.view(ref))
            except OSError:
                if not ref.removed:
                    self._store.on_damage(ref.outline.path, 0)
                    gaps.append(_whole(ref.outline))

    def _collect(self, reader: SegmentReader, gaps: list[Gap]) -> None:
        for gap in reader.gaps:
            self._store.on_damage(reader.view.path, gap.place - place(reader.view.number, 0))
        gaps += reader.gaps
        reader.gaps = []


def _whole(outline: SegmentView) -> Gap:
    return Gap(outline.header.created, outline.t_end, place(outline.number, outline.end))


def _without_repeats(samples: Samples) -> Samples:
    """Objects travel with every scan: those that repeat the one before are left out."""
    if not any(value is not None for value in samples.objects):
        return samples
    keep = np.ones(len(samples), np.bool_)
    last = 0
    for i in range(1, len(samples)):
        same = samples.quality[i] == samples.quality[last] and np.isnan(samples.values[i])
        keep[i] = not (same and same_value(samples.objects[i], samples.objects[last]))
        last = i if keep[i] else last
    return samples.take(keep)
