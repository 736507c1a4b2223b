"""Samples that were accepted and are not on the disk yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sereno.model import Quality, SampleBatch

from .encoder import cover_time, exact_column, recorded_times, stored_objects
from .samples import Samples, in_order, joined, no_samples

_PLACE = 1 << 62
_BAD = 0x8000


def pending_samples(batches: Sequence[SampleBatch], lost: Mapping[int, int], handle: int | None) -> Samples:
    """The samples of one tag in `batches` (in the order of acceptance), by time.

    `lost` (handle -> time) says from when on samples of a tag were given up.
    """
    if handle is None:
        return no_samples()
    parts = [_in_batch(batch, handle, _PLACE + i) for i, batch in enumerate(batches)]
    if handle in lost:
        gap = no_samples(1)
        gap.t[0], gap.quality[0], gap.place[0] = lost[handle], int(Quality.BAD), _PLACE + len(batches)
        parts.append(gap)
    return in_order(joined([p for p in parts if len(p)]))


def pending_cover(batches: Sequence[SampleBatch], handle: int | None) -> int:
    """Until when the pending batches confirm the tag, ns UTC; 0 = they do not."""
    if handle is None:
        return 0
    for batch in reversed(batches):
        row = _row(batch, handle)
        if (row >= 0 and batch.quality[row] < _BAD) or any(
            o.handle == handle and o.quality < _BAD for o in batch.objects
        ):
            return cover_time(batch)
    return 0


def _row(batch: SampleBatch, handle: int) -> int:
    row = int(np.searchsorted(batch.handles, handle))
    return row if row < len(batch) and batch.handles[row] == handle else -1


def _in_batch(batch: SampleBatch, handle: int, place: int) -> Samples:
    row = _row(batch, handle)
    if row < 0:
        return _object_in_batch(batch, handle, place)
    if batch.changed is not None and not batch.changed[row]:
        return no_samples()
    samples = no_samples(1)
    samples.t[0] = recorded_times(batch)[row]
    samples.values[0], samples.quality[0], samples.place[0] = batch.values[row], batch.quality[row], place
    samples.exact[0] = exact_column(batch)[row]
    return samples


def _object_in_batch(batch: SampleBatch, handle: int, place: int) -> Samples:
    found = [o for o in stored_objects(batch) if o.handle == handle] if batch.objects else []
    samples = no_samples(len(found))
    for i, sample in enumerate(found):
        samples.t[i], samples.quality[i], samples.place[i] = sample.t, sample.quality, place
        samples.objects[i] = sample.value
    return samples
