"""Which rows of an update go out: those beyond an absolute or relative change since what was last sent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sereno.client import Update

_NOTHING: NDArray[np.int32] = np.empty(0, np.int32)


class Thresholds:
    """Of `size` tags by position. A change of quality, a first value and whatever is no row always goes out."""

    def __init__(self, size: int, absolute: float, relative: float) -> None:
        self._absolute = absolute
        self._relative = relative
        self._sent = np.full(size, np.nan)
        self._quality = np.full(size, -1, np.int32)

    def passed(self, update: Update) -> Update | None:
        """The part that goes out; None if nothing does. A snapshot goes whole."""
        index = update.index
        if update.snapshot:
            self._note(index, update.values, update.quality)
            return update
        rows = np.flatnonzero(self._beyond(index, update.values, update.quality))
        self._note(index[rows], update.values[rows], update.quality[rows])
        if rows.size == len(index):
            return update
        if not rows.size and not update.objects:
            return None
        return _only(update, rows)

    def _beyond(
        self, index: NDArray[np.int32], values: NDArray[np.float64], quality: NDArray[np.uint16]
    ) -> NDArray[np.bool_]:
        sent = self._sent[index]
        with np.errstate(invalid="ignore"):
            step = np.abs(values - sent)
            enough = step > np.maximum(self._absolute, self._relative * np.abs(sent))
        unknown = np.isnan(sent) != np.isnan(values)
        beyond: NDArray[np.bool_] = enough | unknown | (self._quality[index] != quality)
        return beyond

    def _note(self, index: NDArray[np.int32], values: NDArray[np.float64], quality: NDArray[np.uint16]) -> None:
        self._sent[index] = values
        self._quality[index] = quality


def _only(update: Update, rows: NDArray[np.intp]) -> Update:
    row_of = np.full(len(update.index), -1, np.int32)
    row_of[rows] = np.arange(rows.size, dtype=np.int32)
    exact = row_of[update.exact_rows] if update.exact_rows.size else _NOTHING
    kept = exact >= 0
    index = update.index[rows]
    shown = {*index.tolist(), *(position for position, *_ in update.objects)}
    return replace(
        update,
        index=index,
        values=update.values[rows],
        t_source=update.t_source[rows],
        quality=update.quality[rows],
        exact_rows=exact[kept],
        exact_values=update.exact_values[kept],
        reasons={position: words for position, words in update.reasons.items() if position in shown},
    )
