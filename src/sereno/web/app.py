"""The application: routes, doors and what lives as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from sereno.access.entries import EntryTable
from sereno.model import SerenoError

from . import (
    agents,
    alarms,
    audit,
    commands,
    configuration,
    devices,
    health,
    history,
    history_imports,
    history_statistics,
    jobs,
    kiosks,
    live,
    logbook,
    notices,
    oidc,
    openapi,
    overrides,
    pages,
    people,
    reports,
    signin,
    stream,
    system,
    values,
    waiting,
    ways_in,
)
from .alarm_push import AlarmPush
from .applications import Applications, folders
from .background import Background
from .body import BodyLimits
from .context import WebContext
from .entries import ENTRIES
from .gate import Gate
from .headers import SECURITY, SecurityHeaders
from .invalid import only_known, told
from .line import Beat
from .metrics import Metrics
from .origin import SAFE
from .outlets import Outlets
from .pages import Pages, show
from .problem import ProblemError, problem, status_of
from .push import Push
from .statics import Statics

_log = structlog.get_logger(__name__)

_MODULES = (
    agents,
    alarms,
    audit,
    overrides,
    commands,
    configuration,
    devices,
    health,
    history,
    history_imports,
    history_statistics,
    jobs,
    kiosks,
    live,
    logbook,
    notices,
    oidc,
    openapi,
    pages,
    people,
    reports,
    signin,
    stream,
    system,
    values,
    waiting,
    ways_in,
)


def create_app(context: WebContext) -> FastAPI:
    """The web room as an ASGI application. Serve it with `WebServer`."""
    others = {name: folder / "static" for name, folder in folders(context.applications).items()}
    statics = Statics(context.folder / "static", others)
    pages = Pages(context, statics)
    applications = Applications.of(context, pages, statics)
    pages.items += applications.items(statics)
    app = FastAPI(
        title="Sereno",
        version=context.site.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[
            Middleware(SecurityHeaders, secure=context.secure),
            Middleware(Gate, context=context, entries=EntryTable([*ENTRIES, *applications.entries()])),
            Middleware(BodyLimits, clock=context.clock),
        ],
        exception_handlers={
            ProblemError: _problem,
            SerenoError: _plant_error,
            HTTPException: _http_error,
            RequestValidationError: _invalid,
            Exception: _our_fault,
        },
    )
    app.state.context = context
    app.state.metrics = Metrics(context.figures)
    beat = Beat()
    app.state.outlets = Outlets(context, app.state.metrics, beat)
    app.state.push = Push(context.live, context.clock, beat)
    app.state.alarm_push = AlarmPush(context.alarms, context.clock)
    app.state.background = Background()
    app.state.pages = pages
    app.state.applications = applications
    app.state.verifying = asyncio.Lock()
    app.add_route("/static/{version}/{path:path}", statics.answer, methods=["GET"])
    app.router.routes.extend(_own_routes())
    applications.add_routes(app)
    return app


@cache
def _own_routes() -> tuple[BaseRoute, ...]:
    """What is the same in every application: FastAPI looks at each function and each shape for longer than all else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(only_known)])
    for module in _MODULES:
        module.add_routes(app)
    return tuple(app.routes)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    state.background.start(state.outlets.run(), "web heartbeat")
    state.background.start(state.outlets.watch_rights(), "web rights")
    state.background.start(state.outlets.watch_elsewhere(), "web changes elsewhere")
    state.background.start(state.push.watch_tags(), "web tag news")
    state.background.start(state.metrics.watch_lag(state.context.clock), "web loop lag")
    try:
        yield
    finally:
        state.outlets.close()
        await state.push.close()
        await state.alarm_push.close()
        await state.background.close()


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return show(request, error.status, error.detail, **error.more)


async def _plant_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SerenoError)
    return show(request, status_of(error), str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return show(request, error.status_code, str(error.detail))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method not in SAFE and media_type != "application/json":
        return problem(415, f"a body of type {media_type or 'unknown'!r}, expected 'Content-Type: application/json'")
    errors = [told(one) for one in error.errors()]
    return problem(422, "; ".join(f"{e['where']}: {e['what']}" for e in errors), errors=errors)


async def _our_fault(request: Request, error: Exception) -> Response:
    _log.error("a request failed", path=request.url.path, exc_info=error)
    return problem(500, "Sereno made a mistake; its log says more", dict(SECURITY))
