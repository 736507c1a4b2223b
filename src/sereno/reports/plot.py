"""A curve as SVG that a mail shows: lines and shapes with attributes, no style, no script, no text of others."""

from __future__ import annotations

import numpy as np

from sereno.client import Aggregates

WIDTH, HEIGHT = 320, 56
_PAD = 3


def curve(found: Aggregates, label: str) -> str:
    """Mean as a line, extremes as a band, and grey where nothing is known. `label` is escaped already."""
    low, high, mean = (np.asarray(found.columns[name], np.float64) for name in ("min", "max", "time_mean"))
    known = np.isfinite(mean) & np.isfinite(low) & np.isfinite(high)
    start, span = int(found.t[0]), max(1, int(found.t_end[-1]) - int(found.t[0]))
    left, right = (found.t - start) / span * WIDTH, (found.t_end - start) / span * WIDTH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">',
        f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" fill="#f6f7f9"/>',
    ]
    for first, last in _runs(~known):
        begin, width = float(left[first]), float(right[last - 1] - left[first])
        parts.append(f'<rect x="{begin:.1f}" y="0" width="{width:.1f}" height="{HEIGHT}" fill="#c9ced6"/>')
    if known.any():
        bottom, top = float(low[known].min()), float(high[known].max())
        scale = (HEIGHT - 2 * _PAD) / (top - bottom) if top > bottom else 0.0
        middle = 0.0 if top > bottom else HEIGHT / 2 - _PAD
        y_low, y_high, y_mean = [HEIGHT - _PAD - middle - (column - bottom) * scale for column in (low, high, mean)]
        for first, last in _runs(known):
            x = np.ravel(np.column_stack((left[first:last], right[first:last])))
            band = [
                *_points(x, np.repeat(y_high[first:last], 2)),
                *reversed(_points(x, np.repeat(y_low[first:last], 2))),
            ]
            line = _points(x, np.repeat(y_mean[first:last], 2))
            parts.append(f'<polygon points="{" ".join(band)}" fill="#b9d3ea"/>')
            parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="#1b5e94" stroke-width="1.5"/>')
    return "".join([*parts, "</svg>"])


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """[first, last) of each stretch of what is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _points(x: np.ndarray, y: np.ndarray) -> list[str]:
    return [f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
