"""Substituted values and maintenance: begin, end, list; guards; and the page that shows what is overridden."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import guard_json, override_json, substitution_json
from sereno.wire.jsonvalue import json_value

from .answers import answer, problems
from .pages import Pages
from .requests import Asking, Context

LONGEST = 31 * 86400.0
PathOf = Annotated[str, Path(max_length=200)]


class MaintenanceBody(BaseModel):
    """Why, and for how many seconds; 0 = until somebody ends it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    seconds: float = Field(0.0, ge=0, le=LONGEST)


class SubstitutionBody(BaseModel):
    """The value that stands for the tag's own, why, and for how many seconds."""

    model_config = ConfigDict(extra="forbid")

    value: bool | int | float | str
    reason: str = Field(min_length=1, max_length=500)
    seconds: float = Field(gt=0, le=LONGEST)

    @field_validator("value")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if json_value(value) is None:
            raise ValueError("expected a finite number")
        return value


class OverrideShape(BaseModel):
    """What a person has put in place of the plant for a while; `expires` null = until somebody ends it."""

    kind: str
    path: str
    reason: str
    actor: str
    since: str | None
    expires: str | None
    value: Any


class SubstitutionShape(OverrideShape):
    """With what the device says meanwhile, in the shape of a present value."""

    own: dict[str, Any]


class Substitutions(BaseModel):
    """Substituted values, by tag."""

    substitutions: list[SubstitutionShape]


class Guards(BaseModel):
    """Guards, by name."""

    guards: list[dict[str, Any]]


class Maintenances(BaseModel):
    """Devices in maintenance, by path."""

    maintenance: list[OverrideShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module. They stand before those of values, whose paths take everything."""
    app.add_route("/overrides", page, methods=["GET"])
    shape: dict[str, Any] = {"response_model": OverrideShape, "responses": problems(400, 404, 409, 413)}
    app.add_api_route("/api/v1/values/{path:path}/substitution", put_substitution, methods=["PUT"], **shape)
    app.add_api_route("/api/v1/values/{path:path}/substitution", delete_substitution, methods=["DELETE"], **shape)
    app.add_api_route("/api/v1/devices/{path:path}/maintenance", tag_out, methods=["PUT"], **shape)
    app.add_api_route("/api/v1/devices/{path:path}/maintenance", tag_in, methods=["DELETE"], **shape)
    app.add_api_route("/api/v1/substitutions", substitutions, response_model=Substitutions, responses=problems())
    app.add_api_route("/api/v1/guards", guards, response_model=Guards, responses=problems())
    app.add_api_route("/api/v1/maintenance", maintenance, response_model=Maintenances, responses=problems())


async def page(request: Request) -> Response:
    """All that is overridden."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "overrides")


async def put_substitution(path: PathOf, body: SubstitutionBody, context: Context, actor: Asking) -> Response:
    """Let a value stand for the tag's own until its time is over or somebody ends it."""
    made = await context.overrides.substitute(path, body.value, actor, reason=body.reason, seconds=body.seconds)
    return answer(override_json(made))


async def delete_substitution(path: PathOf, context: Context, actor: Asking) -> Response:
    """Show the tag's own value again."""
    return answer(override_json(await context.overrides.end_substitution(path, actor)))


async def substitutions(context: Context, actor: Asking) -> Response:
    """The substituted values that you may read, each with what the device says."""
    return answer({"substitutions": [substitution_json(s) for s in await context.overrides.substitutions(actor)]})


async def tag_out(path: PathOf, body: MaintenanceBody, context: Context, actor: Asking) -> Response:
    """Refuse commands to a device and all below it."""
    return answer(override_json(await context.overrides.tag_out(path, actor, reason=body.reason, seconds=body.seconds)))


async def tag_in(path: PathOf, context: Context, actor: Asking) -> Response:
    """Let commands to the device through again."""
    return answer(override_json(await context.overrides.tag_in(path, actor)))


async def guards(context: Context, actor: Asking) -> Response:
    """The guards whose target you may read, each with what it last did."""
    return answer({"guards": [guard_json(status) for status in await context.guards.guards(actor)]})


async def maintenance(context: Context, actor: Asking) -> Response:
    """The devices in maintenance that you may read."""
    return answer({"maintenance": [override_json(o) for o in await context.overrides.tagged_out(actor)]})
