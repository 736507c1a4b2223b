"""The configuration of the node: what runs, what another plant file would change, apply, roll back; and the page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import plan_json, running_json

from .answers import answer, problems
from .pages import Pages
from .requests import Asking, Context


class PlanBody(BaseModel):
    """Which configuration: a plant file at the node ("" = the one that it was started with), or the one before."""

    model_config = ConfigDict(extra="forbid")

    plant: str = Field("", max_length=1000)
    back: bool = False


class ApplyBody(PlanBody):
    """`token` of a plan: refused if it would be something else by now. Why, for the record."""

    token: str = Field("", max_length=64)
    comment: str = Field("", max_length=500)


class Running(BaseModel):
    """What runs; `pending` waits for a restart; `kept` are those that ran before, the newest first."""

    number: int
    plant: str
    source: str
    since: str | None
    by: str
    folder: str
    back: bool
    devices: int
    tags: int
    pending: list[str]
    kept: list[dict[str, Any]]


class Plan(BaseModel):
    """What would change, or has. With `faults` nothing can be applied."""

    plant: str
    source: str
    token: str
    changes: list[dict[str, Any]]
    interrupted: list[dict[str, str]]
    faults: list[dict[str, str]]
    applied: bool


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/configuration", page, methods=["GET"])
    shape: dict[str, Any] = {"response_model": Plan, "responses": problems(400, 404, 409, 413)}
    app.add_api_route("/api/v1/configuration", running, response_model=Running, responses=problems(409))
    app.add_api_route("/api/v1/configuration/plan", plan, methods=["POST"], **shape)
    app.add_api_route("/api/v1/configuration/apply", apply, methods=["POST"], **shape)


async def page(request: Request) -> Response:
    """What runs, what would change, and the way back."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "configuration")


async def running(context: Context, actor: Asking) -> Response:
    """What runs, and since when."""
    return answer(running_json(await context.configuration.running(actor)))


async def plan(body: PlanBody, context: Context, actor: Asking) -> Response:
    """What a plant file would change. Nothing does."""
    return answer(plan_json(await context.configuration.plan(actor, plant=body.plant, back=body.back)))


async def apply(body: ApplyBody, context: Context, actor: Asking) -> Response:
    """Make it so, whole or not at all."""
    done = await context.configuration.apply(
        actor, plant=body.plant, back=body.back, token=body.token, comment=body.comment
    )
    return answer(plan_json(done))
