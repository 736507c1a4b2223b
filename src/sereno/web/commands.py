"""PUT values, POST commands, GET commands: everything that changes the plant."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.requests import Request
from starlette.responses import Response

from sereno.access.actor import Actor
from sereno.client import WaitingCommand, iso_time, waiting_json
from sereno.model import Ack, AckState, Command, NotFoundError, SerenoError, Verb, new_key
from sereno.wire.jsonvalue import json_value

from .answers import answer, problems
from .context import WebContext
from .problem import problem
from .requests import Address, Asking, Context

_log = structlog.get_logger(__name__)

LONGEST = 600.0
_STATUS = {
    AckState.DONE: 200,
    AckState.REFUSED: 409,
    AckState.CANCELLED: 409,
    AckState.FAILED: 502,
    AckState.TIMED_OUT: 504,
    AckState.UNKNOWN: 504,
}
_DECIDED = (AckState.SELECTED, AckState.ACCEPTED, AckState.PROGRESS)
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{8,200}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: Any = None
    expected: Any = None
    comment: str = Field("", max_length=1000)
    key: Key = Field(default_factory=new_key)

    @field_validator("value", "expected")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if not _is_finite(value):
            raise ValueError("expected finite numbers")
        return value


class WriteBody(_Body):
    """A value to set. `expected`: the value that you saw, another one refuses; not sent after `timeout` seconds."""

    timeout: float = Field(10.0, gt=0, le=LONGEST)


class CommandBody(_Body):
    """Envelope v1. `actor`, `via` and `origin` are taken from who asks, whatever is written here."""

    v: int = Field(1, ge=1, le=1)
    target: str = Field(min_length=1, max_length=200)
    verb: Verb = Verb.WRITE
    name: str = Field("", max_length=200)
    arguments: list[Any] = Field(default_factory=list, max_length=100)
    expires: int = Field(0, ge=0, lt=1 << 63, description="ns UTC; 0 = in 10 s")
    actor: str = Field("", max_length=200)
    via: str = Field("", max_length=200)
    origin: str = Field("", max_length=200)

    @field_validator("arguments")
    @classmethod
    def _finite_arguments(cls, value: list[Any]) -> list[Any]:
        if not _is_finite(value):
            raise ValueError("expected finite numbers")
        return value


class AckShape(BaseModel):
    """A step in a command's life; `details` is the error of a device that failed: kind, text, fields."""

    state: str
    t: str | None
    reason: str
    value: Any
    details: dict[str, Any] | None


class CommandShape(BaseModel):
    """A command and what became of it so far; `state` is that of the last ack."""

    key: str
    state: str
    reason: str
    value: Any
    acks: list[AckShape]


class AcceptedShape(BaseModel):
    """A command under way; ask for it under its key. `waiting`: what people are to do before it goes on."""

    key: str
    state: str
    reason: str
    waiting: dict[str, Any] | None


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route(
        "/api/v1/values/{path:path}",
        put_value,
        methods=["PUT"],
        response_model=CommandShape,
        responses=problems(400, 404, 409, 413, 502, 504),
    )
    app.add_api_route(
        "/api/v1/commands",
        post_command,
        methods=["POST"],
        status_code=202,
        response_model=AcceptedShape,
        responses=problems(400, 404, 409, 413),
    )
    app.add_api_route("/api/v1/commands/{key}", get_command, response_model=CommandShape, responses=problems(404))


async def put_value(
    path: Annotated[str, Path(max_length=200)], body: WriteBody, context: Context, actor: Asking, address: Address
) -> Response:
    """Set a tag and wait for what becomes of it: done means that the readback says so. 202: it waits for people."""
    await _check_target(context, path, actor)
    expires = context.clock.wall_ns() + int(body.timeout * 1e9)
    command = Command(
        target=path,
        value=body.value,
        expected=body.expected,
        comment=body.comment,
        key=body.key,
        actor=actor.name,
        via="web",
        origin=address,
        expires=expires,
    )
    acks: list[Ack] = []
    async for ack in context.commands.submit(command, actor):
        acks.append(ack)
        if ack.state is AckState.SELECTED:
            return answer(_command_json(command.key, acks), 202)
    return verdict(command.key, acks)


async def post_command(
    body: CommandBody, request: Request, context: Context, actor: Asking, address: Address
) -> Response:
    """Hand over a command. Answers when it is accepted or waits for people (202), or is known to be refused."""
    now = context.clock.wall_ns()
    command = Command(
        target=body.target,
        verb=body.verb,
        value=body.value,
        name=body.name,
        arguments=tuple(body.arguments),
        expected=body.expected,
        comment=body.comment,
        key=body.key,
        actor=actor.name,
        via="web",
        origin=address,
        expires=min(body.expires or now + 10_000_000_000, now + int(LONGEST * 1e9)),
    )
    if not any(actor.may(right, body.target) for right in context.rights_of(command)):
        await context.accounts.refusals.tell(actor.name, body.verb.value, body.target, address, "denied")
        return problem(403, f"denied: {actor.name} may not {body.verb} {body.target}", acks=[], key=body.key)
    if body.verb is Verb.WRITE:
        await _check_target(context, body.target, actor)
    acks: list[Ack] = []
    decided = asyncio.Event()
    request.app.state.background.start(_follow(context, command, actor, acks, decided))
    await decided.wait()
    if acks and acks[-1].state is AckState.REFUSED:
        return verdict(command.key, acks)
    return answer(accepted_json(command.key, acks, await waiting_now(command.key, context, actor)), 202)


async def get_command(key: Key, context: Context, actor: Asking) -> Response:
    """A command by its key."""
    return answer(_command_json(key, await context.commands.acks(key, actor)))


async def waiting_now(key: str, context: WebContext, actor: Actor) -> WaitingCommand | None:
    """What a command waits for; None if it does not."""
    return next((one for one in await context.waiting.waiting(actor) if one.key == key), None)


def accepted_json(key: str, acks: list[Ack], waiting: WaitingCommand | None) -> dict[str, Any]:
    """A command under way, as AcceptedShape."""
    state, reason = (acks[-1].state.value, acks[-1].reason) if acks else (AckState.UNKNOWN.value, "")
    return {"key": key, "state": state, "reason": reason, "waiting": waiting and waiting_json(waiting)}


async def _follow(context: WebContext, command: Command, actor: Actor, acks: list[Ack], decided: asyncio.Event) -> None:
    try:
        async for ack in context.commands.submit(command, actor):
            acks.append(ack)
            if ack.state.final or ack.state in _DECIDED:
                decided.set()
    except SerenoError as error:
        _log.warning("a command could not be followed", key=command.key, error=str(error))
    finally:
        decided.set()


async def _check_target(context: WebContext, path: str, actor: Actor) -> None:
    specs = await context.live.tags([path], actor)
    if not any(spec.path == path for spec in specs):
        await context.live.read([path], actor)  # its error names near spellings
        raise NotFoundError(f"{path!r} is not a tag" + (f"; below it is {specs[0].path!r}" if specs else ""))


def verdict(key: str, acks: list[Ack]) -> Response:
    """The answer to who waited for the end of a command."""
    body = _command_json(key, acks)
    if not acks:
        return problem(504, "the command ended without an answer", **body)
    last = acks[-1]
    status = (
        403 if last.state is AckState.REFUSED and last.reason.startswith("denied") else _STATUS.get(last.state, 504)
    )
    if status == 200:
        return answer(body)
    return problem(status, last.reason or last.state.value.replace("_", " "), **body)


def _command_json(key: str, acks: list[Ack]) -> dict[str, Any]:
    steps = [
        {
            "state": ack.state.value,
            "t": iso_time(ack.t),
            "reason": ack.reason,
            "value": json_value(ack.value),
            "details": ack.details,
        }
        for ack in acks
    ]
    last = steps[-1] if steps else {"state": AckState.UNKNOWN.value, "reason": "", "value": None}
    return {"key": key, "state": last["state"], "reason": last["reason"], "value": last["value"], "acks": steps}


def _is_finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_finite(v) for v in value)
    if isinstance(value, dict):
        return all(_is_finite(v) for v in value.values())
    return not isinstance(value, float) or math.isfinite(value)
