"""GET history/statistics: figures of a range of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.responses import Response

from sereno.client import statistics_json

from .answers import answer, problems
from .history import Asked
from .problem import ProblemError
from .requests import Asking, Context


class ControlChartShape(BaseModel):
    """A chart of means and ranges of subgroups: centre lines, limits, and the newest points."""

    size: int
    count: int
    mean: float | None
    mean_lower: float | None
    mean_upper: float | None
    means_beyond: int
    range: float | None
    range_upper: float | None
    ranges_beyond: int
    t: list[int]
    means: list[float]
    ranges: list[float]


class TagStatisticsShape(BaseModel):
    """Figures of one tag; `seconds` in the bins between `edges`; limits of an individuals chart."""

    tag: str
    unit: str
    start: int
    end: int
    count: int
    mean: float | None
    time_mean: float | None
    std: float | None
    min: float | None
    max: float | None
    good: float
    edges: list[float]
    seconds: list[float]
    moving_range: float | None
    lower: float | None
    upper: float | None
    beyond: int
    chart: ControlChartShape


class StatisticsShape(BaseModel):
    """Tags in the order asked, and the correlation of each two."""

    tags: list[TagStatisticsShape]
    correlation: list[list[float | None]]
    buckets: int


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route("/api/v1/history/statistics", statistics, response_model=StatisticsShape, responses=problems(404))


async def statistics(
    context: Context,
    actor: Asking,
    asked: Asked,
    bins: Annotated[int, Query(ge=1, le=1000, description="Bins of the histogram")] = 20,
) -> Response:
    """Mean, deviation, extremes, histogram and limits of number tags in [from, to), and how they correlate."""
    try:
        return answer(statistics_json(await context.analysis.statistics(replace(asked, points=bins), actor)))
    except ValueError as error:
        raise ProblemError(422, str(error)) from error
