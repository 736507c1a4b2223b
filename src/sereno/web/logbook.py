"""The logbook of the shift: its page, its entries, and adding one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.access.actor import Actor
from sereno.client import LogbookPort, LogEntry, LogQuery, log_entry_json, parse_time

from .answers import answer, problems
from .pages import Pages
from .problem import ProblemError
from .requests import Asking, Context

Time = Annotated[str, Query(max_length=40, description="ISO 8601, or now-12h")]
Kind = Literal["entry", "correction", "hand_over", "take_over"]


class EntryBody(BaseModel):
    """An entry. A correction and a take-over say which entry they refer to; only an entry may have a subject."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "entry"
    text: str = Field("", max_length=4000)
    subject: str = Field("", max_length=250)
    refers: int | None = Field(None, ge=1, lt=1 << 31)


class EntryShape(BaseModel):
    """An entry as it is kept."""

    id: int
    t: str | None
    actor: str
    kind: str
    text: str
    subject: str
    refers: int | None
    facts: dict[str, Any]


class EntriesShape(BaseModel):
    """Entries, the newest first. `next` is the `before` of the following page, null on the last."""

    entries: list[EntryShape]
    next: int | None


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/logbook", page, methods=["GET"])
    app.add_api_route("/api/v1/logbook", entries, response_model=EntriesShape, responses=problems())
    shape: dict[str, Any] = {"response_model": EntryShape, "responses": problems(400, 404, 409, 413)}
    app.add_api_route("/api/v1/logbook", add, methods=["POST"], **shape)


async def page(request: Request) -> Response:
    """The logbook."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "logbook")


async def _query(
    subject: Annotated[str, Query(max_length=250, description="An alarm, tag or device")] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    start: Annotated[Time, Query(alias="from")] = "",
    end: Annotated[Time, Query(alias="to")] = "",
) -> LogQuery:
    return LogQuery(subject=subject, text=text, start=_time(start), end=_time(end))


Asked = Annotated[LogQuery, Depends(_query)]


async def entries(
    query: Asked,
    context: Context,
    actor: Asking,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The newest entries that you may read."""
    found = await context.logbook.entries(replace(query, before=before, limit=limit + 1), actor)
    shown = found[:limit]
    return answer(
        {"entries": [log_entry_json(one) for one in shown], "next": shown[-1].id if len(found) > limit else None}
    )


async def add(body: EntryBody, context: Context, actor: Asking) -> Response:
    """A new entry, correction, hand-over or take-over."""
    return answer(log_entry_json(await _added(context.logbook, body, actor)))


async def _added(logbook: LogbookPort, body: EntryBody, actor: Actor) -> LogEntry:
    if body.kind == "entry":
        return await logbook.write(body.text, actor, subject=body.subject)
    if body.kind == "hand_over":
        return await logbook.hand_over(body.text, actor)
    if body.refers is None:
        raise ProblemError(422, f"a {body.kind} without refers; give the number of the entry")
    act = logbook.correct if body.kind == "correction" else logbook.take_over
    return await act(body.refers, body.text, actor)


def _time(text: str) -> int | None:
    try:
        return parse_time(text) if text else None
    except ValueError as error:
        raise ProblemError(422, str(error)) from None
