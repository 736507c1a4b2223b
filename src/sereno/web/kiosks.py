"""Kiosks: links for wall displays, made and revoked by those who manage people, and the way in by such a link."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sereno.access.kiosks import kiosk_role
from sereno.access.sessions import SignedIn
from sereno.client import iso_time
from sereno.model import NotFoundError
from sereno.store.kiosks import KioskRow

from .answers import answer, problems
from .credentials import address_of, credential_of, set_session
from .people import Body, check_covers
from .problem import ProblemError
from .requests import Asking, Context, context_of
from .signin import form, leave

Name = Annotated[str, Field(min_length=1, max_length=48)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
LONGEST_COOKIE = 400 * 86400


class NewKiosk(Body):
    """A display that shows the tags that `reads` names."""

    name: Name
    reads: list[Glob] = Field(["*"], min_length=1, max_length=200)


class KioskShape(BaseModel):
    """A kiosk; `seen` and `origin` are of its last use."""

    name: str
    reads: list[str]
    creator: str
    created: str | None
    seen: str | None
    origin: str


class Kiosks(BaseModel):
    """Kiosks, by name."""

    kiosks: list[KioskShape]


class MadeKiosk(BaseModel):
    """A new kiosk; `link` opens it on this site and is shown this once."""

    name: str
    link: str


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    wrong = problems(400, 404, 409, 413)
    app.add_route("/sign-in/kiosk", enter, methods=["GET"])
    app.add_api_route("/api/v1/kiosks", kiosks, response_model=Kiosks, responses=problems())
    app.add_api_route(
        "/api/v1/kiosks", add_kiosk, methods=["POST"], status_code=201, response_model=MadeKiosk, responses=wrong
    )
    app.add_api_route("/api/v1/kiosks/{name}", drop_kiosk, methods=["DELETE"], status_code=204, responses=wrong)


async def enter(request: Request) -> Response:
    """Make this browser the kiosk whose link it is; who was signed in here is so no more."""
    context, secret = context_of(request), request.query_params.get("key", "")
    actor = await context.accounts.kiosks.actor(secret, address_of(request))
    if actor is None:
        return form(request, 401, "sign_in.kiosk_unknown", "/")
    before = credential_of(request, context)
    if before is None or before.secret != secret:
        await leave(request, context)
        await context.accounts.audit.record(actor.name, "sign_in.kiosk", origin=address_of(request))
    response = RedirectResponse("/", 303)
    set_session(response, context, SignedIn(secret, actor.name, 0), LONGEST_COOKIE)
    return response


async def kiosks(context: Context) -> Response:
    """Every kiosk, without its link."""
    return answer({"kiosks": [_kiosk_json(row) for row in await context.accounts.kiosks.all()]})


async def add_kiosk(body: NewKiosk, context: Context, actor: Asking) -> Response:
    """A link for a wall display; it works until the kiosk is revoked."""
    check_covers(actor, [kiosk_role(body.reads)])
    try:
        secret = await context.accounts.kiosks.add(body.name, body.reads, by=actor.name, origin=actor.origin)
    except ValueError as error:
        raise ProblemError(409, str(error)) from error
    return answer({"name": body.name, "link": f"/sign-in/kiosk?key={secret}"}, 201)


async def drop_kiosk(
    name: Annotated[str, Path(min_length=1, max_length=48)], context: Context, actor: Asking
) -> Response:
    """End a kiosk at once."""
    if not await context.accounts.kiosks.revoke(name, by=actor.name, origin=actor.origin):
        raise NotFoundError(f"there is no kiosk {name!r}")
    return Response(status_code=204)


def _kiosk_json(row: KioskRow) -> dict[str, Any]:
    times = {"created": iso_time(row.created), "seen": iso_time(row.seen) if row.seen else None}
    return {"name": row.name, "reads": list(row.reads), "creator": row.creator, **times, "origin": row.origin}
