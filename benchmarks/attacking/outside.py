"""Attacks by addresses that the node is told to ask: only who is declared is ever asked, and never by detours."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

from attacking.attack import Attack
from attacking.target import Target
from sereno.access.oidc import OidcConfig, Provider, check_issuer
from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways.webhook import WebhookConfig, WebhookWay, check_url
from sereno.model import SerenoError, SystemClock

_MESSAGE = Message(id="1", plant="x", kind="test", t=0, subject="x", text="x")
_ISSUERS = (
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1",
    "http://[fd00::1]",
    "http://0.0.0.0",
    "http://127.0.0.1.nip.io",
    "http://2130706433",
    "http://0x7f000001",
    "http://localhost.evil.example",
    "http://127.0.0.1@evil.example",
    "https://user:pw@evil.example",
    "https://evil.example?x=",
    "https://evil.example#",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "ftp://127.0.0.1",
    "//127.0.0.1",
    "unix:/run/x",
    "",
)


def ssrf(target: Target, attack: Attack, scale: int) -> None:
    """Addresses in the plant file, in what a provider says of itself, and in its redirects."""
    del scale
    for issuer in _ISSUERS:
        attack.check(_taken(issuer), f"the issuer {issuer!r} was taken")
    for url in _ISSUERS:
        attack.check(_hook_taken(url), f"the webhook {url!r} was taken")
    for status in (301, 302, 303, 307, 308):
        before = len(target.canary.asked)
        with _Lying({}, (status, f"{target.canary.url}/redirected")) as lying, contextlib.suppress(SerenoError):
            target.run(WebhookWay(WebhookConfig(url=f"{lying.url}/hook"), Path()).send(_MESSAGE))
        attack.check(len(target.canary.asked) > before, f"a webhook followed a redirect {status}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        for url in (f"{target.canary.url}/x", "http://169.254.169.254/", "file:///etc/passwd", "http://[::1]:1/"):
            said, asked = _ask_all(target, {name: url})
            attack.check(asked or said == url, f"{name} {url} was followed")
    for status in (301, 302, 303, 307, 308):
        _, asked = _ask_all(target, {}, redirect=(status, f"{target.canary.url}/redirected"))
        attack.check(asked, f"a redirect {status} was followed: {asked}")
    for path in (
        f"/api/v1/tags?glob={target.canary.url}",
        f"/mimic?src={target.canary.url}",
        f"/sign-in?next={target.canary.url}",
    ):
        with target.signed_in("admin") as admin:
            before = len(target.canary.asked)
            admin.get(path)
            attack.check(len(target.canary.asked) != before, f"GET {path} asked somebody")


def _taken(issuer: str) -> bool:
    try:
        check_issuer(issuer)
    except ValueError:
        return False
    return True


def _hook_taken(url: str) -> bool:
    """True if a webhook may go there; names are looked up only when it goes, by `permitted_address`."""
    try:
        check_url(url, ("127.0.0.1.nip.io",))
    except ValueError:
        return False
    return True


def _ask_all(
    target: Target, document: dict[str, str], redirect: tuple[int, str] | None = None
) -> tuple[str, list[str]]:
    """A whole sign-in at a provider that says this: where it sends people, and who asked the canary meanwhile."""
    before = len(target.canary.asked)
    with _Lying(document, redirect) as lying:
        provider = Provider(OidcConfig(issuer=lying.url, client_id="x", roles={"a": "admin"}), SystemClock())
        said = ""

        async def sign_in() -> None:
            nonlocal said
            departure = await provider.depart(f"{target.origin}/sign-in/oidc/callback", "/")
            said = departure.url.partition("?")[0]
            state = departure.url.partition("state=")[2].partition("&")[0]
            await provider.arrive(state, "code", departure.secret)

        with contextlib.suppress(SerenoError):
            target.run(sign_in())
    return said, target.canary.asked[before:]


class _Lying:
    """A provider on this machine that says of itself what it is given."""

    def __init__(self, document: dict[str, str], redirect: tuple[int, str] | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        parts = {name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        self._body = json.dumps({"issuer": self.url, **parts, **document, "id_token": "x.y.z", "keys": []}).encode()
        self._redirect = redirect
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> _Lying:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                if self._redirect is not None:
                    status, to = self._redirect
                    connection.sendall(f"HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n".encode())
                    continue
                head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(self._body)}\r\n\r\n"
                connection.sendall(head.encode() + self._body)
