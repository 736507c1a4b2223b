"""What the live table holds, as batches: told again by freshness and by whoever changes how values are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import ExactBlock, GroupId, ObjectSample, SampleBatch, TagHandle, seal

from .groups import Groups
from .table import INEXACT, LiveTable


@dataclass(frozen=True, slots=True)
class Held:
    """A value as the table holds it: `value` of a row, `exact` where it is a 64-bit integer, `beside` of an object."""

    value: float
    t_source: int
    quality: int
    exact: int | None = None
    beside: Any = None


def held(table: LiveTable, handle: int) -> Held:
    """The present value of a tag."""
    value = float(table.value[handle])
    whole = table.exactness[handle] != INEXACT and value.is_integer()
    exact = int(table.exact[handle]) if whole else None
    return Held(value, int(table.t_source[handle]), int(table.quality[handle]), exact, table.objects.get(handle))


def held_batch(table: LiveTable, groups: Groups, group: GroupId, code: int | None = None) -> SampleBatch:
    """All of a group as the table holds it, with the quality `code` if given; `complete=False`, the last seq again."""
    spec = groups.specs[group]
    at = spec.index.handles
    exact_rows = table.exact_rows(at)
    return seal(
        group,
        max(0, groups.last_seq[group]),
        spec.index,
        table.value[at],
        table.t_source[at],
        table.quality[at] if code is None else code,
        exact=ExactBlock(exact_rows, table.exact[at[exact_rows]]) if exact_rows.size else None,
        objects=tuple(_object(table, h, code) for h in spec.object_handles),
        complete=False,
    )


def _object(table: LiveTable, handle: int, code: int | None) -> ObjectSample:
    quality = int(table.quality[handle]) if code is None else code
    return ObjectSample(TagHandle(handle), table.objects.get(handle), int(table.t_source[handle]), quality)


def overwritten(batch: SampleBatch, given: Mapping[int, Held]) -> SampleBatch:
    """The batch with these values in place of its own; tags that it lacks are left out."""
    rows = {p: given[h] for h in given if (p := position(batch, h)) is not None}
    if rows:
        batch = _with_rows(batch, rows)
    if any(o.handle in given for o in batch.objects):
        batch = replace(batch, objects=tuple(_in_place(o, given.get(o.handle)) for o in batch.objects))
    return batch


def position(batch: SampleBatch, handle: int) -> int | None:
    """Row of a tag in a batch, or None."""
    at = int(np.searchsorted(batch.handles, handle))
    return at if at < len(batch) and int(batch.handles[at]) == handle else None


def _with_rows(batch: SampleBatch, rows: Mapping[int, Held]) -> SampleBatch:
    values, times, codes = batch.values.copy(), batch.t_source.copy(), batch.quality.copy()
    for at, one in rows.items():
        values[at], times[at], codes[at] = one.value, one.t_source, one.quality
    for column in (values, times, codes):
        column.setflags(write=False)
    return replace(batch, values=values, t_source=times, quality=codes, exact=_exact_with(batch.exact, rows))


def _exact_with(exact: ExactBlock | None, rows: Mapping[int, Held]) -> ExactBlock | None:
    given = {at: one.exact for at, one in rows.items() if one.exact is not None}
    if exact is None and not given:
        return None
    at, values = np.array(list(given), np.int32), np.array(list(given.values()), np.int64)
    if exact is not None:
        others = ~np.isin(exact.rows, list(rows))
        at, values = np.concatenate((exact.rows[others], at)), np.concatenate((exact.values[others], values))
    order: NDArray[np.intp] = np.argsort(at)
    at, values = at[order], values[order]
    at.setflags(write=False)
    values.setflags(write=False)
    return ExactBlock(at, values) if at.size else None


def _in_place(sample: ObjectSample, one: Held | None) -> ObjectSample:
    return sample if one is None else ObjectSample(sample.handle, one.beside, one.t_source, one.quality)
