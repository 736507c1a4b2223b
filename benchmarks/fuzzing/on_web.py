"""Web: messages of the live socket, bodies, headers that say where a request comes from."""

from __future__ import annotations

import json

import msgspec
from starlette.datastructures import Headers

from sereno.web import live
from sereno.web.body import MAX_DEPTH, too_deep
from sereno.web.origin import host_allowed, same_origin

from .targets import Taker, target

_SUBSCRIBE = b'{"type":"subscribe","sub":1,"tags":["a/*"],"interval":0.5}'


@target(
    "web-message",
    raises=(msgspec.DecodeError, UnicodeError, RecursionError),
    seeds=[_SUBSCRIBE, b'{"type":"unsubscribe","sub":1}'],
)
def message(data: bytes) -> None:
    """A message on the live socket: what is accepted is within its limits."""
    asked = live._MESSAGE.decode(data.decode())
    if isinstance(asked, live.Subscribe) and not live._fault(asked):
        assert 0 < asked.sub < 1 << 32
        assert 0.0 <= asked.interval <= live.LONGEST
        assert all(asked.tags)


@target("web-body", seeds=[b'{"a": [1, "[[[", {"b": []}]}', b"[" * 40 + b"]" * 40])
def body(data: bytes) -> None:
    """The depth of a JSON body: what passes can be read by any parser."""
    if too_deep(data):
        return
    try:
        found = json.loads(data)
    except (ValueError, UnicodeDecodeError):
        return
    assert _depth(found) <= MAX_DEPTH


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


@target("web-headers", seeds=[b"\x0elocalhost:8000http://localhost:8000", b"\x0d[::1]:8000  https://[::1]:8000"])
def headers(data: bytes) -> None:
    """Host and Origin of a request: admitted or not, never more than this site."""
    taker = Taker(data)
    host, origin = taker.piece().decode("latin-1"), taker.rest().decode("latin-1")
    given = Headers({"host": host, "origin": origin})
    host_allowed(given, ("plant.example", "*"))
    if same_origin(given, cookie=True):
        assert origin.endswith(host)
