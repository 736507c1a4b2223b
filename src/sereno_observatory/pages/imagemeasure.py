"""What is measured in an image that people look at: between which values it is shown, how wide a star is. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONTRAST = 0.25
"""Of the z-scale: the smaller, the wider the cuts."""
_SAMPLED, _ROUNDS, _SIGMAS, _FEWEST = 1000, 5, 2.5, 0.5
HALF = 15
"""Pixels to each side of a place within which a star is looked for and measured."""
_WIDTHS = 2.0 * math.sqrt(2.0 * math.log(2.0))
_DETECTED = 5.0
"""Times the noise of the sky that a star's greatest pixel is above it."""


def zscale(sample: NDArray[np.float64]) -> tuple[float, float]:
    """The cuts of IRAF's z-scale: the sky and what is a little brighter, however bright the stars are."""
    step = max(1, -(-sample.size // _SAMPLED))
    values = np.sort(sample[::step])
    low, high = float(values[0]), float(values[-1])
    places = np.arange(values.size) - (values.size - 1) / 2
    kept = np.ones(values.size, bool)
    fewest = max(5, int(values.size * _FEWEST))
    slope = 0.0
    for _ in range(_ROUNDS):
        if kept.sum() < fewest:
            return low, high
        slope, start = np.polyfit(places[kept], values[kept], 1)
        away = values - (slope * places + start)
        before, kept = kept.sum(), np.abs(away) < _SIGMAS * away[kept].std()
        if kept.sum() in (before, 0):
            break
    if kept.sum() < fewest or slope <= 0:
        return low, high
    middle, reach = float(np.median(values)), slope / CONTRAST * values.size / 2
    return max(low, middle - reach), min(high, middle + reach)


def averaged(part: NDArray[Any], bins: int) -> NDArray[np.float64]:
    """Blocks of bins x bins pixels as their mean; a rest at the edges that fills no block is left out."""
    if bins == 1:
        return part.astype(np.float64)
    rows, columns = max(1, part.shape[0] // bins), max(1, part.shape[1] // bins)
    high, wide = min(bins, part.shape[0]), min(bins, part.shape[1])
    blocks = part[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def star(plane: NDArray[Any], x: int, y: int) -> dict[str, float] | None:
    """The star nearest to a pixel (from 0 at the first of the file); None if none stands out there.

    `x` and `y` of its centre, `fwhm` in pixels, `peak` and `flux` above the `sky`.
    """
    top, left = max(0, y - HALF), max(0, x - HALF)
    box = plane[top : y + HALF + 1, left : x + HALF + 1].astype(np.float64)
    if min(box.shape) < 5 or not np.isfinite(box).all():
        return None
    sky = float(np.median(box))
    noise = 1.4826 * float(np.median(np.abs(box - sky))) or 1.0
    above = box - sky
    rows, columns = np.mgrid[0 : box.shape[0], 0 : box.shape[1]]
    near = above - noise * np.hypot(rows - (y - top), columns - (x - left)) * 0.5
    row, column = np.unravel_index(int(np.argmax(near)), near.shape)
    if above[row, column] < _DETECTED * noise:
        return None
    found = _moments(above, rows, columns, float(row), float(column))
    if found is None:
        return None
    row_c, column_c, sigma = found
    within = np.hypot(rows - row_c, columns - column_c) <= 3.0 * sigma
    return {
        "x": left + column_c,
        "y": top + row_c,
        "fwhm": sigma * _WIDTHS,
        "peak": float(above[within].max(initial=0.0)),
        "flux": float(above[within].sum()),
        "sky": sky,
    }


def _moments(
    above: NDArray[np.float64], rows: NDArray[Any], columns: NDArray[Any], row: float, column: float
) -> tuple[float, float, float] | None:
    """Centre and sigma by moments under a Gaussian weight that follows the star: noise far off counts little."""
    variance = 4.0
    for _ in range(20):
        squares = (rows - row) ** 2 + (columns - column) ** 2
        weighed = above * np.exp(-squares / (2.0 * variance))
        total = weighed.sum()
        if total <= 0:
            return None
        step = ((weighed * (rows - row)).sum() / total * 2, (weighed * (columns - column)).sum() / total * 2)
        row, column = row + step[0], column + step[1]
        narrowed = (weighed * squares).sum() / total / 2.0
        if not 0 < narrowed < variance:
            narrowed = variance * 0.75 if narrowed >= variance else 0.1
        wanted = 1.0 / (1.0 / narrowed - 1.0 / variance)
        variance = float(np.clip(wanted, 0.2, HALF**2))
    inside = 0 <= row < above.shape[0] and 0 <= column < above.shape[1]
    return (float(row), float(column), math.sqrt(variance)) if inside else None
