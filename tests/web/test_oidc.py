"""Sign-in by OpenID Connect, against a provider written here from the specification, honest or lying."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sereno.access.oidc import OidcConfig, Provider
from sereno.web.app import create_app

ISSUER = "https://id.example.org/plant"
HOST = "id.example.org"
PASSWORD = "correct horse battery"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def _keys() -> tuple[Any, Any]:
    """Two keys: making them takes longer than a test."""
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048), RSAKey.generate_key(2048)


@dataclass
class FakeProvider:
    """Answers as the specification says, until a test changes what it says. `asked` are the addresses asked for."""

    clock: Any
    asked: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    kid: str = "key-1"
    away: bool = False
    sign: Callable[[FakeProvider, dict[str, Any]], str] | None = None
    code: str = "code-1"
    challenge: str = ""
    nonce: str = ""

    def __post_init__(self) -> None:
        self.key, self.other = _keys()

    def authorise(self, url: str) -> dict[str, str]:
        """The person says yes: what the provider sends the browser back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", "sereno")
        assert asked["code_challenge_method"] == "S256"
        self.challenge, self.nonce = asked["code_challenge"], asked["nonce"]
        return {"state": asked["state"], "code": self.code}

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.away:
            raise httpx.ConnectError("nobody there")
        if request.url.path == "/plant/.well-known/openid-configuration":
            parts = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            document = {name: f"{ISSUER}/{path}" for name, path in parts.items()}
            return httpx.Response(200, json={"issuer": ISSUER, **document, **self.document})
        if request.url.path == "/plant/keys":
            public = {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig"}
            return httpx.Response(200, json={"keys": [public]})
        assert (request.method, request.url.path) == ("POST", "/plant/token")
        return self._token({name: values[0] for name, values in parse_qs(request.content.decode()).items()})

    def _token(self, form: dict[str, str]) -> httpx.Response:
        proof = _b64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (form["code"], proof, form["grant_type"]) != (self.code, self.challenge, "authorization_code"):
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = self.clock.wall_ns() / 1e9
        claims = {"iss": ISSUER, "aud": "sereno", "sub": "u-17", "nonce": self.nonce, "iat": now, "exp": now + 300}
        claims |= {"preferred_username": "Paula", "groups": ["operators"], **self.claims}
        token = (self.sign or honest)(self, claims)
        return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": token})


def honest(provider: FakeProvider, claims: dict[str, Any]) -> str:
    return _by(provider.key, provider.kid, claims)


def _by(key: Any, kid: str, claims: dict[str, Any]) -> str:
    from joserfc import jwt

    return jwt.encode({"alg": "RS256", "kid": kid}, claims, key)


def _unsigned(_: FakeProvider, claims: dict[str, Any]) -> str:
    return f"{_b64(json.dumps({'alg': 'none'}).encode())}.{_b64(json.dumps(claims).encode())}."


def _confused(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """HMAC with the public key as its secret: right for whoever lets the token choose the algorithm."""
    head = _b64(json.dumps({"alg": "HS256", "kid": provider.kid}).encode())
    body = f"{head}.{_b64(json.dumps(claims).encode())}"
    return f"{body}.{_b64(hmac.new(provider.key.as_pem(private=False), body.encode(), hashlib.sha256).digest())}"


def _own_key(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """Signed by the attacker, who sends the key along."""
    from joserfc import jwt

    head = {"alg": "RS256", "kid": provider.kid, "jwk": provider.other.as_dict(private=False)}
    return jwt.encode(head, claims, provider.other)


def _changed(provider: FakeProvider, claims: dict[str, Any]) -> str:
    head, _, signature = honest(provider, claims).split(".")
    return f"{head}.{_b64(json.dumps({**claims, 'groups': ['administrators']}).encode())}.{signature}"


LIES: dict[str, Callable[[FakeProvider, dict[str, Any]], str]] = {
    "alg none": _unsigned,
    "key confusion": _confused,
    "key sent along": _own_key,
    "changed": _changed,
    "another key of the same name": lambda p, c: _by(p.other, p.kid, c),
    "unknown key": lambda p, c: _by(p.other, "key-9", c),
    "no token": lambda p, c: "not.a.token",
    "very long": lambda p, c: honest(p, {**c, "x": "x" * 100_000}),
}


@dataclass
class Oidc:
    site: Any
    provider: FakeProvider

    async def go(self, browser: httpx.AsyncClient, goal: str = "/tags") -> dict[str, str]:
        """To the provider, who says yes."""
        answer = await browser.get("/sign-in/oidc", params={"next": goal})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"https://{HOST}/")
        return self.provider.authorise(answer.headers["location"])

    async def sign_in(self, browser: httpx.AsyncClient) -> httpx.Response:
        return await browser.get("/sign-in/oidc/callback", params=await self.go(browser))


@pytest.fixture
def oidc(site: Any, require_package: Any) -> Oidc:
    require_package("joserfc", "joserfc")
    provider = FakeProvider(site.clock)
    roles = {"operators": "operator", "administrators": "admin"}
    config = OidcConfig(issuer=ISSUER, client_id="sereno", client_secret="s3cret", roles=roles)
    made = Provider(config, site.clock, httpx.MockTransport(provider.handle))
    site.context = replace(site.context, oidc=made)
    site.app = create_app(site.context)
    return Oidc(site, provider)


async def _name(browser: httpx.AsyncClient) -> str:
    answer = await browser.get("/api/v1/session")
    return str(answer.json()["name"]) if answer.status_code == 200 else ""


async def _actions(oidc: Oidc) -> list[str]:
    return [f"{r.actor} {r.action}" for r in reversed(await oidc.site.accounts.audit.entries(limit=5))]


async def test_a_person_of_the_provider_comes_in_with_the_mapped_role(oidc: Oidc) -> None:
    browser = oidc.site.browser()
    answer = await oidc.sign_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tags")
    session = (await browser.get("/api/v1/session")).json()
    assert (session["name"], session["roles"]) == ("paula", ["operator"])
    assert (await _actions(oidc))[-2:] == ["oidc user.add", "paula sign_in.oidc"]
    again = oidc.site.browser()
    await oidc.sign_in(again)
    assert await _name(again) == "paula"
    assert [row.name for row in await oidc.site.accounts.users()].count("paula") == 1


async def test_roles_are_those_of_each_sign_in(oidc: Oidc) -> None:
    await oidc.sign_in(oidc.site.browser())
    oidc.provider.claims = {"groups": ["administrators"]}
    await oidc.sign_in(oidc.site.browser())
    assert [r.roles for r in await oidc.site.accounts.users() if r.name == "paula"] == [("admin",)]


@pytest.mark.parametrize(
    "claims", [{"groups": ["visitors"]}, {"groups": []}, {"groups": None}, {"preferred_username": "admin"}]
)
async def test_without_a_role_or_under_somebody_elses_name_nobody_comes_in(oidc: Oidc, claims: dict[str, Any]) -> None:
    oidc.provider.claims = claims
    browser = oidc.site.browser()
    assert (await oidc.sign_in(browser)).status_code == 401
    assert await _name(browser) == ""
    assert (await _actions(oidc))[-1] == "somebody sign_in.oidc"
    assert len(await oidc.site.accounts.users()) == 4


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_proves_nothing_is_refused(oidc: Oidc, lie: str) -> None:
    oidc.provider.sign = LIES[lie]
    browser = oidc.site.browser()
    assert (await oidc.sign_in(browser)).status_code == 401
    assert await _name(browser) == ""


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "another"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}, {"iat": 4e9}, {"sub": ""}],
)
async def test_claims_that_are_wrong_are_refused(oidc: Oidc, claims: dict[str, Any]) -> None:
    oidc.provider.claims = claims
    assert (await oidc.sign_in(oidc.site.browser())).status_code == 401


async def test_a_state_works_once_and_only_in_its_own_browser(oidc: Oidc) -> None:
    victim, attacker = oidc.site.browser(), oidc.site.browser()
    back = await oidc.go(attacker)
    assert (await victim.get("/sign-in/oidc/callback", params=back)).status_code == 401
    assert await _name(victim) == ""
    back = await oidc.go(attacker)
    cookies = dict(attacker.cookies)
    assert (await attacker.get("/sign-in/oidc/callback", params=back)).status_code == 303
    attacker.cookies.update(cookies)
    assert (await attacker.get("/sign-in/oidc/callback", params=back)).status_code == 401


async def test_a_sign_in_that_took_too_long_begins_again(oidc: Oidc) -> None:
    browser = oidc.site.browser()
    back = await oidc.go(browser)
    await oidc.site.clock.advance(601.0)
    assert (await browser.get("/sign-in/oidc/callback", params=back)).status_code == 401


async def test_the_code_needs_its_verifier(oidc: Oidc) -> None:
    browser = oidc.site.browser()
    back = await oidc.go(browser)
    oidc.provider.challenge = "of another sign-in"
    assert (await browser.get("/sign-in/oidc/callback", params=back)).status_code == 401


async def test_keys_that_were_changed_are_asked_for_again_but_not_for_every_token(oidc: Oidc) -> None:
    await oidc.sign_in(oidc.site.browser())
    oidc.provider.key, oidc.provider.kid = oidc.provider.other, "key-2"
    assert (await oidc.sign_in(oidc.site.browser())).status_code == 401
    await oidc.site.clock.advance(61.0)
    assert (await oidc.sign_in(oidc.site.browser())).status_code == 303
    assert sum(url.endswith("/keys") for url in oidc.provider.asked) == 2


async def test_while_the_provider_is_away_people_of_this_installation_come_in(oidc: Oidc) -> None:
    oidc.provider.away = True
    browser = oidc.site.browser()
    answer = await browser.get("/sign-in/oidc")
    assert (answer.status_code, "sign_in.provider_away" in answer.text) == (503, True)
    answer = await browser.post("/sign-in", data={"user": "operator", "password": PASSWORD})
    assert (answer.status_code, await _name(browser)) == (303, "operator")


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"authorization_endpoint": "http://id.example.org/plant/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example.org@evil.example/"},
        {"authorization_endpoint": None},
    ],
)
async def test_a_document_that_leads_elsewhere_is_not_followed(oidc: Oidc, document: dict[str, Any]) -> None:
    oidc.provider.document = document
    assert (await oidc.site.browser().get("/sign-in/oidc")).status_code == 503


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "https://10.0.0.1/", "http://127.0.0.1:1/", "file:///"]
)
async def test_nobody_but_the_provider_is_asked(oidc: Oidc, name: str, url: str) -> None:
    oidc.provider.document = {name: url}
    assert (await oidc.sign_in(oidc.site.browser())).status_code == 401
    assert {urlsplit(asked).hostname for asked in oidc.provider.asked} == {HOST}


async def test_a_disabled_person_is_kept_out(oidc: Oidc) -> None:
    await oidc.sign_in(oidc.site.browser())
    await oidc.site.accounts.set_disabled("paula", True, by="admin")
    assert (await oidc.sign_in(oidc.site.browser())).status_code == 401


async def test_who_comes_by_the_provider_has_no_password_here(oidc: Oidc) -> None:
    await oidc.sign_in(oidc.site.browser())
    answer = await oidc.site.browser().post("/sign-in", data={"user": "paula", "password": ""})
    assert answer.status_code == 401


async def test_an_installation_without_a_provider_has_no_such_way_in(site: Any) -> None:
    answers = [await site.browser().get(path) for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=x&state=y")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_only_pages_of_this_site_are_gone_to_afterwards(oidc: Oidc) -> None:
    browser = oidc.site.browser()
    back = await oidc.go(browser, "//evil.example/")
    assert (await browser.get("/sign-in/oidc/callback", params=back)).headers["location"] == "/"


async def test_over_real_tls_the_way_back_is_https_and_the_cookies_never_leave_it(oidc: Oidc, over_tls: Any) -> None:
    async with over_tls(oidc.site) as browser:
        leave = await browser.get("/sign-in/oidc", params={"next": "/tags"})
        asked = parse_qs(urlsplit(leave.headers["location"]).query)
        assert asked["redirect_uri"] == [f"{str(browser.base_url).rstrip('/')}/sign-in/oidc/callback"]
        back = oidc.provider.authorise(leave.headers["location"])
        arrived = await browser.get(asked["redirect_uri"][0], params=back)
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/tags")
        cookies = [one for answer in (leave, arrived) for one in answer.headers.get_list("set-cookie")]
        assert len(cookies) >= 2
        assert all(one.startswith("__Host-") and "secure" in one.lower() for one in cookies)
        assert await _name(browser) == "paula"
