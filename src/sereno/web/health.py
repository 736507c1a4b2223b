"""GET /healthz, /readyz, /metrics."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from .answers import answer
from .labelled import render_labelled
from .requests import actor_in, context_of


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readyz, methods=["GET"])
    app.add_route("/metrics", metrics, methods=["GET"])


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 when the node does its work, 503 with the reasons while it does not; and what somebody should look at."""
    context = context_of(request)
    reasons = context.ready()
    warnings = [*context.warnings(), *request.app.state.applications.faults()]
    body = {"ready": not reasons, "reasons": reasons, "warnings": warnings}
    return answer(body, 503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format."""
    state = request.app.state
    body, media_type = state.metrics.render()
    devices = await context_of(request).devices.devices(actor_in(request))
    body += render_labelled(devices, state.outlets)
    return Response(body, headers={"content-type": media_type})
