"""How long each value held in each bucket."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sereno.historian.samples import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Holds:
    """Spans of time in each of which one value held in one bucket: `bucket` grows, `which` is the value's position."""

    bucket: NDArray[np.intp]
    which: NDArray[np.intp]
    seconds: F64

    @property
    def starts(self) -> NDArray[np.intp]:
        """Where the spans of a bucket begin, of each bucket that has any."""
        return np.flatnonzero(np.append(True, self.bucket[1:] != self.bucket[:-1])) if len(self.bucket) else self.bucket


def held(t: I64, edges: I64, until: int) -> Holds:
    """Steps at `t` (increasing) cut at `edges`; the last one holds `until`. What is outside the edges is left out."""
    low, high = int(edges[0]), min(until, int(edges[-1]))
    first = max(0, int(np.searchsorted(t, low, "right")) - 1)
    inside = np.maximum(t[first : np.searchsorted(t, high)], low)
    if not len(inside) or high <= inside[0]:
        nothing = np.empty(0, np.intp)
        return Holds(nothing, nothing, np.empty(0))
    cuts = edges[np.searchsorted(edges, inside[0], "right") : np.searchsorted(edges, high)]
    at = np.searchsorted(inside, cuts)
    cuts, at = cuts[_absent(inside, cuts, at)], at[_absent(inside, cuts, at)]
    points = np.insert(inside, at, cuts)
    which = first + np.searchsorted(inside, points, "right") - 1
    bucket = np.searchsorted(edges, points, "right") - 1
    return Holds(bucket, which, np.diff(points, append=high) * 1e-9)


def _absent(t: I64, cuts: I64, at: NDArray[np.intp]) -> NDArray[np.bool_]:
    found = t[np.minimum(at, len(t) - 1)] != cuts
    return np.asarray(found, np.bool_)
