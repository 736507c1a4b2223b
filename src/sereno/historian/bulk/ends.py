"""What holds after an import: after the last imported sample of a tag again what held there before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sereno.historian.cold.gaps import bad_rows
from sereno.historian.cold.rewriting import Declared
from sereno.historian.cold.rows import EXACT_INT, OBJECT_ROW, ColdRows, concatenated, in_tag_order, no_rows
from sereno.historian.cold.view import ColdView
from sereno.historian.samples import Samples
from sereno.model import Quality

from .gathered import Span

END_PLACE = 1 << 40
"""Of the rows that end an import: after all of it."""
_SECOND = 10**9


def end_rows(spans: Mapping[int, Span], cold: ColdView, declared: Declared) -> ColdRows:
    """A row for each tag, one step after its last sample, but where it has samples up to there anyway."""
    found: list[ColdRows] = []
    for tag, span in spans.items():
        t = span.last + max(1, span.step or _SECOND)
        if not len(cold.between(tag, span.last + 1, t + 1)):
            found.append(_row(tag, t, cold.last_before(tag, t + 1), declared))
    return in_tag_order(concatenated(found))


def _row(tag: int, t: int, before: Samples, declared: Declared) -> ColdRows:
    row = no_rows(1)
    row.tag[:], row.t[:], row.place[:] = tag, t, END_PLACE
    row.form[:] = declared.forms(row.tag)
    if not len(before) or before.quality[0] >= int(Quality.BAD):
        return bad_rows(row, row.t, END_PLACE)
    row.quality[:] = before.quality[0]
    if row.form[0] == OBJECT_ROW:
        row.objects = [before.objects[0]]
    else:
        row.bits[:] = before.exact if row.form[0] == EXACT_INT else np.ascontiguousarray(before.values).view(np.int64)
    return row
