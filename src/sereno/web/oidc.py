"""Sign-in by a provider: to it, and back from it."""

from __future__ import annotations

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sereno.access.oidc import PATIENCE, Arrival, Provider
from sereno.model import DeniedError, SerenoError

from .context import WebContext
from .credentials import address_of
from .problem import ProblemError
from .requests import context_of
from .signin import enter, form, is_kiosk, local_path

CALLBACK = "/sign-in/oidc/callback"
_log = structlog.get_logger(__name__)


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/sign-in/oidc", depart, methods=["GET"])
    app.add_route("/sign-in/oidc/callback", arrive, methods=["GET"])


async def depart(request: Request) -> Response:
    """Send the browser to the provider."""
    context = context_of(request)
    provider = _provider(context)
    if await is_kiosk(request, context):
        return form(request, 409, "sign_in.kiosk", "/")
    goal = local_path(request.query_params.get("next", "/"))
    redirect = f"{'https' if context.secure else 'http'}://{request.headers['host']}{CALLBACK}"
    try:
        departure = await provider.depart(redirect, goal)
    except SerenoError as error:
        _log.warning("the provider cannot be used", error=str(error))
        return form(request, 503, "sign_in.provider_away", goal)
    response = RedirectResponse(departure.url, 303)
    response.set_cookie(
        _cookie(context),
        departure.secret,
        max_age=int(PATIENCE),
        path="/",
        httponly=True,
        samesite="lax",
        secure=context.secure,
    )
    return response


async def arrive(request: Request) -> Response:
    """Take the browser back from the provider."""
    context = context_of(request)
    provider = _provider(context)
    try:
        arrival = await _arrival(request, provider)
        signed_in = await context.accounts.sign_in_as(arrival, address_of(request))
    except DeniedError as error:
        _log.warning("a sign-in by the provider was refused", reason=str(error), origin=address_of(request))
        await context.accounts.refusals.tell("somebody", "sign_in.oidc", "", address_of(request), str(error))
        response = form(request, 401, "sign_in.provider_denied", "/")
    except SerenoError as error:
        _log.warning("the provider cannot be used", error=str(error))
        response = form(request, 503, "sign_in.provider_away", "/")
    else:
        response = await enter(request, context, signed_in, arrival.goal)
    response.delete_cookie(_cookie(context), path="/", httponly=True, samesite="lax", secure=context.secure)
    return response


async def _arrival(request: Request, provider: Provider) -> Arrival:
    asked, context = request.query_params, context_of(request)
    if await is_kiosk(request, context):
        raise DeniedError("a kiosk cannot be made somebody's session")
    if "code" not in asked:
        raise DeniedError(f"the provider said no: {asked.get('error', 'no code')[:100]}")
    return await provider.arrive(asked.get("state", ""), asked["code"], request.cookies.get(_cookie(context), ""))


def _provider(context: WebContext) -> Provider:
    if context.oidc is None:
        raise ProblemError(404, "this installation has no provider to sign in by; [oidc] in the plant file names one")
    return context.oidc


def _cookie(context: WebContext) -> str:
    return f"{context.cookie}_oidc"
