"""Notices: the page, what was sent, rosters, trials, and the page that a link in a message leads to."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import RosterSwap, duty_json, parse_time, sent_notice_json
from sereno.model import DeniedError, RefusedError

from .answers import answer, problems
from .credentials import address_of
from .pages import Pages
from .problem import ProblemError
from .requests import Asking, Context, context_of

MAX_NOTE = 500
Time = Annotated[str, Query(max_length=40, description="ISO 8601, or now+7d")]


class TestBody(BaseModel):
    """A trial of a way, to a person where the way needs one."""

    model_config = ConfigDict(extra="forbid")

    way: str = Field(min_length=1, max_length=60)
    person: str = Field("", max_length=64)


class SwapBody(BaseModel):
    """From `start` to `end` `takes` is on duty in place of `leaves`; one of them may be empty."""

    model_config = ConfigDict(extra="forbid")

    roster: str = Field(min_length=1, max_length=60)
    start: str = Field(min_length=1, max_length=40)
    end: str = Field(min_length=1, max_length=40)
    leaves: str = Field("", max_length=64)
    takes: str = Field("", max_length=64)
    reason: str = Field("", max_length=500)


class Overview(BaseModel):
    """What is declared of notices, and how it does."""

    pipelines: list[dict[str, Any]]
    ways: list[dict[str, Any]]
    duty: list[dict[str, Any]]
    heartbeats: list[dict[str, Any]]
    changes: list[dict[str, Any]]


class SentShape(BaseModel):
    """Notices by recipient, the newest first. `next` is the `before` of the following page, null on the last."""

    sent: list[dict[str, Any]]
    next: int | None


class DutyShape(BaseModel):
    """Who is on duty when, by roster."""

    duty: list[dict[str, Any]]


class Outcome(BaseModel):
    """What became of a trial."""

    outcome: str


class Number(BaseModel):
    """The number of a change."""

    id: int


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/notices", page, methods=["GET"])
    app.add_route("/notice/{token}", linked, methods=["GET"])
    app.add_route("/notice/{token}", acknowledge, methods=["POST"])
    app.add_api_route("/api/v1/notices", overview, response_model=Overview, responses=problems())
    app.add_api_route("/api/v1/notices/sent", sent, response_model=SentShape, responses=problems())
    app.add_api_route("/api/v1/notices/duty", duty, response_model=DutyShape, responses=problems(409))
    body = problems(400, 404, 409, 413)
    app.add_api_route("/api/v1/notices/test", test, methods=["POST"], response_model=Outcome, responses=body)
    app.add_api_route("/api/v1/notices/swap", swap, methods=["POST"], response_model=Number, responses=body)


async def page(request: Request) -> Response:
    """Pipelines, who is on duty, what was sent."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "notices")


async def overview(context: Context, actor: Asking) -> Response:
    """Pipelines, ways, who is on duty now, heartbeats."""
    return answer(await context.notices.overview(actor))


async def sent(
    context: Context,
    actor: Asking,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What was sent to whom, and what became of it."""
    found = await context.notices.sent(actor, limit=limit, before=before)
    return answer(
        {"sent": [sent_notice_json(one) for one in found], "next": found[-1].id if len(found) >= limit else None}
    )


async def duty(
    context: Context,
    actor: Asking,
    start: Annotated[Time, Query(alias="from")] = "now",
    end: Annotated[Time, Query(alias="to")] = "now+7d",
) -> Response:
    """Who is on duty when."""
    found = await context.notices.duty(actor, _time(start), _time(end))
    return answer({"duty": [duty_json(one) for one in found]})


async def test(body: TestBody, context: Context, actor: Asking) -> Response:
    """Send a trial now."""
    return answer({"outcome": await context.notices.test(body.way, body.person, actor)})


async def swap(body: SwapBody, context: Context, actor: Asking) -> Response:
    """Change a roster for a time."""
    given = {**body.model_dump(), "start": _time(body.start), "end": _time(body.end)}
    return answer({"id": await context.notices.swap(RosterSwap(**given), actor)})


async def linked(request: Request) -> Response:
    """What a link of a message leads to: the alarms, and a button; nothing is done by opening it."""
    return await _show(request, "")


async def acknowledge(request: Request) -> Response:
    """Acknowledge as the person whom the link was sent to."""
    try:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as error:
        raise ProblemError(400, "a form of more than ten fields; expected note") from error
    note = fields.get("note", [""])[0].strip()[:MAX_NOTE]
    try:
        notices = context_of(request).notices
        found = await notices.acknowledge_linked(request.path_params["token"], note, address_of(request))
    except RefusedError:
        return await _show(request, "notices.link_used", 409)
    except DeniedError:
        return _render(request, 404, None, "notices.link_dead")
    return _render(request, 200, found, "notices.link_done")


async def _show(request: Request, said: str, status: int = 200) -> Response:
    try:
        found = await context_of(request).notices.linked(request.path_params["token"])
    except DeniedError:
        return _render(request, 404, None, "notices.link_dead")
    return _render(request, status, found, said or ("notices.link_used" if found.used else ""))


def _render(request: Request, status: int, notice: Any, said: str) -> Response:
    pages: Pages = request.app.state.pages
    return pages.render(request, "notice", status, notice=notice, said=said)


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise ProblemError(422, str(error)) from None
