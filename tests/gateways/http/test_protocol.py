from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.gateways.http.protocol import (
    MOST_BODY,
    MOST_HEAD,
    HttpRefusal,
    Request,
    Requests,
    parse_body,
    parse_number,
    response,
)

GET = b"GET /compteur_bille HTTP/1.1\r\nHost: a\r\n\r\n"
KIND = b"Content-Type: application/json\r\n"
PUT = b"PUT /tags/plc/a%20b?x=1 HTTP/1.1\r\nHost: a\r\n" + KIND + b'Content-Length: 11\r\n\r\n{"value":1}'


def requests_of(*pieces: bytes) -> list[Request]:
    found: list[Request] = []
    requests = Requests(found.append)
    for piece in pieces:
        requests.feed(piece)
    assert requests.between
    return found


def test_requests() -> None:
    one, two = requests_of(GET + PUT)
    assert (one.method, one.steps, one.keep_alive, one.body) == ("GET", ("compteur_bille",), True, b"")
    assert (two.method, two.steps, two.body) == ("PUT", ("tags", "plc", "a b"), b'{"value":1}')
    assert two.headers == {b"host": b"a", b"content-type": b"application/json"}
    assert requests_of(b"GET / HTTP/1.0\r\n\r\n") == [Request("GET", (), keep_alive=False)]


@given(st.lists(st.integers(0, len(GET + PUT)), max_size=6))
def test_however_they_are_cut_they_are_the_same(cuts: list[int]) -> None:
    whole, edges = GET + PUT, sorted({0, *cuts, len(GET + PUT)})
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    assert requests_of(*pieces) == requests_of(whole)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"GET /a b c HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
        (b"GET /" + b"x" * MOST_HEAD + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * MOST_HEAD, 431),
        (b"PUT /a HTTP/1.1\r\nContent-Length: 900000\r\n\r\n" + b" " * (MOST_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * (MOST_HEAD + MOST_BODY), 413),
    ],
)
def test_what_is_no_request(data: bytes, status: int) -> None:
    with pytest.raises(HttpRefusal) as refused:
        requests_of(data)
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_anything_is_a_request_or_refused(data: bytes) -> None:
    found: list[Request] = []
    with suppress(HttpRefusal):
        Requests(found.append).feed(data)
    assert all(request.method for request in found)


def test_answers_are_written_as_python_writes_json() -> None:
    head, _, body = response(200, [3, 0, 12], keep_alive=False).partition(b"\r\n\r\n")
    assert body == b"[3, 0, 12]"
    assert b"Content-Length: 10\r\n" in head
    assert head.endswith(b"Connection: close")
    assert response(200, {"value": 21.5}, keep_alive=True).endswith(b'keep-alive\r\n\r\n{"value": 21.5}')
    assert b"\r\nAllow: PUT\r\n" in response(405, {}, keep_alive=True, allow="PUT")


@pytest.mark.parametrize(
    "body",
    [b"[1]", b"{", b'{"value": NaN}', b'{"value": 1e999}', b'{"value": 1, "value": 2}', b"\xff", b"[" * 40_000, b"1"],
)
def test_bodies_that_say_nothing_or_two_things(body: bytes) -> None:
    with pytest.raises(HttpRefusal) as refused:
        parse_body(body)
    assert refused.value.status == 400


def test_numbers_of_paths() -> None:
    assert [parse_number(text) for text in ("27", "-3", "2.5", "1e3")] == [27, -3, 2.5, 1000.0]
    for text in ("", "nan", "1e999", "0x10", "1_000", "+5", "٣", "1" * 400):
        with pytest.raises(HttpRefusal):
            parse_number(text)
