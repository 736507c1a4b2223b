"""Gaps of the log become rows of bad quality, for every tag at once (as samples.with_gaps does for one)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sereno.historian.block import I64
from sereno.historian.marks import Gap
from sereno.model import Quality

from .rows import FLOAT, OBJECT_ROW, ColdRows, no_rows
from .stretches import LastRows, Stretches
from .view import ColdView

_BAD = 0x8000
_NAN = int(np.array([np.nan]).view(np.int64)[0])


def add_gap_rows(stretches: Stretches, gaps: Sequence[Gap]) -> None:
    """Add a bad row wherever a gap ends what was stated before it."""
    for gap in gaps:
        place, start = gap.place, gap.start
        last = stretches.last(lambda rows, p=place, s=start: (rows.place < p) | (rows.t < s))  # type: ignore[misc]
        rows, t = _ended(last, gap)
        stretches.add(bad_rows(rows, t, gap.place))


def add_late_gap_rows(stretches: Stretches, gaps: Sequence[Gap], cold: ColdView) -> None:
    """As `add_gap_rows`, for gaps that are cold already: they also end what only late rows state of before them."""
    first = min((int(rows.t[rows.place > 0].min(initial=1 << 62)) for rows in stretches.rows if len(rows)), default=0)
    for gap in gaps:
        if gap.start > first:
            last = stretches.last(lambda rows, s=gap.start: rows.t < s)  # type: ignore[misc]
            rows, t = _ended(last, gap)
            rows = rows.take(np.flatnonzero((rows.place > 0) & (t == gap.start)))
            pairs = zip(rows.tag.tolist(), rows.t.tolist(), strict=True)
            alone = [len(cold.between(tag, after + 1, gap.start + 1)) == 0 for tag, after in pairs]
            rows = rows.take(np.flatnonzero(alone))
            stretches.add(bad_rows(rows, np.full(len(rows), gap.start, np.int64), gap.place))


def _ended(last: LastRows, gap: Gap) -> tuple[ColdRows, I64]:
    """The rows that a gap ends, and when."""
    t = np.maximum(gap.start, last.rows.t + 1)
    wanted = np.flatnonzero((last.rows.quality < _BAD) & (last.following > t))
    return last.rows.take(wanted), t[wanted]


def bad_rows(rows: ColdRows, t: I64, place: int) -> ColdRows:
    """Rows of bad quality at times `t`, of the tags and kinds of `rows`."""
    extra = no_rows(len(rows))
    extra.tag[:], extra.t[:], extra.place[:] = rows.tag, t, place
    extra.quality[:], extra.form[:] = int(Quality.BAD), rows.form
    extra.bits[:] = np.where(extra.form == FLOAT, _NAN, 0)
    extra.objects = [None] if (extra.form == OBJECT_ROW).any() else []
    return extra
