"""Defects to plant in the program under attack, each of a kind that a peer has had: the rig must find every one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import literal_column
from starlette.responses import Response

from sereno.access import lockout, oidc, sessions
from sereno.access.accounts import Accounts
from sereno.access.entries import Entry, EntryTable, Need
from sereno.model import NotFoundError
from sereno.store import audit
from sereno.web import app, body, gate, pages, people, signin, statics


def plant_defect(name: str, stack: ExitStack) -> None:
    """Change the program of this process until `stack` closes. Raises KeyError for an unknown name."""
    for patcher in DEFECTS[name][1]():
        stack.enter_context(patcher)


def _static_by_path() -> list[Any]:
    async def answer(self: statics.Statics, request: Any) -> Response:
        base = next(iter(self._files.values())).parent
        path = base / request.path_params["path"]
        return Response(path.read_bytes()) if path.is_file() else Response(status_code=404)

    return [patch.object(statics.Statics, "answer", answer)]


def _gate_before_normalising() -> list[Any]:
    call = gate.Gate.__call__

    async def trusting(self: gate.Gate, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith(("/static/", "/healthz/")) and ".." in scope["path"]:
            scope["path"] = posixpath.normpath(scope["path"])
            scope.setdefault("state", {})["actor"] = None
            scope["state"]["credential"] = None
            await self._app(scope, receive, send)
            return
        await call(self, scope, receive, send)

    return [patch.object(gate.Gate, "__call__", trusting)]


def _route_without_gate() -> list[Any]:
    find = EntryTable.find

    def forgetful(self: EntryTable, kind: str, path: str) -> Entry | None:
        return Entry(kind, path, Need.OPEN) if path == "/api/v1/users" else find(self, kind, path)

    return [patch.object(EntryTable, "find", forgetful)]


def _no_escaping() -> list[Any]:
    make = pages.Pages.__init__

    def unescaped(self: pages.Pages, *given: Any) -> None:
        make(self, *given)
        self._templates.autoescape = False

    return [patch.object(pages.Pages, "__init__", unescaped)]


def _any_origin() -> list[Any]:
    return [patch.object(gate, "same_origin", lambda *_, **__: True)]


def _no_headers() -> list[Any]:
    return [patch.dict(app.SECURITY, clear=True)]


def _asks_anybody() -> list[Any]:
    return [patch.object(oidc.Provider, "_endpoint", lambda _self, document, name: document[name])]


def _sql_by_text() -> list[Any]:
    return [patch.object(audit, "_like", lambda column, text: literal_column(f"{column.name} = '{text}'"))]


def _leads_anywhere() -> list[Any]:
    return [patch.object(signin, "local_path", lambda goal: goal)]


def _session_kept() -> list[Any]:
    async def nothing(*_: object) -> None:
        return None

    return [patch.object(signin, "leave", nothing)]


def _never_ends() -> list[Any]:
    async def nothing(*_: object) -> bool:
        return True

    return [patch.object(sessions.Sessions, "end", nothing)]


def _no_lockout() -> list[Any]:
    return [patch.object(lockout.Lockout, "attempt", lambda *_: 0.0)]


def _locks_the_account() -> list[Any]:
    return [patch.object(lockout, "_network", lambda _: "everywhere")]


def _tells_who_exists() -> list[Any]:
    sign_in = Accounts.sign_in

    async def telling(self: Accounts, name: str, password: str, origin: str) -> Any:
        if name not in [row.name for row in await self.users()]:
            raise NotFoundError(f"there is no user {name!r}")
        return await sign_in(self, name, password, origin)

    return [patch.object(Accounts, "sign_in", telling)]


def _grants_anything() -> list[Any]:
    return [patch.object(people, "check_covers", lambda *_: None)]


def _any_body() -> list[Any]:
    return [patch.object(body, "too_deep", lambda *_: False), patch.object(body, "_read", _read_all)]


async def _read_all(scope: Any, receive: Any, limit: int) -> bytes:
    del scope, limit
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            found = b"".join(parts)
            if len(found) > 1 << 20:
                raise MemoryError(Path.cwd())
            return found


DEFECTS: dict[str, tuple[str, Callable[[], list[Any]]]] = {
    "static-by-path": ("traversal", _static_by_path),
    "gate-before-normalising": ("normalisation", _gate_before_normalising),
    "route-without-gate": ("forgotten", _route_without_gate),
    "no-escaping": ("xss", _no_escaping),
    "any-origin": ("forgery", _any_origin),
    "no-headers": ("frames", _no_headers),
    "asks-anybody": ("ssrf", _asks_anybody),
    "sql-by-text": ("sql", _sql_by_text),
    "leads-anywhere": ("headers", _leads_anywhere),
    "session-kept": ("fixation", _session_kept),
    "session-never-ends": ("replay", _never_ends),
    "no-lockout": ("brute_force", _no_lockout),
    "locks-the-account": ("brute_force", _locks_the_account),
    "tells-who-exists": ("enumeration", _tells_who_exists),
    "grants-anything": ("mass_assignment", _grants_anything),
    "any-body": ("bodies", _any_body),
}
"""Name -> the class that must find it, and how it is planted."""
