"""Reports: the page, what is declared, what was made, making one now, and its files."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import ReportOrder, report_json, report_run_json

from .answers import answer, problems
from .headers import CSP, NOTHING
from .pages import Pages
from .problem import ProblemError
from .requests import Asking, Context

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


class OrderBody(BaseModel):
    """Make a report now: `period` "" = the last whole one, "now" = the one that runs, else a local time in it."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field("", max_length=40)
    formats: list[Literal["html", "csv"]] = Field([], max_length=2)
    send: bool = False


class ReportsShape(BaseModel):
    """Declared reports, with what is due next and what was made last."""

    reports: list[dict[str, Any]]


class RunsShape(BaseModel):
    """What was made of a report, is due or in the making; the newest first."""

    runs: list[dict[str, Any]]


class RunShape(BaseModel):
    """A report of one period."""

    model_config = ConfigDict(extra="allow")

    report: str
    key: str
    state: str


class Ended(BaseModel):
    """A run that will not go on."""

    ended: str


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/reports", page, methods=["GET"])
    app.add_api_route("/api/v1/reports", reports, response_model=ReportsShape, responses=problems())
    app.add_api_route("/api/v1/reports/{name}/runs", runs, response_model=RunsShape, responses=problems(404))
    body, gone = problems(400, 404, 409, 413), problems(404, 409)
    app.add_api_route("/api/v1/reports/{name}/runs", order, methods=["POST"], response_model=RunShape, responses=body)
    app.add_api_route(
        "/api/v1/reports/{name}/runs/{key}", cancel, methods=["DELETE"], response_model=Ended, responses=gone
    )
    app.add_api_route("/api/v1/reports/{name}/files/{file}", file, response_class=Response, responses=_files())


async def page(request: Request) -> Response:
    """Reports, what is due next, what was made."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "reports")


async def reports(context: Context, actor: Asking) -> Response:
    """Declared reports."""
    return answer({"reports": [report_json(one) for one in await context.reports.reports(actor)]})


async def runs(
    name: str, context: Context, actor: Asking, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """What was made of a report."""
    return answer({"runs": [report_run_json(one) for one in await context.reports.runs(name, actor, limit=limit)]})


async def order(name: str, body: OrderBody, context: Context, actor: Asking) -> Response:
    """Begin to make a report now."""
    wanted = ReportOrder(report=name, period=body.period, formats=tuple(body.formats), send=body.send)
    try:
        return answer(report_run_json(await context.reports.order(wanted, actor)))
    except ValueError as error:
        raise ProblemError(422, str(error)) from None


async def cancel(name: str, key: str, context: Context, actor: Asking) -> Response:
    """Do not make it, or do not send it any more."""
    await context.reports.cancel(name, key, actor)
    return answer({"ended": key})


async def file(name: str, file: str, context: Context, actor: Asking) -> Response:
    """A file of a report: HTML to look at, CSV to save."""
    data = await context.reports.file(name, file, actor)
    if not file.endswith(".html"):
        headers = {"content-disposition": f'attachment; filename="{file}"'}
        return Response(data, 200, headers, "text/csv; charset=utf-8")
    return Response(data, 200, {CSP: _policy(data)}, "text/html; charset=utf-8")


def _policy(data: bytes) -> str:
    """Nothing but the one style that the file has."""
    found = _STYLE.search(data)
    digest = base64.b64encode(hashlib.sha256(found[1] if found else b"").digest()).decode()
    return f"{NOTHING} style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'self'; form-action 'none'"


def _files() -> dict[int | str, dict[str, Any]]:
    content = {"text/html": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}}
    return {200: {"description": "The file", "content": content}, **problems(404)}
