from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno import web
from sereno.web.app import create_app
from sereno.web.context import SiteInfo
from sereno.web.signin import local_path

PASSWORD = "correct horse battery"


def _form(user: str = "operator", password: str = PASSWORD, **more: str) -> dict[str, str]:
    return {"user": user, "password": password, **more}


async def test_sign_in_gives_a_cookie_that_scripts_cannot_read(site) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/sign-in", data=_form(next="/trend?tag=a"))
        assert answer.status_code == 303
        assert answer.headers["location"] == "/trend?tag=a"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("sereno_01234567=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await browser.get("/api/v1/session")).json()["name"] == "operator"


async def test_under_tls_the_cookie_is_bound_to_host_and_tls(site) -> None:
    site.app = create_app(replace(site.context, secure=True))
    async with site.browser() as browser:
        answer = await browser.post("/sign-in", data=_form(), headers={"origin": "https://localhost"})
    assert answer.headers["set-cookie"].startswith("__Host-sereno_01234567=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("form", [_form(password="wrong"), _form(user="nobody"), {}, {"user": "operator"}])
async def test_a_wrong_sign_in_shows_the_form_again(site, form: dict[str, str]) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/sign-in", data=form)
    assert answer.status_code == 401
    assert "sign_in.wrong|/" in answer.text
    assert "set-cookie" not in answer.headers


async def test_wrong_name_and_wrong_password_read_the_same(site) -> None:
    async with site.browser() as browser:
        texts = {(await browser.post("/sign-in", data=_form(user, "wrong"))).text for user in ("operator", "nobody")}
    assert len(texts) == 1


async def test_too_many_attempts_say_how_long_to_wait(site) -> None:
    async with site.browser() as browser:
        for _ in range(5):
            await browser.post("/sign-in", data=_form(password="wrong"))
        answer = await browser.post("/sign-in", data=_form())
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "sign_in.too_many" in answer.text


async def test_signing_in_ends_the_session_that_was_there(site) -> None:
    async with await site.signed_in("viewer") as browser:
        planted = browser.cookies[site.context.cookie]
        await browser.post("/sign-in", data=_form())
    assert await site.accounts.sessions.actor(planted) is None


async def test_sign_out_ends_the_session_on_the_server(site) -> None:
    async with await site.signed_in("viewer") as browser:
        kept = browser.cookies[site.context.cookie]
        answer = await browser.post("/sign-out")
        assert answer.headers["location"] == "/sign-in"
        assert f'{site.context.cookie}=""; expires=' in answer.headers["set-cookie"]
        replayed = await browser.get("/api/v1/session", headers={"cookie": f"{site.context.cookie}={kept}"})
    assert replayed.status_code == 401


async def test_a_link_signs_in_once(site) -> None:
    ticket = await site.accounts.sessions.ticket("operator")
    async with site.browser() as browser:
        answer = await browser.get(f"/sign-in/once?ticket={ticket}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await browser.get("/")).text == "<p>mimic|en|Waterworks|operator|</p>"
    async with site.browser() as other:
        answer = await other.get(f"/sign-in/once?ticket={ticket}")
        assert answer.status_code == 401
        assert "sign_in.link_used" in answer.text
        assert (await other.get("/sign-in/once")).status_code == 401


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("/trend?tag=a%2Fb", "/trend?tag=a%2Fb"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
async def test_the_way_on_stays_on_this_site(site, goal: str, expected: str) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/sign-in", data=_form(next=goal))
        assert answer.headers["location"] == expected
        shown = await browser.get("/sign-in", params={"next": goal})
    assert shown.text.endswith(f"|{expected}</p>".replace("&", "&amp;"))


@given(st.text(max_size=20))
def test_no_way_on_leaves_the_site(goal: str) -> None:
    safe = local_path(goal)
    assert safe.startswith("/")
    assert not safe.startswith(("//", "/\\"))
    assert not set(safe) & set("\r\n\t\\")


async def test_a_large_form_is_refused_before_anybody_is_asked(site) -> None:
    async with site.browser() as browser:
        answer = await browser.post("/sign-in", data=_form(password="x" * 5000))
    assert answer.status_code == 413


async def test_a_form_of_very_many_fields_is_no_fault_of_ours(site) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await site.browser().post("/sign-in", content=b"a=1&" * 500, headers=kind)
    assert answer.status_code == 400


PAGES = Path(web.__file__).parent


async def test_the_banner_stands_above_the_sign_in(site) -> None:
    info = SiteInfo("Mill", "UTC", "0.1", banner="For <staff> only.\nAll is recorded.", provider="Directory")
    site.app = create_app(replace(site.context, site=info, folder=PAGES))
    page = (await site.browser().get("/sign-in")).text
    assert page.index("For &lt;staff&gt; only.\nAll is recorded.") < page.index('name="password"')
    assert 'href="/sign-in/oidc?next=' in page
    assert 'id="banner"' not in await _plain(site)


async def _plain(site) -> str:
    site.app = create_app(replace(site.context, folder=PAGES))
    return (await site.browser().get("/sign-in")).text
