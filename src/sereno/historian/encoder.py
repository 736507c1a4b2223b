"""From batches to what one commit writes: the changed rows, new objects, gaps, and until when tags are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sereno.model import Quality, SampleBatch

from .block import F64, I32, I64, Block, Rows
from .in_force import InForce, StoredObject, object_block
from .marks import set_key
from .tags import TagBook

MERGE_ROWS = 1 << 16
OWN_BLOCK_ROWS = 256
_HUB_MADE = np.array([Quality.STALE, Quality.NOT_CONNECTED, Quality.WAITING], np.uint16)
_BAD = 0x8000


@dataclass(slots=True, eq=False)
class CommitData:
    """Blocks of rows in log order, and which sets of tags (`sets`, by key) are known until when."""

    blocks: list[Block] = field(default_factory=list)
    cover: dict[int, int] = field(default_factory=dict)
    sets: dict[int, I64] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.blocks or self.cover)


def recorded_times(batch: SampleBatch) -> I64:
    """The time under which each row is stored: t_source, but the hub's time where the hub itself spoke.

    The hub marks rows stale or not connected and keeps their t_source; the gap begins when it noticed.
    """
    if not batch.t_hub or not len(batch) or (batch.quality.max() < _BAD and batch.t_source.min() > 0):
        return batch.t_source
    by_hub = np.isin(batch.quality, _HUB_MADE) | (batch.t_source == 0)
    return np.where(by_hub, np.int64(batch.t_hub), batch.t_source)


def stored_objects(batch: SampleBatch) -> list[StoredObject]:
    """The objects of a batch under the time that they are stored with, by the rule of `recorded_times`."""
    stored = []
    for sample in batch.objects:
        by_hub = batch.t_hub and (sample.quality in _HUB_MADE or sample.t_source == 0)
        t = batch.t_hub if by_hub else sample.t_source
        stored.append(StoredObject(int(sample.handle), sample.value, t, sample.quality))
    return stored


def changed_rows(batch: SampleBatch) -> NDArray[np.intp]:
    """Positions of the rows to store."""
    return np.arange(len(batch)) if batch.changed is None else np.flatnonzero(batch.changed)


def exact_column(batch: SampleBatch) -> I64:
    """An int64 for every row: from the exact block, else from the value where it is a whole number of that range."""
    fits = np.abs(batch.values) < 2.0**63
    column = np.where(fits, batch.values, 0.0).astype(np.int64)
    if batch.exact is not None:
        column[batch.exact.rows] = batch.exact.values
    return column


class Encoder:
    """Turns accepted batches into commits, in order. Used by one thread at a time."""

    def __init__(self, book: TagBook, cover_interval: float) -> None:
        self._book = book
        self._cover_ns = int(cover_interval * 1e9)
        self._covered: dict[int, int] = {}
        self._uncovered: dict[int, SampleBatch] = {}
        self._in_force = InForce()

    def encode(self, batches: Sequence[SampleBatch], gaps: dict[int, int], *, final: bool = False) -> CommitData:
        """The commit for `batches`, and for `gaps` (handle -> time from which its samples were lost)."""
        plain: list[Block] = []
        exact: list[Block] = []
        objects: list[StoredObject] = []
        for batch in batches:
            self._split(batch, plain, exact)
            objects += [o for o in stored_objects(batch) if self._in_force.take(o)]
            if confirms(batch):
                self._uncovered[batch.group] = batch
        if gaps:
            plain.append(self._gap_block(gaps))
        for handle in gaps:
            self._in_force.forget(handle)
        for block in (*plain, *exact):
            self._in_force.update(block)
        blocks = [*_merged(plain), *_merged(exact)]
        if objects:
            blocks.append(object_block(objects, self._book))
        data = CommitData(blocks)
        self._cover(data, final=final)
        return data

    def drop(self, handles: Iterable[int]) -> None:
        """The last samples of these tags are deleted: no segment begins with them."""
        for handle in handles:
            self._in_force.drop(handle)

    def keyframe(self) -> list[Block]:
        """Everything in force, for the beginning of a segment."""
        return self._in_force.keyframe(self._book)

    def _split(self, batch: SampleBatch, plain: list[Block], exact: list[Block]) -> None:
        positions = changed_rows(batch)
        if not len(positions):
            return
        is_exact = self._book.exact(batch.handles[positions])
        if not is_exact.all():
            plain.append(_block(batch, positions[~is_exact], self._book, None))
        if is_exact.any():
            exact.append(_block(batch, positions[is_exact], self._book, exact_column(batch)))

    def _gap_block(self, gaps: dict[int, int]) -> Block:
        handles: I32 = np.array(sorted(gaps), np.int32)
        times = np.array([gaps[h] for h in handles.tolist()], np.int64)
        values: F64 = np.full(len(handles), np.nan)
        quality = np.full(len(handles), int(Quality.BAD), np.uint16)
        return Block(Rows(self._book.ids(handles), values, times, quality), handles)

    def _cover(self, data: CommitData, *, final: bool) -> None:
        for group, batch in list(self._uncovered.items()):
            t = cover_time(batch)
            if not final and abs(t - self._covered.get(group, 0)) < self._cover_ns:
                continue
            self._covered[group] = t
            del self._uncovered[group]
            ids = self._confirmed(batch)
            key = set_key(ids)
            data.sets[key] = ids
            data.cover[key] = max(t, data.cover.get(key, 0))

    def _confirmed(self, batch: SampleBatch) -> I64:
        beside = np.array([o.handle for o in batch.objects if o.quality < _BAD], np.int32)
        return np.sort(self._book.ids(np.concatenate((batch.handles[batch.quality < _BAD], beside))))


def cover_time(batch: SampleBatch) -> int:
    """Until when a batch says that the values of its tags are known."""
    return batch.t_hub or int(batch.t_source.max(initial=0))


def confirms(batch: SampleBatch) -> bool:
    """True if at least one row or object of the batch is not bad."""
    return bool((batch.quality < _BAD).any()) or any(o.quality < _BAD for o in batch.objects)


def _block(batch: SampleBatch, positions: NDArray[np.intp], book: TagBook, exact: I64 | None) -> Block:
    times = recorded_times(batch)
    if len(positions) == len(batch):
        return Block(Rows(book.ids(batch.handles), batch.values, times, batch.quality, exact), batch.handles)
    handles = batch.handles[positions]
    rows = Rows(
        book.ids(handles),
        batch.values[positions],
        times[positions],
        batch.quality[positions],
        None if exact is None else exact[positions],
    )
    return Block(rows, handles)


def _merged(blocks: list[Block]) -> list[Block]:
    """Small blocks joined, in order; large ones alone, because their one time and quality are stored once."""
    merged: list[Block] = []
    small: list[Block] = []
    total = 0
    for block in blocks:
        if len(block.rows) >= OWN_BLOCK_ROWS or total + len(block.rows) > MERGE_ROWS:
            merged += _joined(small)
            small, total = [], 0
        if len(block.rows) >= OWN_BLOCK_ROWS:
            merged.append(block)
        else:
            small.append(block)
            total += len(block.rows)
    return merged + _joined(small)


def _joined(blocks: list[Block]) -> list[Block]:
    if len(blocks) < 2:
        return blocks
    rows = [b.rows for b in blocks]
    exact = [r.exact for r in rows if r.exact is not None]
    joined = Rows(
        np.concatenate([r.ids for r in rows]),
        np.concatenate([r.values for r in rows]),
        np.concatenate([r.t for r in rows]),
        np.concatenate([r.quality for r in rows]),
        np.concatenate(exact) if exact else None,
    )
    return [Block(joined, np.concatenate([b.keys for b in blocks]))]
