"""The last value of every tag of a subscription, kept at the reader's side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import Quality, TagSpec

from ._values import I32, Update


class LastKnown:
    """Takes updates in; gives them again as one, or all as not connected."""

    def __init__(self, tags: Sequence[TagSpec]) -> None:
        self.rows: I32 = np.array([p for p, spec in enumerate(tags) if spec.is_row], np.int32)
        self._values = np.full(len(tags), np.nan)
        self._times = np.zeros(len(tags), np.int64)
        self._quality = np.full(len(tags), int(Quality.WAITING), np.uint16)
        self._exact: dict[int, int] = {}
        self._objects: dict[int, tuple[int, Any, int, int]] = {}
        self._reasons: dict[int, str] = {}

    def apply(self, update: Update) -> None:
        """Take an update in."""
        index = update.index
        self._values[index] = update.values
        self._times[index] = update.t_source
        self._quality[index] = update.quality
        if update.exact_rows.size or self._exact:
            for position in index.tolist():
                self._exact.pop(position, None)
            self._exact.update(zip(index[update.exact_rows].tolist(), update.exact_values.tolist(), strict=True))
        self._objects.update((sample[0], sample) for sample in update.objects)
        if self._reasons:
            for position in (*index.tolist(), *(sample[0] for sample in update.objects)):
                self._reasons.pop(position, None)
        self._reasons.update(update.reasons)

    def again(self, positions: NDArray[np.bool_], like: Update) -> Update:
        """What is known at these positions, under the numbers of the update `like`."""
        index = self.rows[positions[self.rows]]
        return self._update(like, index, [o for p, o in self._objects.items() if positions[p]])

    def lost(self, reason: str, like: Update) -> Update:
        """Everything as it was last, not connected, under the numbers of the update `like`."""
        code = int(Quality.NOT_CONNECTED)
        objects = [(p, value, t, code) for p, value, t, _ in self._objects.values()]
        update = self._update(like, self.rows, objects)
        reasons = dict.fromkeys(range(len(self._values)), reason)
        return replace(update, quality=np.full(len(self.rows), code, np.uint16), reasons=reasons)

    def _update(self, like: Update, index: I32, objects: Sequence[tuple[int, Any, int, int]]) -> Update:
        rows = [row for row, p in enumerate(index.tolist()) if p in self._exact] if self._exact else []
        shown = {*index.tolist(), *(sample[0] for sample in objects)} if self._reasons else set[int]()
        return replace(
            like,
            index=index,
            values=self._values[index],
            t_source=self._times[index],
            quality=self._quality[index],
            exact_rows=np.array(rows, np.int32),
            exact_values=np.array([self._exact[int(index[row])] for row in rows], np.int64),
            objects=tuple(objects),
            reasons={p: words for p, words in self._reasons.items() if p in shown},
        )


def bare_update(seq: int, t_hub: int, *, dropped: int = 0) -> Update:
    """An update of nothing."""
    none, whole = np.empty(0, np.int32), np.empty(0, np.int64)
    return Update(seq, t_hub, False, none, np.empty(0), whole, np.empty(0, np.uint16), none, whole, dropped=dropped)


def moved(update: Update, places: I32) -> Update:
    """The update with positions translated by `places`; what has none (-1) is left out."""
    index = places[update.index]
    kept = np.flatnonzero(index >= 0)
    row_of = np.full(len(index), -1, np.int32)
    row_of[kept] = np.arange(len(kept), dtype=np.int32)
    exact = row_of[update.exact_rows] >= 0
    return replace(
        update,
        index=index[kept],
        values=update.values[kept],
        t_source=update.t_source[kept],
        quality=update.quality[kept],
        exact_rows=row_of[update.exact_rows][exact],
        exact_values=update.exact_values[exact],
        objects=tuple((int(places[p]), v, t, q) for p, v, t, q in update.objects if places[p] >= 0),
        reasons={int(places[p]): text for p, text in update.reasons.items() if places[p] >= 0},
    )


def places_of(tags: Sequence[TagSpec], among: Sequence[TagSpec]) -> I32:
    """Positions of `tags` among others, -1 for those that are not there."""
    known = {spec.path: place for place, spec in enumerate(among)}
    return np.array([known.get(spec.path, -1) for spec in tags], np.int32)
