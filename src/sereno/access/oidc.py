"""Sign-in by an OpenID Connect provider: authorization code with PKCE, discovery, claims to roles."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from sereno.model import Clock, DeliveryError, DeniedError

from .id_token import UnknownKeyError, check_claims, claim_values, signed_claims
from .opaque import digest, new_secret

if TYPE_CHECKING:
    import httpx

MAX_PENDING = 1000
PATIENCE = 600.0
KEEP = 3600.0
ASK_AGAIN = 60.0
TIMEOUT = 10.0
MAX_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """A provider: who it is, who we are there, and which values of `claim` give which roles.

    `name` is the claim that people are called by here. Only the issuer's own host and `hosts` are ever asked.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    claim: str = "groups"
    name: str = "preferred_username"
    roles: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    label: str = ""


class Departure(NamedTuple):
    """Where to send the browser, and the secret that it must come back with."""

    url: str
    secret: str


class Arrival(NamedTuple):
    """Who came back from the provider: issuer and subject, the name there, the roles here, and where they wanted to."""

    subject: str
    name: str
    roles: tuple[str, ...]
    goal: str


@dataclass(frozen=True, slots=True)
class _Pending:
    browser: str
    nonce: str
    verifier: str
    redirect: str
    goal: str
    until: float


class Provider:
    """One provider. Nothing is asked of it before somebody wants to sign in by it; it may be away.

    Its answers are bounded in size and time, redirects are not followed.
    """

    def __init__(self, config: OidcConfig, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.config = config
        self._clock = clock
        self._transport = transport
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def depart(self, redirect: str, goal: str) -> Departure:
        """Begin a sign-in that comes back to `redirect`. Raises DeliveryError while the provider is away."""
        document = await self._discover()
        state, nonce, verifier, secret = (new_secret() for _ in range(4))
        until = self._clock.monotonic() + PATIENCE
        self._pending[state] = _Pending(digest(secret), nonce, verifier, redirect, goal, until)
        if len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": redirect,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = self._endpoint(document, "authorization_endpoint")
        return Departure(f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}", secret)

    async def arrive(self, state: str, code: str, secret: str) -> Arrival:
        """Who came back with `state` and `code`, in the browser with `secret`. Works once.

        Raises DeniedError if it does not prove who they are, DeliveryError while the provider is away.
        """
        pending = self._pending.pop(state, None)
        if pending is None or pending.until < self._clock.monotonic() or pending.browser != digest(secret):
            raise DeniedError("this sign-in was not begun here, or too long ago; begin again")
        document = await self._discover()
        token = await self._exchange(document, pending, code)
        claims = await self._claims(document, token)
        now = self._clock.wall_ns() / 1e9
        config = self.config
        subject = check_claims(claims, issuer=config.issuer, client=config.client_id, nonce=pending.nonce, now=now)
        given = claim_values(claims, config.claim)
        roles = tuple(sorted({role for value, role in config.roles.items() if value in given}))
        name = next(iter(claim_values(claims, config.name)), "")
        return Arrival(f"{config.issuer}|{subject}", name, roles, pending.goal)

    async def _exchange(self, document: dict[str, Any], pending: _Pending, code: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect,
            "client_id": self.config.client_id,
            "code_verifier": pending.verifier,
        }
        if self.config.client_secret:
            form["client_secret"] = self.config.client_secret
        answer = await self._ask(self._endpoint(document, "token_endpoint"), form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise DeniedError("the provider gave no ID token")
        return token

    async def _claims(self, document: dict[str, Any], token: str) -> dict[str, Any]:
        try:
            return signed_claims(token, await self._published(document, KEEP))
        except UnknownKeyError:
            return signed_claims(token, await self._published(document, ASK_AGAIN))

    async def _published(self, document: dict[str, Any], age: float) -> dict[str, Any]:
        now = self._clock.monotonic()
        if self._keys is None or now - self._keys[0] > age:
            self._keys = now, await self._ask(self._endpoint(document, "jwks_uri"))
        return self._keys[1]

    async def _discover(self) -> dict[str, Any]:
        now = self._clock.monotonic()
        if self._document is not None and now - self._document[0] <= KEEP:
            return self._document[1]
        document = await self._ask(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != self.config.issuer:
            raise DeniedError(f"the provider calls itself {document.get('issuer')!r}, expected {self.config.issuer!r}")
        self._document = now, document
        return document

    def _endpoint(self, document: dict[str, Any], name: str) -> str:
        """An address of the provider's document, if it is one of its own hosts and as safe as the issuer's."""
        url = document.get(name)
        issuer, found = urlsplit(self.config.issuer), urlsplit(url if isinstance(url, str) else "")
        own = found.netloc == issuer.netloc or (found.hostname in self.config.hosts and found.scheme == "https")
        if not own or found.scheme != issuer.scheme:
            raise DeniedError(
                f"{name} of the provider is {url!r}, which is neither of {issuer.netloc} nor in hosts; "
                "if it is right, name its host in [oidc] hosts"
            )
        return str(url)

    async def _ask(self, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        import httpx

        limits: dict[str, Any] = {"timeout": TIMEOUT, "follow_redirects": False, "trust_env": False}
        try:
            async with httpx.AsyncClient(transport=self._transport, **limits) as client:
                request = client.build_request("POST" if form else "GET", url, data=form)
                answer = await client.send(request, stream=True)
                body = await _bounded(answer)
            found = httpx.Response(answer.status_code, content=body).json()
        except (httpx.HTTPError, ValueError) as error:
            raise DeliveryError(
                f"the provider does not answer as it should at {url}: {error or type(error)}"
            ) from error
        if answer.status_code >= 500:
            raise DeliveryError(f"the provider answered {answer.status_code} at {url}")
        if answer.status_code != 200 or not isinstance(found, dict):
            raise DeniedError(f"the provider answered {answer.status_code} at {url}")
        return found


async def _bounded(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER:
            raise ValueError(f"an answer of more than {MAX_ANSWER} bytes")
        parts.append(part)
    await answer.aclose()
    return b"".join(parts)


def check_issuer(url: str) -> str:
    """Return `url` if a provider may be there: https, or this machine. Raises ValueError."""
    parts = urlsplit(url)
    plain = not set("?#@\\").intersection(url)
    if parts.hostname and plain and (parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname))):
        return url
    raise ValueError(f"issuer {url!r}: expected https://HOST/..., or http on this machine, without query and password")


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
