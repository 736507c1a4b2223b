"""GET tags, GET values, GET session."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.responses import Response

from sereno.access.actor import Right
from sereno.client import iso_time, reading_json, spec_json

from .answers import answer, problems
from .requests import Asking, Context

MAX_GLOBS = 500
TOLD_DAYS = 7
Globs = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=200)]],
    Query(max_length=MAX_GLOBS, description="Tag path, or glob: '*' also crosses '/'. Repeatable; none means all."),
]


class Value(BaseModel):
    """A present value. `value` is a number, bool, enum label, string or list; null = there never was one."""

    tag: str
    value: Any
    unit: str
    quality: str
    reason: str
    t_source: str | None
    age_s: float | None


class Values(BaseModel):
    """Present values, by path."""

    values: list[Value]


class Tag(BaseModel):
    """Declaration of a tag."""

    tag: str
    id: str
    type: str
    unit: str
    description: str
    access: str
    labels: list[str]
    low: float | None
    high: float | None
    deadband: float
    decimals: int | None
    limits: dict[str, Any] | None
    setpoint: dict[str, Any] | None
    shape: list[int]


class Tags(BaseModel):
    """Declarations, by path."""

    tags: list[Tag]


class Recovered(BaseModel):
    """Somebody who got a new password at the machine's console."""

    name: str
    t: str


class Session(BaseModel):
    """Who asks, and what they may do somewhere. Who manages people is told who was `recovered` in the last days."""

    name: str
    kind: str
    roles: list[str]
    rights: list[str]
    recovered: list[Recovered]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route("/api/v1/tags", tags, response_model=Tags, responses=problems())
    app.add_api_route("/api/v1/values", values, response_model=Values, responses=problems(404))
    app.add_api_route("/api/v1/session", session, response_model=Session, responses=problems())


async def tags(context: Context, actor: Asking, glob: Globs = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Declarations of the tags that you may read."""
    return answer({"tags": [spec_json(spec) for spec in await context.live.tags(glob, actor)]})


async def values(context: Context, actor: Asking, tag: Globs = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Present values of the tags that you may read."""
    return answer({"values": [reading_json(reading) for reading in await context.live.read(tag, actor)]})


async def session(context: Context, actor: Asking) -> Response:
    """Who you are."""
    rights = [right.value for right in Right if actor.may_somewhere(right)]
    roles = [role.name for role in actor.roles]
    people = await context.accounts.users() if actor.may_somewhere(Right.USERS) else []
    since = context.clock.wall_ns() - TOLD_DAYS * 86400 * 10**9
    found = [{"name": row.name, "t": iso_time(row.recovered)} for row in people if row.recovered > since]
    return answer({"name": actor.name, "kind": actor.kind, "roles": roles, "rights": rights, "recovered": found})
