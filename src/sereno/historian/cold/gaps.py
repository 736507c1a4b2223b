"""Gaps of the log become rows of bad quality, for every tag at once (as samples.with_gaps does for one)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64
from sereno.historian.marks import Gap
from sereno.model import Quality

from .rows import FLOAT, OBJECT_ROW, ColdRows, concatenated, in_tag_order, no_rows
from .view import ColdView

_BAD = 0x8000
_NAN = int(np.array([np.nan]).view(np.int64)[0])


def with_gap_rows(rows: ColdRows, gaps: Sequence[Gap]) -> ColdRows:
    """Rows in order of tag and time, with a bad one wherever a gap ends what was stated before it."""
    for gap in gaps:
        if len(rows):
            extra = _gap_rows(rows, gap)
            rows = in_tag_order(concatenated([rows, extra])) if len(extra) else rows
    return rows


def with_late_gap_rows(rows: ColdRows, gaps: Sequence[Gap], cold: ColdView) -> ColdRows:
    """As `with_gap_rows`, for gaps that are cold already: they also end what only `rows` state of before them."""
    late = rows.place > 0
    if not late.any():
        return rows
    first = int(rows.t[late].min())
    for gap in gaps:
        if gap.start > first:
            before = rows.t < gap.start
            last, t = _ended(rows, gap, before)
            stated_late = rows.place[last] > 0
            last, t = last[stated_late & (t == gap.start)], t[stated_late & (t == gap.start)]
            alone = [len(cold.between(int(rows.tag[i]), int(rows.t[i]) + 1, gap.start + 1)) == 0 for i in last.tolist()]
            extra = _bad_rows(rows, last[np.array(alone, np.bool_)], gap)
            rows = in_tag_order(concatenated([rows, extra])) if len(extra) else rows
    return rows


def _gap_rows(rows: ColdRows, gap: Gap) -> ColdRows:
    last, _ = _ended(rows, gap, (rows.place < gap.place) | (rows.t < gap.start))
    return _bad_rows(rows, last, gap)


def _ended(rows: ColdRows, gap: Gap, stated: NDArray[np.bool_]) -> tuple[NDArray[np.intp], I64]:
    """For each tag the position of the last stated row that the gap ends, and when."""
    starts = np.flatnonzero(np.concatenate(([True], rows.tag[1:] != rows.tag[:-1])))
    ends = np.append(starts[1:], len(rows)) - 1
    last = np.maximum.reduceat(np.where(stated, np.arange(len(rows)), -1), starts)
    last, ends = last[last >= 0], ends[last >= 0]
    t = np.maximum(gap.start, rows.t[last] + 1)
    followed = (last < ends) & (rows.t[np.minimum(last + 1, len(rows) - 1)] <= t)
    wanted = (rows.quality[last] < _BAD) & ~followed
    return last[wanted], t[wanted]


def _bad_rows(rows: ColdRows, last: NDArray[np.intp], gap: Gap) -> ColdRows:
    extra = no_rows(len(last))
    extra.tag[:], extra.t[:] = rows.tag[last], np.maximum(gap.start, rows.t[last] + 1)
    extra.place[:], extra.quality[:], extra.form[:] = gap.place, int(Quality.BAD), rows.form[last]
    extra.bits[:] = np.where(extra.form == FLOAT, _NAN, 0)
    extra.objects = [None] if (extra.form == OBJECT_ROW).any() else []
    return extra
