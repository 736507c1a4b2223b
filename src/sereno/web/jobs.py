"""Jobs: list, one with its runs and its table, and the command to run one now."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import job_detail_json, job_json
from sereno.model import Command, RefusedError, Verb

from .answers import answer, problems
from .commands import CommandShape, verdict
from .pages import Pages
from .requests import Address, Asking, Context

Name = Annotated[str, Path(max_length=40)]
Act = Literal["run", "stop", "pause", "resume"]
PATIENCE = 30 * 10**9


class JobsShape(BaseModel):
    """The jobs that you may read, by name."""

    jobs: list[dict[str, Any]]


class JobShape(BaseModel):
    """A job: as in the list, with what it does (`declared`), its last runs (`history`, newest first) and its table."""

    name: str
    path: str
    description: str
    when: str
    actor: str
    state: str
    next: str | None
    since: str | None
    runs: int
    history: list[dict[str, Any]]
    failed: int
    skipped: int
    steps: int
    under_way: int
    last: dict[str, Any] | None
    declared: list[str]
    table: list[dict[str, Any]]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/jobs", page, methods=["GET"])
    app.add_api_route("/api/v1/jobs", jobs, response_model=JobsShape, responses=problems())
    app.add_api_route("/api/v1/jobs/{name}", job, response_model=JobShape, responses=problems(404))
    app.add_api_route(
        "/api/v1/jobs/{name}/{act}",
        order,
        methods=["POST"],
        response_model=CommandShape,
        responses=problems(404, 409, 502, 504),
    )


async def page(request: Request) -> Response:
    """What runs by itself, who of the fleet said what, what was written where."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "jobs")


async def jobs(context: Context, actor: Asking) -> Response:
    """Every job: what it does now, when it runs next, how its last run ended."""
    return answer({"jobs": [job_json(status) for status in await context.jobs.jobs(actor)]})


async def job(name: Name, context: Context, actor: Asking) -> Response:
    """One job with its runs and its table."""
    return answer(job_detail_json(await context.jobs.job(name, actor)))


async def order(name: Name, act: Act, context: Context, actor: Asking, address: Address) -> Response:
    """Run a job now, stop its run, pause or resume it: the commands of the device jobs/NAME.

    Answers when a run has been accepted, with its number as `value`; look at the job for how it goes.
    """
    detail = await context.jobs.job(name, actor)
    if act == "run" and detail.status.state == "running":
        raise RefusedError(f"{name} runs already, and never twice at once")
    command = Command(
        target=detail.status.path,
        verb=Verb.CALL,
        name=act,
        actor=actor.name,
        via="web",
        origin=address,
        expires=context.clock.wall_ns() + PATIENCE,
    )
    return verdict(command.key, [ack async for ack in context.commands.submit(command, actor)])
