"""Trends at the prompt: matplotlib where a notebook shows pictures, characters in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Series
from sereno.model import OperationError

_BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 100, 20


class Plot:
    """A drawing that knows both ways; whoever shows it chooses."""

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = [one for one in series if one.objects is None]
        if not self.series:
            raise OperationError("texts and arrays have no trend; use history")

    def __repr__(self) -> str:
        try:
            import plotext
        except ImportError:
            return "\n".join(_spark(one) for one in self.series)
        return self._characters(plotext)

    def _repr_png_(self) -> bytes | None:
        """For notebooks; None without matplotlib, then the characters are shown."""
        try:
            import matplotlib.figure
        except ImportError:
            return None
        from io import BytesIO

        figure = matplotlib.figure.Figure(figsize=(9, 4), layout="constrained")
        axes = figure.subplots()
        for one in self.series:
            axes.plot(one.t.astype("datetime64[ns]"), one.value, label=_label(one), linewidth=1.2)
        axes.legend(loc="best")
        axes.grid(alpha=0.3)
        axes.set_xlabel("UTC")
        made = BytesIO()
        figure.savefig(made, format="png", dpi=110)
        return made.getvalue()

    def _characters(self, plotext: Any) -> str:
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.plotsize(WIDTH, HEIGHT)
        latest = max(int(one.t[-1]) for one in self.series if one.t.size) if any(o.t.size for o in self.series) else 0
        for one in self.series:
            known = np.isfinite(one.value)
            plotext.plot(((one.t[known] - latest) / 1e9).tolist(), one.value[known].tolist(), label=_label(one))
        plotext.xlabel(f"s, 0 = {datetime.fromtimestamp(latest / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC")
        return str(plotext.uncolorize(plotext.build()))


def trend_of(series: Sequence[Series]) -> Plot:
    """A drawing of series. Raises OperationError if none of them is of numbers."""
    return Plot(series)


def _label(series: Series) -> str:
    return f"{series.tag} [{series.unit}]" if series.unit else series.tag


def _spark(series: Series) -> str:
    """One line: as much as can be said without a plotting package."""
    values = series.value[np.isfinite(series.value)]
    if not values.size:
        return f"{_label(series)}: no values"
    return f"{_label(series)}  {float(values.min()):g} .. {float(values.max()):g}\n{blocks(values)}"


def blocks(values: NDArray[np.float64]) -> str:
    """Finite values as characters of eight heights, `WIDTH` of them at most; a blank for what is none."""
    picked = values[np.linspace(0, values.size - 1, min(WIDTH, values.size)).astype(int)]
    known = np.isfinite(picked)
    if not known.any():
        return " " * len(picked)
    low, high = float(picked[known].min()), float(picked[known].max())
    steps = np.zeros(picked.size) if high == low else np.nan_to_num((picked - low) / (high - low) * 8).round()
    heights: list[float] = steps.tolist()
    return "".join(_BLOCKS[int(h)] if there else " " for h, there in zip(heights, known.tolist(), strict=True))
