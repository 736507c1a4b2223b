"""What gateways and inventories do instead of answering, each by a name. None of it is an answer to what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HEAD = "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\n"
SECOND = "[90001, 90002, 90003]"
LATE = 1.5
"""Seconds, more than the time-out of the rig's driver."""


@dataclass(frozen=True)
class Told:
    """What is sent in `parts`, `pause` seconds before each; then what follows: nothing, an end, a reset, a stream."""

    parts: tuple[bytes, ...] = ()
    pause: float = 0.0
    then: str = "close"
    stream: bytes = b""


def response(
    body: str | bytes, *, status: int = 200, reason: str = "OK", length: int | None = None, more: str = ""
) -> bytes:
    """An HTTP answer."""
    data = body.encode() if isinstance(body, str) else body
    size = len(data) if length is None else length
    return f"{HEAD.format(status, reason)}{more}Content-Length: {size}\r\n\r\n".encode() + data


def honest(answer: Any) -> Told:
    """What is true."""
    return Told((response(json.dumps(answer)),))


Lie = Callable[[Any], Told]
"""Of the true answer."""
LIES: dict[str, Lie] = {}


def _whole(name: str, body: Callable[[Any], str | bytes], **more: Any) -> None:
    LIES[name] = lambda true: Told((response(body(true), **more),))


def _vector(true: Any) -> bool:
    return isinstance(true, list)


_whole("status_500", json.dumps, status=500, reason="Broken")
_whole("status_404", json.dumps, status=404, reason="Not Found")
_whole("status_204", lambda _: "", status=204, reason="No Content")
_whole("status_206", json.dumps, status=206, reason="Partial Content")
_whole("redirect", json.dumps, status=302, reason="Found", more="Location: http://127.0.0.1:{second}/\r\n")
_whole("redirect_307", lambda _: SECOND, status=307, reason="Again", more="Location: /elsewhere\r\n")
_whole("not_json", lambda _: "<html>[1, 2, 3]</html>")
_whole("empty", lambda _: "")
_whole("nan", lambda true: "[NaN, 1, 2]" if _vector(true) else '{"value": NaN}')
_whole("infinity", lambda true: "[1, -Infinity, 2]" if _vector(true) else '{"value": Infinity}')
_whole("overflow", lambda true: "[1e999, 1, 2]" if _vector(true) else '{"value": 1e999}')
_whole("digits", lambda true: f"[{'9' * 5000}, 1, 2]" if _vector(true) else f'{{"value": {"9" * 5000}}}')
_whole("inexact", lambda true: f"[{2**53 + 1}, 1, 2]" if _vector(true) else f'{{"value": {2**53 + 1}}}')
_whole("key_twice", lambda _: '{"value": 1, "value": 90000}')
_whole("text", lambda true: '["1", 2, 3]' if _vector(true) else '{"value": "90000"}')
_whole("boolean", lambda true: "[true, 2, 3]" if _vector(true) else '{"value": true}')
_whole("null", lambda true: "[null, 2, 3]" if _vector(true) else '{"value": null}')
_whole("nested", lambda true: "[[1], 2, 3]" if _vector(true) else '{"value": {"value": 90000}}')
_whole("too_long", lambda true: "[1, 2, 3, 4]" if _vector(true) else '{"values": 90000}')
_whole("too_short", lambda true: "[1, 2]" if _vector(true) else "{}")
_whole("another_shape", lambda true: '{"value": 90000}' if _vector(true) else "[1, 2, 3]")
_whole("deep", lambda _: "[" * 30_000)
_whole("deep_object", lambda _: '{"a":' * 9000)
_whole("garbage_after", lambda true: f"{json.dumps(true)} {SECOND}")
_whole("not_utf8", lambda _: b'{"value": 1, "\xff": 2}')
_whole("byte_order_mark", lambda true: b"\xef\xbb\xbf" + json.dumps(true).encode())
_whole("utf16", lambda true: json.dumps(true).encode("utf-16"))
_whole("compressed", lambda _: b"\x1f\x8b\x08\0\0\0\0\0", more="Content-Encoding: gzip\r\n")
LIES["short_length"] = lambda true: Told((response(json.dumps(true), length=len(json.dumps(true)) - 2),))
LIES["long_length"] = lambda true: Told((response(json.dumps(true), length=500),))
LIES["cut"] = lambda true: Told((response(json.dumps(true))[:-3],))
LIES["reset_midway"] = lambda true: Told((response(json.dumps(true))[:-3],), then="reset")
LIES["hang_up"] = lambda _: Told()
LIES["reset"] = lambda _: Told(then="reset")
LIES["silent"] = lambda _: Told(then="wait")
LIES["late"] = lambda true: Told((response(json.dumps(true)),), pause=LATE)
LIES["dribble"] = lambda true: Told(tuple(response(json.dumps(true))[i : i + 1] for i in range(100)), pause=0.05)
LIES["continue_forever"] = lambda _: Told(then="stream", stream=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
LIES["head_forever"] = lambda _: Told((b"HTTP/1.1 200 OK\r\n",), then="stream", stream=b"X-More: 1\r\n" * 4000)
LIES["header_forever"] = lambda _: Told((b"HTTP/1.1 200 OK\r\nX-Long: ",), then="stream", stream=b"x" * 50_000)
LIES["gigabyte"] = lambda _: Told((response("[", length=10**9),), then="stream", stream=b" 1," * 20_000)
LIES["stream"] = lambda _: Told(
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",),
    then="stream",
    stream=b"400\r\n" + b" " * 1024 + b"\r\n",
)
LIES["chunk_extension"] = lambda _: Told(
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",), then="stream", stream=b"x" * 50_000
)
LIES["not_http"] = lambda _: Told((b"SSH-2.0-something\r\n",))
LIES["two_answers"] = lambda true: Told((response("", status=503, reason="Busy"), response(json.dumps(true))))

INVENTORY_LIES = (
    *("status_500", "redirect_307", "not_json", "empty", "cut", "hang_up", "reset", "silent", "late", "deep", "digits"),
    *("gigabyte", "stream", "head_forever", "not_utf8", "garbage_after"),
)
"""Those that an inventory tells too, beside those of its own."""
OWN_OF_INVENTORY = ("half", "twice", "nowhere", "number")


def wrong_inventory(name: str, members: dict[str, str]) -> Told:
    """An inventory that means nobody, or several things: none of them may make a total of a part."""
    names = list(members)
    if name == "half":
        body = json.dumps(members)
        return Told((response(body[: len(body) // 2]),))
    if name == "twice":
        pairs = [f"{json.dumps(n)}: {json.dumps(members[n])}" for n in names]
        return Told((response("{" + ", ".join([*pairs, f'"{names[0]}": {json.dumps(members[names[-1]])}']) + "}"),))
    wrong: Any = "no host at all" if name == "nowhere" else 7
    return Told((response(json.dumps({**members, names[0]: wrong})),))
