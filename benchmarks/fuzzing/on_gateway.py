"""The http gateway: requests however they are cut, and the bodies of those that write."""

from __future__ import annotations

import json
from contextlib import suppress

from sereno.gateways.http.protocol import HttpRefusal, Request, Requests, parse_body, parse_number

from .targets import Taker, target

_GET = b"GET /compteur_bille/0/27 HTTP/1.1\r\nHost: a\r\n\r\n"
_PUT = b'PUT /tags/a%20b HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"value": 5}'


@target(
    "gateway-request", seeds=[b"\x0a" + _GET + _PUT, b"\x30" + _PUT, b"\x05" + _GET[:-2] + b"Connection: close\r\n\r\n"]
)
def request(data: bytes) -> None:
    """A stream of requests: however it is cut they are the same, and each one has a path."""
    taker = Taker(data)
    cut = taker.number(256)
    stream = taker.rest()
    whole: list[Request] = []
    with suppress(HttpRefusal):
        Requests(whole.append).feed(stream)
    pieces: list[Request] = []
    requests = Requests(pieces.append)
    with suppress(HttpRefusal):
        for piece in (stream[:cut], stream[cut:]):
            if piece:
                requests.feed(piece)
    assert pieces == whole
    for one in whole:
        assert one.method.isascii()
        for step in one.steps:
            with suppress(HttpRefusal):
                assert abs(parse_number(step)) < float("inf")


@target("gateway-body", raises=(HttpRefusal,), longest=600, seeds=[b'{"value": 5}', b'{"arguments": [1, "a"]}', b""])
def body(data: bytes) -> None:
    """The body of a request that writes: an object that means one thing, with numbers that are some."""
    found = parse_body(data)
    assert parse_body(json.dumps(found, allow_nan=False).encode()) == found
