"""Requests that other sites make a browser send, and names that point at us."""

from __future__ import annotations

import re

import pytest

from sereno.access.entries import Need
from sereno.web.entries import ENTRIES

EXAMPLES = {
    "path": "north/plc1/setpoint",
    "name": "operator",
    "token": "0.0.0.0",
    "token_id": "00000000",
    "session": "0000000000000000",
    "alarm": "north/plc1/level.hi",
    "key": "unknown-key",
    "act": "run",
    "number": "1",
    "version": "1",
    "file": "none.html",
    "lang": "en",
}
UNSAFE = [
    (e.kind, re.sub(r"{(\w+)(?::path)?}", lambda m: EXAMPLES[m.group(1)], e.path))
    for e in ENTRIES
    if e.kind in ("POST", "PUT", "DELETE", "PATCH")
]
FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:81"},
    {"origin": "http://localhost.evil.example"},
    {"origin": "file://localhost"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
]


def test_everything_that_changes_something_is_tried_here() -> None:
    assert len(UNSAFE) > 15
    open_ones = {e.path for e in ENTRIES if e.kind != "GET" and e.need is Need.OPEN}
    assert open_ones == {"/sign-in", "/notice/{token}"}, "the second asks for the signature of a message's link"


@pytest.mark.parametrize(("method", "path"), UNSAFE)
async def test_pages_of_other_sites_change_nothing(site, method: str, path: str) -> None:
    async with await site.signed_in("admin") as browser:
        del browser.headers["origin"], browser.headers["sec-fetch-site"]
        for headers in FOREIGN:
            answer = await browser.request(
                method, path, headers=headers, json={"value": 1, "target": "north/plc1/setpoint"}
            )
            assert answer.status_code == 403, headers
        assert (await browser.get("/api/v1/session")).status_code == 200
    assert site.plant.commands == []


async def test_a_cookie_without_any_sign_of_its_page_changes_nothing(site) -> None:
    async with await site.signed_in("admin") as browser:
        del browser.headers["origin"], browser.headers["sec-fetch-site"]
        answer = await browser.put("/api/v1/values/north/plc1/setpoint", json={"value": 1})
    assert answer.status_code == 403
    assert site.plant.commands == []


async def test_a_program_with_a_token_needs_no_origin(site) -> None:
    token = await site.token("operator", "operator")
    async with site.browser() as client:
        del client.headers["origin"], client.headers["sec-fetch-site"]
        client.headers["authorization"] = f"Bearer {token}"
        answer = await client.put("/api/v1/values/north/plc1/setpoint", json={"value": 1})
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, *FOREIGN], ids=str)
async def test_sockets_of_other_sites_are_not_opened(site, headers: dict[str, str]) -> None:
    made = await site.accounts.sessions.open("viewer", "")
    given = {name.replace("-", "_"): value for name, value in headers.items()}
    socket = site.connect("/api/v1/live", cookie=f"{site.context.cookie}={made.secret}", **given)
    assert (await socket.next())["type"] == "websocket.close"
    await socket.task


async def test_a_socket_without_credentials_is_not_opened(site) -> None:
    socket = site.connect("/api/v1/live", origin="http://localhost")
    assert (await socket.next())["type"] == "websocket.close"
    await socket.task


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.", 421),
        ("user@evil.example", 421),
        ("[::2]", 421),
        ("[", 421),
        ("", 421),
    ],
)
async def test_the_site_answers_under_its_own_names_only(site, host: str, status: int) -> None:
    async with site.browser() as browser:
        assert (await browser.get("/healthz", headers={"host": host})).status_code == status


async def test_a_configured_name_is_answered(site) -> None:
    from dataclasses import replace

    from sereno.web.app import create_app

    site.app = create_app(replace(site.context, hosts=("plant.example",)))
    async with site.browser() as browser:
        assert (await browser.get("/healthz", headers={"host": "plant.example:8443"})).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/values", "/sign-in", "/nothing", "/static/x/js/page.js"])
async def test_every_answer_carries_the_security_headers(site, path: str) -> None:
    async with site.browser() as browser:
        headers = (await browser.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;")
    assert "unsafe" not in policy
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


async def test_a_mistake_of_ours_carries_them_too(site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(site.plant, "tags", broken)
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/api/v1/tags")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers
    assert "secret" not in answer.text
