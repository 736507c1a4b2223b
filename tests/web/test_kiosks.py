"""Kiosks over HTTP: the link, what it shows, what it cannot become."""

from __future__ import annotations

from typing import Any

import httpx

from sereno.access.actor import Permission, Right, Role

PASSWORD = "correct horse battery"


async def _made(site: Any, **body: Any) -> str:
    admin = await site.signed_in("admin")
    answer = await admin.post("/api/v1/kiosks", json={"name": "wall", **body})
    assert answer.status_code == 201
    return str(answer.json()["link"])


async def _opened(site: Any, **body: Any) -> httpx.AsyncClient:
    browser: httpx.AsyncClient = site.browser()
    answer = await browser.get(await _made(site, **body))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


async def test_the_link_works_again_and_again(site: Any) -> None:
    link = await _made(site)
    for _ in range(2):
        display = site.browser()
        cookie = (await display.get(link)).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "max-age=34560000" in cookie
        session = (await display.get("/api/v1/session")).json()
        assert (session["name"], session["kind"], session["rights"]) == ("kiosk/wall", "kiosk", ["read", "history"])


async def test_it_shows_only_the_tags_that_it_names(site: Any) -> None:
    display = await _opened(site, reads=["north/*"])
    shown = (await display.get("/api/v1/values")).json()["values"]
    assert {value["tag"].partition("/")[0] for value in shown} == {"north"}


async def test_an_administrator_who_opens_it_has_no_more_rights_than_anybody(site: Any) -> None:
    admin = await site.signed_in("admin")
    before = admin.cookies[site.context.cookie]
    await admin.get(await _made(site))
    put = await admin.put("/api/v1/values/north/plc1/setpoint", json={"value": 1.0})
    asked = [put, *[await admin.get(path) for path in ("/users", "/api/v1/users", "/audit", "/api/v1/audit")]]
    assert [answer.status_code for answer in asked] == [403] * 5
    assert site.plant.commands == []
    assert await site.accounts.sessions.actor(before) is None


async def test_it_cannot_be_made_somebodys_session(site: Any) -> None:
    display = await _opened(site)
    form = await display.post("/sign-in", data={"user": "admin", "password": PASSWORD})
    once = await display.get(f"/sign-in/once?ticket={await site.accounts.sessions.ticket('admin')}")
    out = await display.post("/sign-out")
    own = [
        await display.post("/api/v1/profile/tokens", json={"name": "x", "role": "viewer"}),
        await display.post("/api/v1/profile/password", json={"old": "", "new": PASSWORD}),
    ]
    assert [form.status_code, once.status_code, out.status_code] == [409, 409, 403]
    assert [answer.status_code for answer in own] == [403, 403]
    assert (await display.get("/api/v1/session")).json()["kind"] == "kiosk"


async def test_revoked_it_is_nobody_and_people_may_sign_in_again(site: Any) -> None:
    display = await _opened(site)
    admin = await site.signed_in("admin")
    assert [k["name"] for k in (await admin.get("/api/v1/kiosks")).json()["kiosks"]] == ["wall"]
    assert (await admin.delete("/api/v1/kiosks/wall")).status_code == 204
    assert (await display.get("/api/v1/session")).status_code == 401
    assert (await display.post("/sign-in", data={"user": "viewer", "password": PASSWORD})).status_code == 303


async def test_an_unknown_link_leads_to_the_form(site: Any) -> None:
    answer = await site.browser().get("/sign-in/kiosk?key=kiosk_" + "x" * 43)
    assert answer.status_code == 401
    assert "sign_in.kiosk_unknown" in answer.text


async def test_nobody_makes_a_kiosk_that_shows_more_than_they_see(site: Any) -> None:
    rights = (Permission(Right.USERS), Permission(Right.READ, "north/*"), Permission(Right.HISTORY, "north/*"))
    await site.accounts.put_role(Role("clerk", rights), by="t")
    await site.accounts.add_user("clerk", PASSWORD, ["clerk"], by="t")
    clerk = await site.signed_in("clerk")
    answers = [
        await clerk.post("/api/v1/kiosks", json={"name": "wall", "reads": reads}) for reads in (["*"], ["north/*"])
    ]
    assert [answer.status_code for answer in answers] == [403, 201]


async def test_opening_is_on_record_once(site: Any) -> None:
    link = await _made(site)
    display = site.browser()
    for _ in range(3):
        await display.get(link)
    found = [r.actor for r in await site.accounts.audit.entries() if r.action == "sign_in.kiosk"]
    assert found == ["kiosk/wall"]


async def test_over_real_tls_its_cookie_never_leaves_it(site: Any, over_tls: Any) -> None:
    async with over_tls(site) as wall:
        link = (await _made(site)).partition("/sign-in/kiosk")
        answer = await wall.get(f"{link[1]}{link[2]}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = {part.strip() for part in answer.headers["set-cookie"].split(";")}
        assert {"Secure", "HttpOnly", "Path=/"} < cookie
        assert not [part for part in cookie if part.lower().startswith("domain")]
        assert next(iter(wall.cookies)).startswith("__Host-")
        assert (await wall.get("/api/v1/session")).json()["kind"] == "kiosk"
        refused = await wall.put("/api/v1/values/north/plc1/setpoint", json={"value": 1})
        assert refused.status_code == 403
