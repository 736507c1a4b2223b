"""What was accepted and is not durable, bounded in bytes. What does not fit is a gap, never forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sereno.model import SampleBatch

from .encoder import changed_rows, recorded_times, stored_objects

_OVERHEAD = 512


def batch_bytes(batch: SampleBatch) -> int:
    """Memory that the batch holds while it waits."""
    exact = 0 if batch.exact is None else batch.exact.rows.nbytes + batch.exact.values.nbytes
    columns = batch.values.nbytes + batch.t_source.nbytes + batch.quality.nbytes
    beside = sum(getattr(o.value, "nbytes", 0) or len(o.value or "") for o in batch.objects if _sized(o.value))
    return _OVERHEAD + columns + exact + beside + 100 * len(batch.objects)


def _sized(value: object) -> bool:
    return value is None or hasattr(value, "nbytes") or hasattr(value, "__len__")


@dataclass(slots=True)
class QueueCounters:
    """What passed, what was lost, how full it was."""

    accepted: int = 0
    durable: int = 0
    lost_batches: int = 0
    lost_rows: int = 0
    peak_bytes: int = 0


@dataclass(slots=True)
class Work:
    """What one commit is made of: batches in order, and `lost` handles with the time from which samples are missing."""

    batches: list[SampleBatch] = field(default_factory=list)
    lost: dict[int, int] = field(default_factory=dict)


class AcceptQueue:
    """Belongs to the event loop. Work that was taken stays visible until it is `done` or `failed`."""

    def __init__(self, max_bytes: int) -> None:
        self.counters = QueueCounters()
        self.bytes = 0
        self._max_bytes = max_bytes
        self._waiting = Work()
        self._taken = Work()
        self._taken_bytes = 0
        self._again = _Handles()

    def offer(self, batch: SampleBatch) -> bool:
        """Queue a batch; False if it does not fit, then its changed samples are lost."""
        size = batch_bytes(batch)
        if self.bytes + size > self._max_bytes:
            self.lose(batch)
            return False
        if self._again.any:
            batch = self._again.completed(batch)
        self._waiting.batches.append(batch)
        self.bytes += size
        self.counters.accepted += 1
        self.counters.peak_bytes = max(self.counters.peak_bytes, self.bytes)
        return True

    def lose(self, batch: SampleBatch) -> None:
        """Note the gap: from their first lost sample on the tags are bad, until all of them are stored again."""
        rows = changed_rows(batch)
        times = recorded_times(batch)[rows]
        entries = [*zip(batch.handles[rows].tolist(), times.tolist(), strict=True)]
        entries += [(o.handle, o.t) for o in stored_objects(batch)]
        self.counters.lost_batches += 1
        self.counters.lost_rows += len(entries)
        for handle, t in entries:
            self._waiting.lost.setdefault(handle, t)
        self._again.add(handle for handle, _ in entries)

    def store_again(self, handles: Iterable[int]) -> None:
        """The next samples of these tags are to be stored whether they changed or not."""
        self._again.add(handles)

    def take(self) -> Work:
        """Everything that waits. Only when nothing is taken."""
        self._taken, self._waiting = self._waiting, Work()
        self._taken_bytes = self.bytes
        return self._taken

    def done(self) -> None:
        """What was taken is durable."""
        self.counters.durable += len(self._taken.batches)
        self._release()

    def failed(self) -> None:
        """What was taken can never be written: its samples are lost."""
        taken = self._taken
        self._release()
        for handle, t in taken.lost.items():
            self._waiting.lost.setdefault(handle, t)
        for batch in taken.batches:
            self.lose(batch)
        self.counters.accepted -= len(taken.batches)

    def pending(self) -> tuple[SampleBatch, ...]:
        """All batches that are not durable, in order."""
        return (*self._taken.batches, *self._waiting.batches)

    def lost(self) -> dict[int, int]:
        """Gaps that are not durable."""
        return {**self._waiting.lost, **self._taken.lost}

    @property
    def waiting(self) -> int:
        """Batches that nobody has taken."""
        return len(self._waiting.batches)

    @property
    def empty(self) -> bool:
        """True if nothing waits."""
        return not self._waiting.batches and not self._waiting.lost

    def _release(self) -> None:
        self.bytes -= self._taken_bytes
        self._taken, self._taken_bytes = Work(), 0


class _Handles:
    """Tags whose next sample is stored whether it changed or not."""

    def __init__(self) -> None:
        self.any = False
        self._mask: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def add(self, handles: Iterable[int]) -> None:
        found = np.fromiter(handles, np.int64)
        if not len(found):
            return
        self._grow(int(found.max()) + 1)
        self._mask[found] = True
        self.any = True

    def completed(self, batch: SampleBatch) -> SampleBatch:
        """The batch with those tags among its changed ones."""
        if not len(batch):
            return batch
        self._grow(int(batch.handles[-1]) + 1)
        wanted = self._mask[batch.handles]
        if not wanted.any():
            return batch
        self._mask[batch.handles] = False
        self.any = bool(self._mask.any())
        return batch if batch.changed is None else replace(batch, changed=batch.changed | wanted)

    def _grow(self, size: int) -> None:
        if size > len(self._mask):
            self._mask = np.concatenate((self._mask, np.zeros(size - len(self._mask), np.bool_)))
