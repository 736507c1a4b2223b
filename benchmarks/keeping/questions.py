"""The four questions, and numpy's answers to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data import DAY, DAYS, T0, Samples

HOUR = 3_600_000
RAW = (3, T0 + 12 * DAY + 5 * HOUR, T0 + 12 * DAY + 6 * HOUR)
"""One tag of the fast ones, one hour."""
TREND = (4, T0, T0 + DAYS * DAY, 1000)
DAY_OF_20 = (T0 + 9 * DAY, T0 + 10 * DAY)
AT = T0 + 17 * DAY + 7 * HOUR + 1234


def twenty(tags: int) -> list[int]:
    """Five fast tags and fifteen others."""
    return [t for t in (*range(5), *range(100, 10_000, 660)) if t < tags][:20]


def raw(samples: Samples, tag: int, start: int, end: int) -> tuple[Any, Any]:
    """Times and values in [start, end)."""
    t, value = samples.of(tag)
    a, b = np.searchsorted(t, [start, end])
    return t[a:b], value[a:b]


def trend(samples: Samples, tag: int, edges: NDArray[np.int64]) -> dict[str, Any]:
    """Count, minimum, maximum and mean of the buckets between `edges` (ms) that have samples, by their number."""
    t, value = samples.of(tag)
    at = np.searchsorted(t, edges)
    full = np.flatnonzero(at[1:] > at[:-1])
    starts = at[full]
    count = (at[1:] - at[:-1])[full]
    value = value[: at[-1]]
    total = np.add.reduceat(value, starts)
    low, high = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
    return {"bucket": full, "count": count, "min": low, "max": high, "mean": total / count}


def even_edges(start: int, end: int, points: int) -> NDArray[np.int64]:
    """Edges of equal buckets, in ms."""
    return np.array([start + (end - start) * i // points for i in range(points + 1)], np.int64)


def as_of(samples: Samples, at: int) -> tuple[Any, Any, Any]:
    """Tags that have a sample by then, its time and value."""
    found = [(tag, *_last(*samples.of(tag), at)) for tag in range(samples.tags)]
    found = [f for f in found if f[1] is not None]
    tag, t, value = zip(*found, strict=True)
    return np.array(tag), np.array(t), np.array(value)


def _last(t: Any, value: Any, at: int) -> tuple[Any, Any]:
    i = int(np.searchsorted(t, at, "right")) - 1
    return (t[i], value[i]) if i >= 0 else (None, None)


def same(name: str, got: Any, expected: Any, *, close: bool = False) -> None:
    """Raises AssertionError naming the engine and the question."""
    got, expected = np.asarray(got), np.asarray(expected)
    equal = got.shape == expected.shape and (
        np.allclose(got, expected, rtol=1e-9, atol=1e-9) if close else bool((got == expected).all())
    )
    if not equal:
        raise AssertionError(f"{name}: {got.shape} values that are not those of numpy {expected.shape}")
