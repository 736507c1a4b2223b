"""Tokens and sessions: of everyone for those who manage people, and everybody's own in their profile."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.access.accounts import TooManyAttemptsError
from sereno.access.actor import Actor
from sereno.access.opaque import digest
from sereno.access.sessions import session_id
from sereno.client import iso_time
from sereno.model import NotFoundError
from sereno.store.ways_in import SessionRow, TokenRow

from .answers import answer, problems
from .context import WebContext
from .people import Body, Name, check_grant, check_manage
from .problem import ProblemError, problem
from .requests import Address, Asking, Context

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8,16}$")]
Days = Annotated[float, Field(gt=0, le=366)]


class OwnToken(Body):
    """A token for a program of one's own; it may at most what its owner may."""

    name: Name
    role: Name
    days: Days = 30.0


class NewToken(OwnToken):
    """A token that `owner` answers for."""

    owner: Name


class NewPassword(Body):
    """The password of this moment, and the one from now on."""

    old: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


class TokenShape(BaseModel):
    """A token without its secret."""

    id: str
    name: str
    owner: str
    role: str
    created: str | None
    expires: str | None


class Tokens(BaseModel):
    """Tokens, the oldest first."""

    tokens: list[TokenShape]


class MadeToken(TokenShape):
    """A new token; `token` is its secret, shown this once."""

    token: str


class SessionShape(BaseModel):
    """Somebody signed in by a browser; `here` is the session that asks."""

    id: str
    user: str
    origin: str
    created: str | None
    seen: str | None
    expires: str | None
    here: bool


class Sessions(BaseModel):
    """Sessions, the one used last first."""

    sessions: list[SessionShape]


class Profile(BaseModel):
    """Who asks, and their own ways in."""

    name: str
    roles: list[str]
    sessions: list[SessionShape]
    tokens: list[TokenShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    wrong = problems(400, 404, 409, 413)
    gone: dict[str, Any] = {"status_code": 204, "responses": wrong}
    made: dict[str, Any] = {"status_code": 201, "response_model": MadeToken, "responses": wrong}
    app.add_api_route("/api/v1/tokens", tokens, response_model=Tokens, responses=problems())
    app.add_api_route("/api/v1/tokens", add_token, methods=["POST"], **made)
    app.add_api_route("/api/v1/tokens/{token_id}", drop_token, methods=["DELETE"], **gone)
    app.add_api_route("/api/v1/sessions", sessions, response_model=Sessions, responses=problems())
    app.add_api_route("/api/v1/sessions/{session}", drop_session, methods=["DELETE"], **gone)
    app.add_api_route("/api/v1/profile", profile, response_model=Profile, responses=problems())
    app.add_api_route(
        "/api/v1/profile/password", own_password, methods=["POST"], status_code=204, responses=problems(400, 413, 429)
    )
    app.add_api_route("/api/v1/profile/tokens", add_own_token, methods=["POST"], **made)
    app.add_api_route("/api/v1/profile/tokens/{token_id}", drop_own_token, methods=["DELETE"], **gone)
    app.add_api_route("/api/v1/profile/sessions/{session}", drop_own_session, methods=["DELETE"], **gone)


async def tokens(context: Context) -> Response:
    """Every token."""
    return answer({"tokens": [_token_json(row) for row in await context.accounts.tokens.all()]})


async def add_token(body: NewToken, context: Context, actor: Asking) -> Response:
    """A token for a program; its secret is shown this once."""
    await check_manage(context.accounts, actor, body.owner)
    return await _issue(context, actor, body.owner, body)


async def drop_token(token_id: Id, context: Context, actor: Asking) -> Response:
    """End a token."""
    row = await _token(context, token_id)
    await check_manage(context.accounts, actor, row.user)
    return await _revoke(context, actor, row)


async def sessions(request: Request, context: Context) -> Response:
    """Everyone who is signed in."""
    here = _here(request)
    return answer({"sessions": [_session_json(row, here) for row in await context.accounts.sessions.all()]})


async def drop_session(session: Id, context: Context, actor: Asking) -> Response:
    """End somebody's session at once."""
    row = next((r for r in await context.accounts.sessions.all() if session_id(r.digest) == session), None)
    if row is not None:
        await check_manage(context.accounts, actor, row.user)
    return await _end(context, actor, session, row.user if row else "")


async def profile(request: Request, context: Context, actor: Asking) -> Response:
    """Your own ways in."""
    here, accounts = _here(request), context.accounts
    own = owner_of(actor)
    return answer(
        {
            "name": actor.name,
            "roles": [role.name for role in actor.roles],
            "sessions": [_session_json(row, here) for row in await accounts.sessions.all() if row.user == own],
            "tokens": [_token_json(row) for row in await accounts.tokens.all() if row.user == own],
        }
    )


async def own_password(
    body: NewPassword, request: Request, context: Context, actor: Asking, address: Address
) -> Response:
    """A new password of your own; your other sessions end."""
    secret = _person(request, actor)
    try:
        await context.accounts.change_password(actor.name, body.old, body.new, session=secret, origin=address)
    except TooManyAttemptsError as error:
        return problem(429, str(error), {"retry-after": str(max(1, round(error.retry_after)))})
    except ValueError as error:
        raise ProblemError(422, str(error)) from error
    return Response(status_code=204)


async def add_own_token(body: OwnToken, request: Request, context: Context, actor: Asking) -> Response:
    """A token for a program of your own."""
    _person(request, actor)
    return await _issue(context, actor, actor.name, body)


async def drop_own_token(token_id: Id, context: Context, actor: Asking) -> Response:
    """End a token of your own."""
    row = await _token(context, token_id)
    if row.user != owner_of(actor):
        raise NotFoundError(f"you have no token {token_id!r}")
    return await _revoke(context, actor, row)


async def drop_own_session(session: Id, context: Context, actor: Asking) -> Response:
    """End a session of your own."""
    return await _end(context, actor, session, owner_of(actor))


def owner_of(actor: Actor) -> str:
    """The person who is, or who answers for, the actor."""
    return actor.name.partition(":")[0] if actor.kind == "token" else actor.name


def _person(request: Request, actor: Actor) -> str:
    credential = request.scope["state"]["credential"]
    if actor.kind != "person" or credential is None or not credential.cookie:
        raise ProblemError(403, "denied: a token may not do this; sign in with a browser")
    return str(credential.secret)


def _here(request: Request) -> str:
    credential = request.scope["state"]["credential"]
    return session_id(digest(credential.secret)) if credential is not None and credential.cookie else ""


async def _issue(context: WebContext, actor: Actor, owner: str, body: OwnToken) -> Response:
    await check_grant(context.accounts, actor, [body.role])
    try:
        row, secret = await context.accounts.tokens.issue(
            owner, body.name, body.role, body.days * 86400.0, by=actor.name, origin=actor.origin
        )
    except ValueError as error:
        raise ProblemError(422, str(error)) from error
    return answer({**_token_json(row), "token": secret}, 201)


async def _token(context: WebContext, token_id: str) -> TokenRow:
    row = next((r for r in await context.accounts.tokens.all() if r.id == token_id), None)
    if row is None:
        raise NotFoundError(f"there is no token {token_id!r}")
    return row


async def _revoke(context: WebContext, actor: Actor, row: TokenRow) -> Response:
    await context.accounts.tokens.revoke(row.id, by=actor.name, origin=actor.origin)
    return Response(status_code=204)


async def _end(context: WebContext, actor: Actor, session: str, owner: str) -> Response:
    revoke = context.accounts.sessions.revoke
    if not owner or await revoke(session, owner=owner, by=actor.name, origin=actor.origin) is None:
        raise NotFoundError(f"there is no session {session!r}")
    return Response(status_code=204)


def _token_json(row: TokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.user,
        "role": row.role,
        "created": iso_time(row.created),
        "expires": iso_time(row.expires),
    }


def _session_json(row: SessionRow, here: str) -> dict[str, Any]:
    name = session_id(row.digest)
    times = {"created": iso_time(row.created), "seen": iso_time(row.seen), "expires": iso_time(row.expires)}
    return {"id": name, "user": row.user, "origin": row.origin, **times, "here": name == here}
