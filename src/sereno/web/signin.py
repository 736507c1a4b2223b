"""The ways in and out for people: sign-in page, one-time link, sign-out."""

from __future__ import annotations

from urllib.parse import parse_qs

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sereno.access.accounts import TooManyAttemptsError
from sereno.access.sessions import SignedIn
from sereno.model import DeniedError

from .context import WebContext
from .credentials import Credential, address_of, credential_of, drop_session, set_session
from .pages import Pages
from .requests import actor_in, context_of

_log = structlog.get_logger(__name__)


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/sign-in", show, methods=["GET"])
    app.add_route("/sign-in", sign_in, methods=["POST"])
    app.add_route("/sign-in/once", once, methods=["GET"])
    app.add_route("/sign-out", sign_out, methods=["POST"])


async def show(request: Request) -> Response:
    """The form."""
    return _form(request, 200, "", request.query_params.get("next", "/"))


async def sign_in(request: Request) -> Response:
    """Name and password from the form."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    name, password, goal = (fields.get(key, [""])[0] for key in ("user", "password", "next"))
    context = context_of(request)
    try:
        signed_in = await context.accounts.sign_in(name, password, address_of(request))
    except TooManyAttemptsError as error:
        return _form(request, 429, "sign_in.too_many", goal, retry_after=max(1, round(error.retry_after)))
    except DeniedError:
        return _form(request, 401, "sign_in.wrong", goal)
    return await _enter(request, context, signed_in, local_path(goal))


async def once(request: Request) -> Response:
    """A one-time link, as printed by the node at its start."""
    context = context_of(request)
    signed_in = await context.accounts.sign_in_once(request.query_params.get("ticket", ""), address_of(request))
    if signed_in is None:
        return _form(request, 401, "sign_in.link_used", "/")
    return await _enter(request, context, signed_in, "/")


async def sign_out(request: Request) -> Response:
    """End the session."""
    context = context_of(request)
    credential: Credential | None = request.scope["state"]["credential"]
    if credential is not None and credential.cookie:
        await context.accounts.sessions.end(credential.secret)
        await context.accounts.audit.record(actor_in(request).name, "sign_out", origin=address_of(request))
    response = RedirectResponse("/sign-in", 303)
    drop_session(response, context)
    return response


def local_path(goal: str) -> str:
    """`goal` if it is a page of this site, else the overview."""
    plain = goal.isascii() and goal.isprintable() and "\\" not in goal
    return goal if plain and goal.startswith("/") and not goal.startswith("//") else "/"


async def _enter(request: Request, context: WebContext, signed_in: SignedIn, goal: str) -> Response:
    before = credential_of(request, context)
    if before is not None and before.cookie:
        await context.accounts.sessions.end(before.secret)
    response = RedirectResponse(goal, 303)
    set_session(response, context, signed_in)
    return response


def _form(request: Request, status: int, error: str, goal: str, retry_after: int = 0) -> Response:
    pages: Pages = request.app.state.pages
    more = {"error": error, "next": local_path(goal), "retry_after": retry_after}
    response = pages.render(request, "sign_in", status, **more)
    if retry_after:
        response.headers["retry-after"] = str(retry_after)
    return response
