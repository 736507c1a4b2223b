"""The one door: finds the route, asks the entry table, and only then lets a request in."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from sereno.access.actor import Actor
from sereno.access.entries import Entry, EntryTable, Need

from .context import LOOPBACK, WebContext
from .credentials import Credential, actor_of, address_of, credential_of
from .entries import LIVE, STREAM
from .origin import SAFE, host_allowed, same_origin
from .pages import show
from .problem import problem, wants_page

AT_ONCE = 4
LASTING = (LIVE, STREAM)
_log = structlog.get_logger(__name__)


class Gate:
    """Default deny. What passes finds its actor under `scope["state"]["actor"]` (None on open entries).

    Of those who want live values, `AT_ONCE` are looked at at a time: when a thousand come back together, scans and
    pages go on between them.
    """

    def __init__(self, app: ASGIApp, *, context: WebContext, entries: EntryTable) -> None:
        self._app = app
        self._context = context
        self._entries = entries
        self._lasting = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["path"] in LASTING:
            async with self._lasting:
                refusal = await self._refusal(scope)
        else:
            refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _refusal(self, scope: Scope) -> Response | None:
        connection = HTTPConnection(scope)
        if not host_allowed(connection.headers, self._context.hosts):
            names = ", ".join((*LOOPBACK, *self._context.hosts))
            return problem(421, f"this site does not answer to that name, only to {names}")
        match, path, parameters = find_route(scope["app"].routes, scope)
        kind = "WS" if scope["type"] == "websocket" else scope["method"]
        entry = self._entries.find("GET" if kind == "HEAD" else kind, path)
        state = scope.setdefault("state", {})
        state["actor"] = state["credential"] = None
        if entry is not None and entry.need is Need.OPEN:
            cookie = False
        else:
            state["credential"] = credential = credential_of(connection, self._context)
            state["actor"] = await actor_of(credential, self._context, address_of(connection))
            cookie = credential is not None and credential.cookie
        if kind not in SAFE and not same_origin(connection.headers, cookie=cookie):
            return problem(403, "made by a page of another site; Origin must be this site's own address")
        actor = state["actor"]
        if actor is None and (entry is None or entry.need is not Need.OPEN):
            await self._tell_unknown(connection, state["credential"])
            return _sign_in_first(connection)
        fault = _fault(scope, match, entry, parameters)
        if fault is None:
            return None
        if fault[0] == 403:
            await self._tell_denied(connection, actor, f"{kind} {path}", fault[1])
        return show(connection, *fault)

    async def _tell_denied(self, connection: HTTPConnection, actor: Actor, kind: str, why: str) -> None:
        """On record: somebody known asked for what they have no right to."""
        target = f"{connection.scope.get('method', 'WS')} {connection.scope['path']}"
        origin = address_of(connection)
        await self._context.accounts.refusals.tell(actor.name, "access", target, origin, why, kind=kind)

    async def _tell_unknown(self, connection: HTTPConnection, credential: Credential | None) -> None:
        """On record: a token that nobody has (a session that has run out is nothing special)."""
        if credential is not None and not credential.cookie:
            origin, why = address_of(connection), "a token that is unknown, run out or revoked"
            await self._context.accounts.refusals.tell("somebody", "access", "token", origin, why)


def _fault(scope: Scope, match: Match, entry: Entry | None, parameters: dict[str, str]) -> tuple[int, str] | None:
    actor, path = scope["state"]["actor"], scope["path"]
    if match is Match.NONE:
        return 404, f"there is nothing under {path}"
    if match is Match.PARTIAL:
        return 405, f"{path} does not take {scope['method']}"
    if entry is None:
        _log.error("a route without an entry was refused", path=path)
        return 403, "refused: this route has no entry in the table of who may come in"
    if not entry.admits(actor, parameters.get(entry.subject, "")):
        return 403, f"denied: {actor.name} has no right to {' or '.join(entry.rights)} here"
    return None


def find_route(routes: list[BaseRoute], scope: Scope) -> tuple[Match, str, dict[str, str]]:
    """How, to which path template and with which parameters the router will match: the same question, asked before."""
    partial = (Match.NONE, "", dict[str, str]())
    for route in routes:
        match, child = route.matches(scope)
        if match is not Match.NONE:
            found = (match, str(getattr(route, "path", "")), dict(child.get("path_params", {})))
            if match is Match.FULL:
                return found
            partial = partial if partial[0] is Match.PARTIAL else found
    return partial


def _sign_in_first(connection: HTTPConnection) -> Response:
    if wants_page(connection):
        goal = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(goal, safe='')}", 303)
    headers = {"www-authenticate": 'Bearer realm="sereno"'}
    return problem(401, "sign in, or send 'Authorization: Bearer TOKEN' with a token that is still valid", headers)
