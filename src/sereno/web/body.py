"""Bodies are bounded in size and, but for Arrow, in depth before any parser of ours or others sees them."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sereno.model import Clock

from .origin import SAFE
from .problem import problem

MAX_BODY = 1 << 20
MAX_OPEN_BODY = 1 << 12
MAX_ARROW = 4 << 20
ARROW = "application/vnd.apache.arrow.stream"
MAX_DEPTH = 32
LONGEST = 30.0

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS = re.compile(rb"[^\[\]{}]+")


class BodyLimits:
    """Reads the body of requests that have one, refuses what is too large (413), deep (400) or slow (408).

    Whose client has gone before all of it came is not carried out.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        is_arrow = Headers(scope=scope).get("content-type", "") == ARROW
        limit = MAX_OPEN_BODY
        if scope["state"].get("actor") is not None:
            limit = MAX_ARROW if is_arrow else MAX_BODY
        try:
            async with self._clock.timeout(LONGEST):
                body = await _read(scope, receive, limit)
        except TimeoutError:
            await problem(408, f"the body did not come within {LONGEST:g} s")(scope, receive, send)
            return
        except ClientDisconnect:
            return
        if body is None:
            await problem(413, f"the body is larger than {limit} bytes")(scope, receive, send)
        elif not is_arrow and too_deep(body):
            await problem(400, f"JSON nested more than {MAX_DEPTH} deep")(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    handed_over = False

    async def replay() -> Message:
        nonlocal handed_over
        if handed_over:
            return await receive()
        handed_over = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def too_deep(body: bytes, limit: int = MAX_DEPTH) -> bool:
    """True if brackets outside of strings nest deeper than `limit`."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    depth = 0
    for byte in _NOT_BRACKETS.sub(b"", _STRINGS.sub(b"", body)):
        depth += 1 if byte in b"[{" else -1
        if depth > limit:
            return True
    return False
