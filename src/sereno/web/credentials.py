"""From what a request carries (session cookie or bearer token) to an Actor, anew for each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sereno.access.actor import Actor
from sereno.access.kiosks import PREFIX as KIOSK
from sereno.access.sessions import SignedIn

from .context import WebContext


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret and how it came: by cookie, or as a bearer token."""

    secret: str
    cookie: bool


def credential_of(connection: HTTPConnection, context: WebContext) -> Credential | None:
    """What the request carries. A bearer token goes before a cookie."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return Credential(token.strip(), cookie=False)
    secret = connection.cookies.get(context.cookie)
    return Credential(secret, cookie=True) if secret else None


async def actor_of(
    credential: Credential | None, context: WebContext, origin: str, *, use: bool = True
) -> Actor | None:
    """Who that is at this moment; None if nobody. `use=False` does not count as activity of the session."""
    if credential is None:
        return None
    if credential.cookie and credential.secret.startswith(KIOSK):
        return await context.accounts.kiosks.actor(credential.secret, origin, use=use)
    if credential.cookie:
        return await context.accounts.sessions.actor(credential.secret, origin, use=use)
    return await context.accounts.tokens.actor(credential.secret, origin)


def address_of(connection: HTTPConnection) -> str:
    """The peer's address. Never taken from a header."""
    return connection.client.host if connection.client else ""


def set_session(response: Response, context: WebContext, signed_in: SignedIn, keep: int | None = None) -> None:
    """Give the browser its session, kept `keep` seconds or until it is closed; the server decides when it ends."""
    attributes: dict[str, Any] = {"httponly": True, "samesite": "lax", "secure": context.secure}
    response.set_cookie(context.cookie, signed_in.secret, max_age=keep, path="/", **attributes)


def drop_session(response: Response, context: WebContext) -> None:
    """Take it away again."""
    response.delete_cookie(context.cookie, path="/", httponly=True, samesite="lax", secure=context.secure)
