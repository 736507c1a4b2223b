"""GET history."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.responses import Response

from sereno.client import HistoryRequest, Series, parse_time, series_json
from sereno.model import Clock

from .answers import problems
from .problem import ProblemError
from .requests import Asking, Context

MAX_TAGS = 50
MAX_POINTS = 20_000
_OFF_LOOP = 20_000


class SeriesShape(BaseModel):
    """History of one tag as columns of equal length. `t_ns` ns UTC; with `points`, `value` is the mean of a bucket."""

    tag: str
    unit: str
    t_ns: list[int]
    value: list[Any]
    quality: list[str]
    low: list[float | None] | None
    high: list[float | None] | None
    count: list[int] | None
    covered_until_ns: int


class HistoryShape(BaseModel):
    """One series per tag, in the order asked."""

    series: list[SeriesShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route("/api/v1/history", history, response_model=HistoryShape, responses=problems(404))


async def history(  # noqa: PLR0917 - FastAPI calls it by name
    context: Context,
    actor: Asking,
    tag: Annotated[list[str], Query(min_length=1, max_length=MAX_TAGS, description="Tag path; repeatable")],
    start: Annotated[str, Query(alias="from", max_length=40, description="ISO 8601 or now-6h")] = "now-1h",
    end: Annotated[str, Query(alias="to", max_length=40, description="ISO 8601 or now")] = "now",
    points: Annotated[int | None, Query(ge=1, le=MAX_POINTS, description="Buckets; none = raw samples")] = None,
) -> Response:
    """Samples of tags in [from, to): raw, or as mean, extremes and count of so many buckets."""
    t_start, t_end = _time("from", start, context.clock), _time("to", end, context.clock)
    if t_end <= t_start:
        raise ProblemError(422, f"'to' ({end}) is not after 'from' ({start})")
    try:
        series = await context.history.query(HistoryRequest(tuple(tag), t_start, t_end, points), actor)
    except ValueError as error:
        raise ProblemError(422, str(error)) from error
    if sum(len(one.t) for one in series) > _OFF_LOOP:
        return await asyncio.to_thread(_render, series)
    return _render(series)


def _render(series: list[Series]) -> Response:
    body = orjson.dumps({"series": [series_json(one) for one in series]})
    return Response(body, media_type="application/json")


def _time(name: str, text: str, clock: Clock) -> int:
    try:
        t = parse_time(text, clock)
    except (ValueError, OverflowError) as error:
        raise ProblemError(422, f"'{name}': {error}") from error
    if not -(1 << 63) <= t < 1 << 63:
        raise ProblemError(422, f"'{name}': {text!r} lies outside 64 bits of ns")
    return t
