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
from .problem import ProblemError
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
    return form(request, 200, "", request.query_params.get("next", "/"))


async def sign_in(request: Request) -> Response:
    """Name and password from the form."""
    try:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as error:
        raise ProblemError(400, "a form of more than ten fields; expected user, password, next") from error
    name, password, goal = (fields.get(key, [""])[0] for key in ("user", "password", "next"))
    context = context_of(request)
    if await is_kiosk(request, context):
        return form(request, 409, "sign_in.kiosk", goal)
    try:
        signed_in = await context.accounts.sign_in(name, password, address_of(request))
    except TooManyAttemptsError as error:
        return form(request, 429, "sign_in.too_many", goal, retry_after=max(1, round(error.retry_after)))
    except DeniedError:
        return form(request, 401, "sign_in.wrong", goal)
    return await enter(request, context, signed_in, local_path(goal))


async def once(request: Request) -> Response:
    """A one-time link, as printed by the node at its start."""
    context = context_of(request)
    if await is_kiosk(request, context):
        return form(request, 409, "sign_in.kiosk", "/")
    signed_in = await context.accounts.sign_in_once(request.query_params.get("ticket", ""), address_of(request))
    if signed_in is None:
        return form(request, 401, "sign_in.link_used", "/")
    return await enter(request, context, signed_in, "/")


async def sign_out(request: Request) -> Response:
    """End the session. A kiosk has none: it is one until it is revoked."""
    context = context_of(request)
    if actor_in(request).kind == "kiosk":
        raise ProblemError(403, "denied: a kiosk cannot be signed out; revoke it on the page of people")
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


async def is_kiosk(request: Request, context: WebContext) -> bool:
    """True if this browser is a kiosk, which nobody can make their own session."""
    before = credential_of(request, context)
    return before is not None and before.cookie and await context.accounts.kiosks.actor(before.secret) is not None


async def leave(request: Request, context: WebContext) -> None:
    """End the session that the browser has, so that nobody goes on under a secret known before."""
    before = credential_of(request, context)
    if before is not None and before.cookie:
        await context.accounts.sessions.end(before.secret)


async def enter(request: Request, context: WebContext, signed_in: SignedIn, goal: str) -> Response:
    """Let somebody in who has proved who they are."""
    await leave(request, context)
    response = RedirectResponse("/profile" if signed_in.once else goal, 303)
    set_session(response, context, signed_in)
    return response


def form(request: Request, status: int, error: str, goal: str, retry_after: int = 0) -> Response:
    """The sign-in page, with a key of the catalogue as its `error`."""
    pages: Pages = request.app.state.pages
    more = {"error": error, "next": local_path(goal), "retry_after": retry_after}
    response = pages.render(request, "sign_in", status, **more)
    if retry_after:
        response.headers["retry-after"] = str(retry_after)
    return response
