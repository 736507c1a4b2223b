"""GET history: samples or aggregates, whole as JSON or in pieces in other formats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sereno.client import (
    DEFAULT_AGGREGATES,
    MEDIA_TYPES,
    AggregateRequest,
    Aggregates,
    Calendar,
    Form,
    HistoryRequest,
    Series,
    aggregates_json,
    form_of,
    joined_aggregates,
    parse_time,
    series_json,
)
from sereno.model import Clock

from .answers import problems
from .problem import ProblemError
from .requests import Asking, Context

MAX_TAGS = 50
MAX_POINTS = 20_000
MAX_BUCKETS = 200_000
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
    type: str
    labels: list[str]
    since_ns: int
    until_ns: int
    converted: list[str]


class HistoryShape(BaseModel):
    """One series per tag, in the order asked; before it what cannot be said in the tag's present definition."""

    series: list[SeriesShape]


class AggregatesShape(BaseModel):
    """Aggregates of one tag in buckets [t, t_end). `states` seconds in each; `units` where they are not `unit`."""

    tag: str
    unit: str
    timezone: str
    t_ns: list[int]
    t_end_ns: list[int]
    columns: dict[str, list[float | None]]
    states: dict[str, list[float]]
    units: dict[str, str]


class AggregatedShape(BaseModel):
    """One set of columns per tag, in the order asked."""

    aggregates: list[AggregatesShape]


class Streamed(StreamingResponse):
    """An answer in pieces, whose `source` ends when the client leaves."""

    def __init__(self, pieces: AsyncGenerator[bytes], source: AsyncGenerator[Any], media_type: str) -> None:
        super().__init__(pieces, media_type=media_type)
        self._generators = (pieces, source)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI conversation."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for generator in self._generators:
                await generator.aclose()


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    files: dict[int | str, dict[str, Any]] = {
        200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()}}
    }
    app.add_api_route(
        "/api/v1/history", history, response_model=HistoryShape | AggregatedShape, responses={**problems(404), **files}
    )


async def _asked(  # noqa: PLR0917 - FastAPI calls it by name
    context: Context,
    tag: Annotated[list[str], Query(min_length=1, max_length=MAX_TAGS, description="Tag path; repeatable")],
    start: Annotated[str, Query(alias="from", max_length=40, description="ISO 8601 or now-6h")] = "now-1h",
    end: Annotated[str, Query(alias="to", max_length=40, description="ISO 8601 or now")] = "now",
    points: Annotated[int | None, Query(ge=1, le=MAX_POINTS, description="Buckets; none = raw samples")] = None,
    tz: Annotated[str, Query(max_length=60, description="IANA time zone of the calendar and of given times")] = "",
) -> HistoryRequest:
    try:
        zone = Calendar(tz or "UTC").zone()
    except ValueError as error:
        raise ProblemError(422, f"'tz': {error}") from error
    t_start, t_end = _time("from", start, context.clock, zone), _time("to", end, context.clock, zone)
    if t_end <= t_start:
        raise ProblemError(422, f"'to' ({end}) is not after 'from' ({start})")
    return HistoryRequest(tuple(tag), t_start, t_end, points)


Asked = Annotated[HistoryRequest, Depends(_asked)]
Every = Annotated[str, Query(max_length=20, description="Buckets of the calendar: 15min, 1h, 1d, 1w, 1mo, shift")]
Names = Annotated[list[str], Query(max_length=20, description="Aggregates of the buckets; repeatable or with commas")]
FormName = Literal["json", "ndjson", "columns", "csv", "arrow"]


async def history(  # noqa: PLR0917 - FastAPI calls it by name
    request: Request,
    context: Context,
    actor: Asking,
    asked: Asked,
    every: Every = "",
    aggregate: Names = [],  # noqa: B006 - FastAPI reads it only
    tz: Annotated[str, Query(max_length=60)] = "",
    form: Annotated[FormName | None, Query(alias="format", description="Instead of by Accept")] = None,
) -> Response:
    """Samples of tags in [from, to): raw, as mean and extremes of so many buckets, or aggregates by the calendar.

    As JSON of bounded size, or in pieces of any length as rows of CSV, lines of JSON, Arrow. `format=columns` is
    JSON columns, a line a piece.
    """
    chosen = form or _accepted(request.headers.get("accept", ""))
    names = tuple(n for given in aggregate for n in given.split(",") if n)
    try:
        if every:
            names = names or DEFAULT_AGGREGATES
            wanted = AggregateRequest(asked.tags, asked.start, asked.end, every, names, tz)
            pieces = context.analysis.aggregate(wanted, actor)
            return await _aggregated(pieces) if chosen == "json" else await _streamed(pieces, chosen, names)
        if names:
            raise ProblemError(422, "'aggregate' needs 'every', the length of a bucket")
        if chosen == "json":
            return await _whole(await context.history.query(asked, actor))
        if asked.points:
            raise ProblemError(422, f"'points' comes as JSON, not as {chosen}; ask for 'every' instead")
        return await _streamed(context.analysis.pieces(asked, actor), chosen)
    except ValueError as error:
        raise ProblemError(422, str(error)) from error


def _accepted(header: str) -> str:
    """The first of our formats that is accepted, else JSON."""
    for one in header.split(","):
        kind = one.partition(";")[0].strip().lower()
        for name in ("csv", "ndjson", "arrow"):
            if MEDIA_TYPES[name].partition(";")[0] == kind:
                return name
    return "json"


async def _whole(series: list[Series]) -> Response:
    if sum(len(one.t) for one in series) > _OFF_LOOP:
        return await asyncio.to_thread(_render, series)
    return _render(series)


def _render(series: list[Series]) -> Response:
    body = orjson.dumps({"series": [series_json(one) for one in series]})
    return Response(body, media_type="application/json")


async def _aggregated(pieces: AsyncGenerator[Aggregates]) -> Response:
    found: dict[str, list[Aggregates]] = {}
    left = MAX_BUCKETS
    async with aclosing(pieces):
        async for piece in pieces:
            found.setdefault(piece.tag, []).append(piece)
            left -= len(piece.t)
            if left < 0:
                raise ProblemError(422, f"more than {MAX_BUCKETS} buckets; ask for longer ones, or for format=ndjson")
    return await asyncio.to_thread(_render_aggregates, found)


def _render_aggregates(found: dict[str, list[Aggregates]]) -> Response:
    tags = [aggregates_json(joined_aggregates(one)) for one in found.values()]
    return Response(orjson.dumps({"aggregates": tags}), media_type="application/json")


async def _streamed(pieces: AsyncGenerator[Any], name: str, aggregates: tuple[str, ...] = ()) -> Response:
    """The first piece is awaited, so that a refusal is told as one."""
    first = await anext(pieces, None)
    form = form_of(name, aggregates)
    return Streamed(_bytes(form, first, pieces), pieces, MEDIA_TYPES[name])


async def _bytes(form: Form, first: Any, pieces: AsyncGenerator[Any]) -> AsyncGenerator[bytes]:
    yield form.begin()
    if first is not None:
        yield await asyncio.to_thread(form.piece, first)
    async for piece in pieces:
        yield await asyncio.to_thread(form.piece, piece)
    yield form.end()


def _time(name: str, text: str, clock: Clock, zone: ZoneInfo) -> int:
    try:
        t = parse_time(text, clock, zone)
    except (ValueError, OverflowError) as error:
        raise ProblemError(422, f"'{name}': {error}") from error
    if not -(1 << 63) <= t < 1 << 63:
        raise ProblemError(422, f"'{name}': {text!r} lies outside 64 bits of ns")
    return t
