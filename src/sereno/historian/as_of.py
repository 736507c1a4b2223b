"""Every tag at one time: the last sample of each at or before it, out of everything cold and hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.model import Quality

from .block import I64
from .cold.kinds import OBJECT
from .cold.manifest import ColdFile
from .cold.reading import ColdReader, DamagedError
from .cold.rewriting import bits_of, rows_in
from .cold.rows import EXACT_INT, FLOAT, OBJECT_ROW, ColdRows, concatenated, in_tag_order
from .cold.view import ColdView
from .history import MARGIN_NS, Snapshot, Store, TagHistory
from .marks import Gap
from .meaning import definition_at
from .samples import Samples
from .tags import Asked

_KEYS = ("tag", "t")
Check = Callable[[], None]


def rows_at(store: Store, snapshot: Snapshot, tags: Mapping[int, Asked], t: int, check: Check) -> ColdRows:
    """The row in force at `t` of each of `tags` (by id), in order of tag; those without one are left out.

    `check` is called between files and tags and may raise to stop.
    """
    hot = _hot_tags(store, snapshot, t)
    if snapshot.pending:
        hot |= {tag for tag, asked in tags.items() if asked.handle is not None}
    parts: list[ColdRows] = []
    for tag in hot & tags.keys():
        check()
        numbers = tags[tag].definition.is_row
        samples = TagHistory(store, snapshot, tag, tags[tag].handle, numbers=numbers).between(t, t + 1)
        parts.append(_of_samples(tags[tag], samples.take(slice(-1, None))))
    if snapshot.cold is not None:
        rest = np.sort(np.fromiter(tags.keys() - hot if hot else tags, np.int64))
        gaps = [gap for ref in snapshot.segments for gap in ref.outline.gaps] + list(snapshot.gaps)
        parts.append(_with_gaps(cold_rows_at(snapshot.cold, rest, t + 1, check), gaps, t))
    return in_tag_order(concatenated(parts))


def cold_rows_at(cold: ColdView, tags: I64, t: int, check: Check) -> ColdRows:
    """The last cold row of each of `tags` (increasing) before `t`, in order of tag."""
    state = cold.state.rows
    current = state.take(np.flatnonzero((state.t < t) & _among(tags, state.tag)))
    found = [current]
    missing = tags[~_among(current.tag, tags)]
    files = cold.files(-(1 << 63), t)
    while len(missing) and files:
        check()
        start = files[-1].start
        slot = [f for f in files if f.start == start]
        files = [f for f in files if f.start < start]
        rows = _last_of_each(in_tag_order(concatenated([_in_file(cold, f, missing, t) for f in slot])))
        found.append(rows)
        missing = missing[~_among(rows.tag, missing)]
    return _last_of_each(in_tag_order(concatenated(found)))


def _hot_tags(store: Store, snapshot: Snapshot, t: int) -> set[int]:
    found: set[int] = set()
    for ref in snapshot.segments:
        try:
            view = store.cache.view(ref)
        except OSError:
            continue
        for chunk in view.indexes():
            found.update(chunk.tags["id"][chunk.tags["t_min"] <= t].tolist())
    return found


def _in_file(cold: ColdView, file: ColdFile, tags: I64, t: int) -> ColdRows:
    parts: list[ColdRows] = []
    try:
        groups = cold.reader.index(file).groups
        wanted = np.searchsorted(tags, groups["tag_min"]) < np.searchsorted(tags, groups["tag_max"], "right")
        numbers = np.flatnonzero(wanted & (groups["t_min"] < t)).tolist()
        parts = [_in_group(cold.reader, file, group, t) for group in numbers]
    except DamagedError as error:
        cold.on_damage(error.path, error.offset)
    rows = concatenated(parts)
    wanted = _among(tags, rows.tag)
    return rows if wanted.all() else rows.take(np.flatnonzero(wanted))


def _in_group(reader: ColdReader, file: ColdFile, group: int, t: int) -> ColdRows:
    if file.kind == OBJECT:
        rows = rows_in(reader, file, group)
        return rows.take(_picked(rows.tag, rows.t, t))
    columns = reader.read(file, group, ("tag", "t", "value", "quality"))
    picked = _picked(columns["tag"], columns["t"], t)
    bits, form = bits_of(columns["value"][picked], file.kind)
    n = len(picked)
    forms, places = np.full(n, form, np.uint8), np.zeros(n, np.int64)
    quality = columns["quality"][picked].astype(np.uint16)
    return ColdRows(columns["tag"][picked], columns["t"][picked], bits, forms, quality, places)


def _picked(tag: I64, times: I64, t: int) -> NDArray[np.intp]:
    """Positions of the last row of each tag before `t`, of rows in order."""
    before = times < t
    last = before.copy()
    last[:-1] &= ~(before[1:] & (tag[1:] == tag[:-1]))
    return last.nonzero()[0]


def _among(ids: I64, wanted: I64) -> NDArray[np.bool_]:
    """Which of `wanted`, best in order, are among `ids`, increasing."""
    if not len(ids):
        return np.zeros(len(wanted), np.bool_)
    found: NDArray[np.bool_] = ids[np.minimum(ids.searchsorted(wanted), len(ids) - 1)] == wanted
    return found


def _last_of_each(rows: ColdRows) -> ColdRows:
    return rows.take(np.append(rows.tag[1:] != rows.tag[:-1], True)) if len(rows) else rows


def _of_samples(asked: Asked, samples: Samples) -> ColdRows:
    n = len(samples)
    definition = definition_at(asked, int(samples.t[0])) if n else asked.definition
    tag, quality = np.full(n, definition.id, np.int64), samples.quality
    exact = definition.is_row and definition.type.is_exact
    form = EXACT_INT if exact else FLOAT if definition.is_row else OBJECT_ROW
    bits = samples.exact if exact else np.ascontiguousarray(samples.values).view(np.int64)
    objects = [] if definition.is_row else samples.objects.tolist()
    if objects:
        bits = np.arange(n, dtype=np.int64)
    return ColdRows(tag, samples.t, bits, np.full(n, form, np.uint8), quality, np.zeros(n, np.int64), objects)


def _with_gaps(rows: ColdRows, gaps: Sequence[Gap], t: int) -> ColdRows:
    """Bad where one of the gaps, which are stated after all that is cold, ends the row at or before `t`."""
    ordered = sorted(gaps, key=lambda gap: gap.start)
    starts, ends = (np.array([getattr(gap, name) for gap in ordered], np.int64) for name in ("start", "end"))
    at = np.searchsorted(ends, rows.t - MARGIN_NS)
    known = at < len(starts)
    begins = np.maximum(starts[np.minimum(at, len(starts) - 1)], rows.t + 1) if len(starts) else rows.t
    ended = known & (begins <= t) & (rows.quality < int(Quality.BAD))
    if not ended.any():
        return rows
    times = np.where(ended, begins, rows.t)
    quality = np.where(ended, np.uint16(Quality.BAD), rows.quality).astype(np.uint16)
    return ColdRows(rows.tag, times, rows.bits, rows.form, quality, rows.place, rows.objects)
