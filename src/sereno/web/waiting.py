"""Commands that wait for people: the list, what may be done about each, and the page that shows them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import waiting_json

from .answers import answer, problems
from .commands import AcceptedShape, Key, accepted_json, waiting_now
from .pages import Pages
from .requests import Asking, Context

Text = Annotated[str, Field(max_length=1000)]


class SignedBody(BaseModel):
    """Where a signature is asked for: the password of who acts, and what the signature means."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field("", max_length=1000, repr=False)
    meaning: str = Field("", max_length=40)


class ApproveBody(SignedBody):
    """With a word to go on record."""

    comment: Text = ""


class DeclineBody(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid")

    reason: Text = Field(min_length=1)


class WaitingShape(BaseModel):
    """A command that waits; a call has `name` and `arguments`. `sign`: meanings to choose from; `may`: your acts."""

    key: str
    target: str
    verb: str
    name: str
    arguments: list[Any]
    value: Any
    old: Any
    actor: str
    since: str | None
    until: str | None
    waits_for: str
    sign: list[str]
    approved_by: str
    comment: str
    may: list[str]


class WaitingCommands(BaseModel):
    """Those that you may see, the one that waits longest first."""

    commands: list[WaitingShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/commands", page, methods=["GET"])
    listed: dict[str, Any] = {"response_model": WaitingCommands, "responses": problems()}
    app.add_api_route("/api/v1/commands", waiting, methods=["GET"], **listed)
    shape: dict[str, Any] = {"response_model": AcceptedShape, "responses": problems(400, 404, 409, 413)}
    shape["status_code"] = 202
    app.add_api_route("/api/v1/commands/{key}/execute", execute, methods=["POST"], **shape)
    app.add_api_route("/api/v1/commands/{key}/approve", approve, methods=["POST"], **shape)
    app.add_api_route("/api/v1/commands/{key}/decline", decline, methods=["POST"], **shape)
    app.add_api_route("/api/v1/commands/{key}/cancel", cancel, methods=["POST"], **shape)


async def page(request: Request) -> Response:
    """All that waits."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "commands")


async def waiting(context: Context, actor: Asking) -> Response:
    """The commands that wait for people, as far as you may see them."""
    return answer({"commands": [waiting_json(one) for one in await context.waiting.waiting(actor)]})


async def execute(key: Key, body: SignedBody, context: Context, actor: Asking) -> Response:
    """Let your own command go; all is checked again. What becomes of it is under its key."""
    await context.waiting.execute(key, actor, password=body.password, meaning=body.meaning)
    return await _now(key, context, actor)


async def approve(key: Key, body: ApproveBody, context: Context, actor: Asking) -> Response:
    """Agree to the command of somebody else, as a second person."""
    more = {"password": body.password, "meaning": body.meaning, "comment": body.comment}
    await context.waiting.approve(key, actor, **more)
    return await _now(key, context, actor)


async def decline(key: Key, body: DeclineBody, context: Context, actor: Asking) -> Response:
    """Refuse the command of somebody else."""
    await context.waiting.decline(key, actor, reason=body.reason)
    return await _now(key, context, actor)


async def cancel(key: Key, context: Context, actor: Asking) -> Response:
    """Withdraw your own command."""
    await context.waiting.cancel(key, actor)
    return await _now(key, context, actor)


async def _now(key: str, context: Context, actor: Asking) -> Response:
    acks = await context.commands.acks(key, actor)
    return answer(accepted_json(key, acks, await waiting_now(key, context, actor)), 202)
