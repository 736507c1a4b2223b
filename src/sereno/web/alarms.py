"""Alarms: the page, how they stand, what people do with them, the journal."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sereno.access.actor import Actor
from sereno.client import (
    AlarmPort,
    AlarmQuery,
    AlarmStatus,
    alarm_event_json,
    alarm_figures_json,
    alarm_json,
    parse_time,
)

from .answers import answer, problems
from .pages import Pages
from .problem import ProblemError
from .requests import Asking, Context

MAX_IDS = 20_000
AT_ONCE = 1000
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
_COLUMNS = (
    "seq", "t", "alarm", "event", "state", "priority", "value", "quality", "code", "t_source", "actor", "note",
)  # fmt: skip
Time = Annotated[str, Query(max_length=40, description="ISO 8601, or now-6h")]
Act = Literal["ack", "reset", "shelve", "unshelve", "out", "in"]


class ActBody(BaseModel):
    """What is done with one alarm. `note` is the reason where one is needed; `seconds` is for the shelf."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=500)
    seconds: float = Field(0.0, ge=0)


class ActsBody(ActBody):
    """The same for many."""

    act: Act
    ids: list[Annotated[str, Field(max_length=250)]] = Field(min_length=1, max_length=MAX_IDS)


class AlarmShape(BaseModel):
    """An alarm: its declaration and how it stands."""

    model_config = ConfigDict(extra="allow")

    id: str
    source: str
    kind: str
    priority: int
    state: str
    active: bool
    since: str | None
    raised: str | None
    value: float | None
    quality: str
    shelved_until: str | None
    actor: str
    note: str


class AlarmsShape(BaseModel):
    """Alarms, by id."""

    alarms: list[AlarmShape]


class EventShape(BaseModel):
    """A row of the journal."""

    seq: int
    t: str | None
    alarm: str
    event: str
    state: str
    priority: int
    value: float | None
    quality: str
    code: int
    t_source: str | None
    actor: str
    note: str


class EventsShape(BaseModel):
    """Rows, the newest first. `next` is the `before` of the following page, null on the last."""

    events: list[EventShape]
    next: int | None


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/alarms", page, methods=["GET"])
    app.add_api_route("/api/v1/alarms", alarms, response_model=AlarmsShape, responses=problems())
    journal_shape: dict[str, Any] = {"response_model": EventsShape, "responses": problems()}
    app.add_api_route("/api/v1/alarms/journal", journal, **journal_shape)
    app.add_api_route("/api/v1/alarms/figures", figures, responses=problems(409))
    files: dict[int | str, dict[str, Any]] = {
        200: {"description": "A file", "content": {kind: {} for kind in _MEDIA_TYPES.values()}}
    }
    exported = {**problems(), **files}
    app.add_api_route(
        "/api/v1/alarms/export", export, response_model=None, response_class=StreamingResponse, responses=exported
    )
    shape: dict[str, Any] = {"response_model": AlarmsShape, "responses": problems(400, 404, 409, 413)}
    app.add_api_route("/api/v1/alarms", act_on_many, methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/ack", _one("ack"), methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/reset", _one("reset"), methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/shelve", _one("shelve"), methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/unshelve", _one("unshelve"), methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/out", _one("out"), methods=["POST"], **shape)
    app.add_api_route("/api/v1/alarms/{alarm:path}/in", _one("in"), methods=["POST"], **shape)


async def page(request: Request) -> Response:
    """The alarms."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "alarms")


async def alarms(context: Context, actor: Asking) -> Response:
    """All alarms that you may read."""
    return _answered(await context.alarms.alarms(actor))


async def act_on_many(body: ActsBody, context: Context, actor: Asking) -> Response:
    """Acknowledge, reset, shelve, unshelve, take out of service or put back: all of them, or none."""
    return _answered(await _perform(context.alarms, body.act, body.ids, actor, body))


def _one(act: str) -> Any:
    async def perform(alarm: str, context: Context, actor: Asking, body: ActBody | None = None) -> Response:
        return _answered(await _perform(context.alarms, act, [alarm], actor, body or ActBody(note="", seconds=0)))

    perform.__name__ = f"alarm_{act}"
    perform.__doc__ = f"The act {act!r} on one alarm."
    return perform


async def _perform(port: AlarmPort, act: str, ids: list[str], actor: Actor, body: ActBody) -> list[AlarmStatus]:
    if act == "shelve":
        return await port.shelve(ids, actor, reason=body.note, seconds=body.seconds)
    if act == "out":
        return await port.take_out(ids, actor, reason=body.note)
    plain = {"ack": port.acknowledge, "reset": port.reset, "unshelve": port.unshelve, "in": port.put_back}
    return await plain[act](ids, actor, note=body.note)


def _answered(found: list[AlarmStatus]) -> Response:
    return answer({"alarms": [alarm_json(status) for status in found]})


async def _query(
    alarm: Annotated[str, Query(max_length=250, description="An alarm, or with '*' all that match")] = "",
    event: Annotated[list[str] | None, Query(max_length=20)] = None,
    start: Annotated[Time, Query(alias="from")] = "",
    end: Annotated[Time, Query(alias="to")] = "",
) -> AlarmQuery:
    return AlarmQuery(alarm=alarm, events=tuple(event or ()), start=_time(start), end=_time(end))


Asked = Annotated[AlarmQuery, Depends(_query)]


def _time(text: str) -> int | None:
    try:
        return parse_time(text) if text else None
    except ValueError as error:
        raise ProblemError(422, str(error)) from None


async def journal(
    query: Asked,
    context: Context,
    actor: Asking,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=AT_ONCE)] = 100,
) -> Response:
    """Rows of the journal, the newest first."""
    found = await context.alarms.journal(_paged(query, before, limit + 1), actor)
    shown = found[:limit]
    return answer(
        {"events": [alarm_event_json(one) for one in shown], "next": shown[-1].seq if len(found) > limit else None}
    )


async def figures(
    context: Context,
    actor: Asking,
    start: Annotated[Time, Query(alias="from")] = "now-7d",
    end: Annotated[Time, Query(alias="to")] = "now",
    operators: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """Figures after ISA-18.2 over a time."""
    found = await context.alarms.figures(_time(start) or 0, _time(end) or 0, actor, operators=operators)
    return answer(alarm_figures_json(found))


async def export(
    query: Asked,
    context: Context,
    actor: Asking,
    format: Literal["csv", "jsonl"] = "csv",  # noqa: A002
) -> Response:
    """The whole query as a file, the newest first."""
    headers = {"content-disposition": f'attachment; filename="alarms.{format}"'}
    lines = _lines(context.alarms, query, actor, format)
    return StreamingResponse(lines, media_type=_MEDIA_TYPES[format], headers=headers)


async def _lines(port: AlarmPort, query: AlarmQuery, actor: Actor, kind: str) -> AsyncIterator[str]:
    if kind == "csv":
        yield ",".join(_COLUMNS) + "\r\n"
    before: int | None = None
    while True:
        found = await port.journal(_paged(query, before, AT_ONCE), actor)
        rows = [alarm_event_json(one) for one in found]
        if kind == "csv":
            yield _csv(rows)
        else:
            yield "".join(orjson.dumps(row).decode() + "\n" for row in rows)
        if len(found) < AT_ONCE:
            return
        before = found[-1].seq


def _csv(rows: list[dict[str, Any]]) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    written = io.StringIO()
    writer = csv.writer(written)
    for row in rows:
        cells = [row[name] for name in _COLUMNS]
        writer.writerow([f"'{c}" if isinstance(c, str) and c[:1] in "=+-@\t\r" and c else c for c in cells])
    return written.getvalue()


def _paged(query: AlarmQuery, before: int | None, limit: int) -> AlarmQuery:
    return AlarmQuery(
        alarm=query.alarm, events=query.events, start=query.start, end=query.end, before=before, limit=limit
    )
