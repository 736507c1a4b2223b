"""HTTP/1.1 requests to a gateway, and its answers: bytes, without I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

MOST_HEAD = 8192
"""Bytes of a request line with its headers."""
MOST_BODY = 65_536
_WHOLE = re.compile(r"-?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?\Z")
_KEPT = (b"authorization", b"content-type", b"host", b"origin", b"sec-fetch-site", b"user-agent")
_AHEAD = (b"purpose", b"sec-purpose", b"x-moz", b"x-purpose")
_OF_BROWSERS = (b"referer", b"accept-language", b"cookie", b"upgrade-insecure-requests")
_WANTED = frozenset((*_KEPT, *_AHEAD, *_OF_BROWSERS))


class HttpRefusal(Exception):  # noqa: N818 - an answer, and no error of ours
    """A request that is answered with another status than 200, and why."""

    def __init__(self, status: int, words: str, allow: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `steps` is its path cut at the slashes, without those at its ends; `headers` are lower case."""

    method: str
    steps: tuple[str, ...]
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True

    @property
    def from_page(self) -> bool:
        """True if a browser sent it for a page, whosever it is."""
        return b"origin" in self.headers or self.headers.get(b"sec-fetch-site", b"none") != b"none"

    @property
    def of_browser(self) -> bool:
        """True if it may be one that a browser sent for a page, or ahead of anybody's wish.

        With a picture or a link over plain HTTP to another machine there is nothing that says for which page it is;
        so whatever looks like a browser is one, unless it says that somebody typed the address.
        """
        said = self.headers.keys()
        if self.from_page or said & set(_AHEAD):
            return True
        looks = self.headers.get(b"user-agent", b"").startswith(b"Mozilla/") or bool(said & set(_OF_BROWSERS))
        return looks and b"sec-fetch-site" not in said


class Requests:
    """Cuts what a client sends into requests, each handed to `sink`."""

    def __init__(self, sink: Callable[[Request], None]) -> None:
        self._sink = sink
        self._parser: Any = httptools.HttpRequestParser(self)
        self._unfinished = 0
        self._fault: HttpRefusal | None = None
        self._begin()

    @property
    def between(self) -> bool:
        """True if no request is half here."""
        return self._unfinished == 0

    def feed(self, data: bytes) -> None:
        """Raises HttpRefusal for what is no request; nothing more can be read then."""
        self._unfinished += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise HttpRefusal(400, "no other protocol is spoken here") from None
        except httptools.HttpParserError:
            raise self._fault or HttpRefusal(400, "this is no HTTP/1.1") from None
        if self._unfinished > MOST_HEAD + MOST_BODY:
            raise HttpRefusal(413, f"a request of more than {MOST_BODY} bytes")

    def on_url(self, url: bytes) -> None:
        """A piece of the path."""
        self._url += url
        self._weigh(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        self._weigh(len(name) + len(value))
        if name.lower() in _WANTED:
            self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > MOST_BODY:
            self._fault = HttpRefusal(413, f"a body of more than {MOST_BODY} bytes")
            raise self._fault

    def on_message_complete(self) -> None:
        """All of a request."""
        path = self._url.decode("latin-1").partition("?")[0]
        steps = tuple(unquote(step) for step in path.strip("/").split("/")) if path.strip("/") else ()
        method = self._parser.get_method().decode("ascii", "replace")
        keep = self._parser.should_keep_alive()
        self._sink(Request(method, steps, self._headers, bytes(self._body), keep))
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._head = 0
        self._unfinished = 0
        self._fault = None

    def _weigh(self, size: int) -> None:
        self._head += size
        if self._head > MOST_HEAD:
            self._fault = HttpRefusal(431, f"a head of more than {MOST_HEAD} bytes")
            raise self._fault


def response(status: int, found: Any, *, keep_alive: bool, allow: str = "", head: bool = False) -> bytes:
    """An answer in JSON, written as Python writes it, which is what clients of such gateways were made for.

    `head`: without its body, as whoever asked by HEAD expects it.
    """
    body = json.dumps(found, allow_nan=False).encode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *([f"Allow: {allow}"] if allow else []),
        *(['WWW-Authenticate: Bearer realm="gateway"'] if status == HTTPStatus.UNAUTHORIZED else []),
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if head else body)


def parse_body(body: bytes) -> dict[str, Any]:
    """The object of a body, {} of none. Raises HttpRefusal: no JSON, a key twice, a number that is none."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_float)
    except (ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, _WrongError) else "the body is no JSON"
        raise HttpRefusal(400, words) from None
    if not isinstance(found, dict):
        raise HttpRefusal(400, 'the body is no object, expected such as {"value": 5}')
    return found


def parse_number(text: str) -> int | float:
    """A number that is part of a path. Raises HttpRefusal."""
    if _WHOLE.match(text):
        return int(text)
    if _NUMBER.match(text) and math.isfinite(float(text)):
        return float(text)
    raise HttpRefusal(400, f"{text[:40]!r} is no number")


class _WrongError(ValueError):
    """JSON that may mean two things, or nothing."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _WrongError("a key of the body is there twice")
    return found


def _no_number(text: str) -> Any:
    raise _WrongError(f"{text} is no number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _WrongError(f"{text[:40]} is too large")
    return number
