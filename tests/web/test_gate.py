"""Who gets in where: the entry table against the application's routes."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from sereno.access.actor import ROLES, Actor, Right
from sereno.access.entries import Need
from sereno.web import gate
from sereno.web.app import create_app
from sereno.web.entries import ENTRIES, LIVE

ROLE_NAMES = (None, "viewer", "operator", "engineer", "admin")
EXAMPLES = {
    "path": "north/plc1/setpoint",
    "version": "x",
    "lang": "en",
    "key": "unknown-key",
    "name": "nobody-there",
    "token_id": "00000000",
    "token": "no-link-of-ours",
    "session": "0000000000000000",
    "alarm": "north/plc1/level.hi",
    "act": "run",
    "file": "none.html",
    "number": "1",
}
BODIES = {
    "/api/v1/commands": {"target": "north/plc1/setpoint", "value": 1.0},
    "/api/v1/values/{path:path}": {"value": 1},
    "/api/v1/values/{path:path}/substitution": {"value": 1, "reason": "x", "seconds": 60},
    "/api/v1/devices/{path:path}/maintenance": {"reason": "x"},
}


def doors(app: FastAPI) -> set[tuple[str, str]]:
    """(kind, path) of everything that the router answers."""
    found: set[tuple[str, str]] = set()
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            found.add(("WS", route.path))
        elif isinstance(route, Route):
            found |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
        else:
            pytest.fail(f"a route of a kind that the gate does not know: {route!r}")
    return found


def _example(path: str) -> str:
    return re.sub(r"{(\w+)(?::path)?}", lambda m: EXAMPLES[m.group(1)], path)


def test_every_route_has_an_entry_and_every_entry_a_route(site) -> None:
    table = {(e.kind, e.path) for e in ENTRIES if e.kind != "MESSAGE"}
    assert doors(site.app) == table
    assert {e.path for e in ENTRIES if e.kind == "MESSAGE"} == {
        f"{LIVE} {message}" for message in ("subscribe", "unsubscribe", "alarms")
    }


def test_what_is_open_is_a_short_list() -> None:
    assert sorted(f"{e.kind} {e.path}" for e in ENTRIES if e.need is Need.OPEN) == [
        "GET /healthz",
        "GET /locale/{lang}.json",
        "GET /notice/{token}",
        "GET /sign-in",
        "GET /sign-in/kiosk",
        "GET /sign-in/oidc",
        "GET /sign-in/oidc/callback",
        "GET /sign-in/once",
        "GET /static/{version}/{path:path}",
        "POST /notice/{token}",
        "POST /sign-in",
    ]


async def test_a_route_without_an_entry_is_refused(site) -> None:
    async def planted(_request: object) -> PlainTextResponse:
        return PlainTextResponse("secret")

    app = create_app(site.context)
    app.add_route("/planted", planted, methods=["GET"])
    assert ("GET", "/planted") in doors(app) - {(e.kind, e.path) for e in ENTRIES}
    token = await site.token("admin", "admin")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get("/planted", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "no entry" in answer.json()["detail"]


BY_TARGET = "/api/v1/commands"
"""Some commands only read: whether this one does is not known before it is looked at."""
HTTP_ENTRIES = [
    e for e in ENTRIES if e.kind in ("GET", "PUT", "POST", "DELETE") and not e.path.endswith(("/stream", "/trace"))
]


@pytest.mark.parametrize("entry", HTTP_ENTRIES, ids=lambda e: f"{e.kind} {e.path}")
async def test_each_role_at_each_entry(site, entry) -> None:
    for role in ROLE_NAMES:
        browser = await site.signed_in(role) if role else site.browser()
        async with browser:
            answer = await browser.request(entry.kind, _example(entry.path), json=BODIES.get(entry.path))
        actor = Actor(role, (ROLES[role],)) if role else None
        if (entry.kind, entry.path, role) == ("POST", BY_TARGET, "viewer"):
            assert (answer.status_code, answer.json()["detail"][:22]) == (403, "denied: viewer may not")
        elif entry.admits(actor, EXAMPLES["path"]):
            assert answer.status_code not in (401, 403) or entry.path.startswith("/sign-in"), (role, answer.text)
        else:
            assert answer.status_code == (403 if role else 401), (role, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_role_that_may_only_read_the_north_gets_nothing_else(site) -> None:
    from sereno.access.actor import Permission, Role

    north = Role("north", (Permission(Right.READ, "north/*"), Permission(Right.WRITE, "north/*")))
    await site.accounts.put_role(north, by="test")
    await site.accounts.set_roles("viewer", ["north"], by="test")
    async with await site.signed_in("viewer") as browser:
        assert (await browser.put("/api/v1/values/north/plc1/setpoint", json={"value": 1})).status_code == 200
        assert (await browser.put("/api/v1/values/south/plc2/level", json={"value": 1})).status_code == 403
        assert (await browser.get("/devices/south/plc2")).status_code == 403
        assert (await browser.get("/api/v1/history?tag=north/plc1/level")).status_code == 403
        answer = await browser.post("/api/v1/commands", json={"target": "south/plc2/level", "value": 1})
        assert answer.status_code == 403
        assert {v["tag"][:5] for v in (await browser.get("/api/v1/values")).json()["values"]} == {"north"}
    assert [command.target for command, _ in site.plant.commands] == ["north/plc1/setpoint"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/values/",
        "/api/v1//values",
        "//api/v1/values",
        "/api/v1/values/../values",
        "/API/v1/values",
        "/api/v1/values%2f..%2f",
        "/healthz/../api/v1/values",
        "/static/../api/v1/values",
        "/static/x/../../api/v1/values",
        "/sign-in/..;/api/v1/values",
        "/api/v1/values.",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/static/x/%2e%2e/%2e%2e/templates/base.html",
    ],
)
async def test_other_spellings_of_a_path_get_nobody_in(site, path: str) -> None:
    sent: list[int] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": httpx.URL("http://localhost").copy_with(raw_path=path.encode()).path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "root_path": "",
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            sent.append(int(str(message["status"])))

    await site.app(scope, receive, send)
    assert sent[0] in (401, 404)


async def test_unknown_paths_say_nothing_to_strangers(site) -> None:
    async with site.browser() as browser:
        assert (await browser.get("/api/v1/nonsense")).status_code == 401
        assert (await browser.delete("/api/v1/values")).status_code == 401
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/api/v1/nonsense")).status_code == 404
        assert (await browser.delete("/api/v1/values")).status_code == 405


async def test_people_are_sent_to_the_sign_in_page_and_back(site) -> None:
    async with site.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get("/trend?tag=a/b&span=1h")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Ftrend%3Ftag%3Da%2Fb%26span%3D1h"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("authorization", "Bearer srn_" + "x" * 43),
        ("authorization", "Bearer "),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
        ("cookie", "sereno_01234567=" + "x" * 43),
        ("cookie", "sereno_01234567="),
    ],
)
async def test_made_up_credentials_are_nobody(site, header: str, value: str) -> None:
    async with site.browser() as browser:
        answer = await browser.get("/api/v1/values", headers={header: value})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_tokens_get_in_and_rights_end_at_once(site) -> None:
    token = await site.token("operator", "viewer")
    headers = {"authorization": f"Bearer {token}"}
    async with site.browser() as browser:
        assert (await browser.get("/api/v1/session", headers=headers)).json() == {
            "name": "operator:test",
            "kind": "token",
            "roles": ["viewer"],
            "rights": ["read", "history"],
            "recovered": [],
        }
        await site.accounts.set_disabled("operator", True, by="test")
        assert (await browser.get("/api/v1/session", headers=headers)).status_code == 401


async def test_a_session_ends_while_its_cookie_lives_on(site) -> None:
    async with await site.signed_in("viewer") as browser:
        assert (await browser.get("/api/v1/session")).status_code == 200
        site.clock.now += 9 * 3600
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_of_many_who_want_live_values_few_are_looked_at_at_a_time(site, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await site.token("viewer", "viewer")
    now = most = 0
    real = gate.actor_of

    async def counting(*given: Any, **more: Any) -> Actor | None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        actor = await real(*given, **more)
        now -= 1
        return actor

    monkeypatch.setattr(gate, "actor_of", counting)
    async with site.running():
        clients = [site.connect("/api/v1/stream?tag=north", token=token) for _ in range(5 * gate.AT_ONCE)]
        for client in clients:
            await client.event()
        assert most == gate.AT_ONCE
        for client in clients:
            await client.close()
