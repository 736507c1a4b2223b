"""The http gateway on real sockets, before a PLC that is a class in Python."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from sereno.gateways.http import connection
from sereno.gateways.http import server as module
from tests.gateways.http.plc import MARBLES, site


async def test_the_endpoints_of_small_gateways_byte_for_byte() -> None:
    async with site() as here:
        head = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        bodies = {
            path: (await here.raw(b"GET " + path + head)).partition(b"\r\n\r\n")[2]
            for path in (b"/compteur_bille", b"/temperature", b"/lane2", b"/running", b"/multi_possible")
        }
        assert bodies == {
            b"/compteur_bille": b"[3, 0, 12]",
            b"/temperature": b'{"value": 21.5}',
            b"/lane2": b'{"value": 12}',
            b"/running": b'{"value": 1}',
            b"/multi_possible": b"[0, 0, 0]",
        }


async def test_what_has_no_good_value_is_not_answered_with_a_number() -> None:
    async with site(names={"mixed": ("mill/plc/lane0", "mill/plc/broken")}) as here:
        status, found = await here.get("/broken")
        assert (status, found["error"]) == (503, "mill/plc/broken has no good value: device failure: burnt: no more")
        assert (await here.get("/mixed"))[0] == 503
        status, found = await here.get("/tags/mill/plc/broken")
        assert (status, found["value"], found["quality"]) == (200, None, "bad")


async def test_a_plc_that_is_away_is_not_counted() -> None:
    async with site() as here:
        assert await here.get("/connections") == (200, {"value": 0})
        await here.server.devices.stop()
        for path in ("/multi_possible", "/checkplusde3", "/connections"):
            status, found = await here.get(path)
            assert status == 503, (path, found)


async def test_connections_are_counted_and_ended() -> None:
    async with site(commands={}) as here:
        open_ones = [await asyncio.open_connection("127.0.0.1", here.gateway.port) for _ in range(4)]
        assert await here.get("/connections") == (200, {"value": 4})
        assert await here.get("/multi_possible") == (200, [1, 1, 1])
        assert await here.get("/checkplusde3") == (200, [1, 0, 0])
        assert (await here.get("/deconnection"))[0] == 405
        assert await here.ask("POST", "/deconnection") == (200, {"value": 4})
        assert await here.get("/connections") == (200, {"value": 0})
        for _, writer in open_ones:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_the_plc_counts_its_connections_itself() -> None:
    async with site(connections="mill/plc/lane0") as here:
        assert await here.get("/connections") == (200, {"value": 3})
        assert await here.get("/multi_possible") == (200, [1, 1, 1])
        assert await here.get("/checkplusde3") == (200, [0, 0, 0])


async def test_a_get_changes_nothing() -> None:
    async with site() as here:
        for path in ("/compteur_bille/0/27", "/deconnection"):
            status, found = await here.get(path)
            assert status == 405
            assert "legacy_writes" in found["error"]
        answer = await here.raw(b"GET /compteur_bille/0/27 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"\r\nAllow: PUT, POST\r\n" in answer
        assert (here.plc.writes, here.plc.hung_up) == ([], 0)


async def test_a_get_writes_where_that_is_declared() -> None:
    async with site(legacy_writes=True) as here:
        assert await here.get("/compteur_bille/0/27") == (200, {"value": 27})
        assert await here.get("/compteur_bille/0/28?a=1") == (200, {"value": 28})
        assert await here.get("/deconnection") == (200, {"value": 1})
        for path in ("/compteur_bille/3/1", "/compteur_bille/-1/1", "/compteur_bille/x/1"):
            assert (await here.get(path))[0] == 404
        assert (await here.get("/compteur_bille/0/NaN"))[0] == 400
        for browser in ("Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"):
            assert (await here.get("/compteur_bille/0/5", browser))[0] == 403
            assert (await here.get("/deconnection", browser))[0] == 403
            assert (await here.get("/lane0", browser))[0] == 200
        assert (here.plc.writes, here.plc.hung_up) == ([27, 28], 1)


async def test_put_and_post() -> None:
    async with site() as here:
        assert await here.ask("PUT", "/compteur_bille/0", {"value": 5}) == (200, {"value": 5})
        assert await here.ask("POST", "/total0", {"value": 6}) == (200, {"value": 6})
        assert await here.ask("PUT", "/tags/mill/plc/total0", {"value": 7}) == (200, {"value": 7})
        assert await here.ask("PUT", "/tags/running", {"value": False}) == (200, {"value": False})
        assert await here.ask("POST", "/deconnection") == (200, {"value": 1})
        assert here.plc.writes == [5, 6, 7]
        status, found = await here.ask("PUT", "/total0", {"value": 5000})
        assert (status, "not so many" in found["error"]) == (502, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/lane0", {"value": 5}, 409),
        ("PUT", "/compteur_bille", {"value": 5}, 405),
        ("PUT", "/compteur_bille/3", {"value": 5}, 404),
        ("PUT", "/nothing", {"value": 5}, 404),
        ("PUT", "/tags/nothing", {"value": 5}, 404),
        ("PUT", "/total0", {"value": "many"}, 409),
        ("PUT", "/total0", {"value": 5, "force": True}, 400),
        ("PUT", "/total0", None, 400),
        ("PUT", "/total0", b'{"value": 5, "value": 6}', 400),
        ("POST", "/deconnection", {"arguments": 5}, 400),
        ("DELETE", "/total0", None, 405),
        ("OPTIONS", "/total0", None, 405),
        ("GET", "/a/b/c/d", None, 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", None, 404),
    ],
)
async def test_what_is_refused(method: str, path: str, body: object, status: int) -> None:
    async with site() as here:
        assert (await here.ask(method, path, body))[0] == status
        assert here.plc.writes == []


async def test_pages_of_browsers_write_nothing() -> None:
    async with site() as here:
        assert (await here.ask("PUT", "/total0", {"value": 5}, headers="Origin: http://evil.example\r\n"))[0] == 403
        assert (await here.ask("POST", "/total0", {"value": 5}, kind="text/plain"))[0] == 415
        assert here.plc.writes == []


async def test_only_what_may_be_written_is() -> None:
    async with site(writes=("mill/plc/total1",), legacy_writes=True) as here:
        assert (await here.ask("PUT", "/total0", {"value": 5}))[0] == 403
        assert (await here.get("/compteur_bille/0/5"))[0] == 403
        assert (await here.get("/deconnection"))[0] == 403
        assert await here.get("/compteur_bille/1/5") == (200, {"value": 5})
        assert (here.plc.writes, here.plc.hung_up) == ([], 0)


async def test_only_names_that_were_given() -> None:
    async with site(only=True, names={"t": "mill/plc/temperature", "v": MARBLES}) as here:
        assert await here.get("/t") == (200, {"value": 21.5})
        assert (await here.get("/lane0"))[0] == 404
        assert list((await here.get("/tags"))[1]) == [
            "mill/plc/lane0",
            "mill/plc/lane1",
            "mill/plc/lane2",
            "mill/plc/temperature",
        ]


async def test_the_lists() -> None:
    async with site() as here:
        _, index = await here.get("/")
        assert index["read"][0] == "/compteur_bille"
        assert index["write"][-3:] == ["/compteur_bille/0", "/compteur_bille/1", "/compteur_bille/2"]
        assert index["call"] == ["/deconnection"]
        _, tags = await here.get("/tags")
        assert tags["mill/plc/temperature"]["unit"] == "degC"
        assert (await here.get("/tags/tags"))[1]["value"] == 5.0


async def test_the_token() -> None:
    async with site(token=b"0123456789abcdef") as here:
        assert (await here.get("/lane0"))[0] == 401
        assert (await here.get("/lane0", "Authorization: Bearer 0123456789abcdeF\r\n"))[0] == 401
        assert (await here.ask("PUT", "/total0", {"value": 5}))[0] == 401
        assert await here.get("/lane0", "Authorization: Bearer 0123456789abcdef\r\n") == (200, {"value": 3})
        assert here.gateway.figures()["denied"] == 3


async def test_who_may_not_come_in_is_on_record() -> None:
    async with site(allow="10.0.0.0/8") as here:
        assert await here.raw(b"GET / HTTP/1.1\r\n\r\n") == b""
        while not here.record.kept:
            await asyncio.sleep(0)
        assert here.record.kept[0].startswith("peer.refused gateway/http 127.0.0.1")


async def test_more_than_there_is_room_for() -> None:
    async with site(most=1) as here:
        _, writer = await asyncio.open_connection("127.0.0.1", here.gateway.port)
        while not here.gateway.open:
            await asyncio.sleep(0)
        assert await here.raw(b"GET / HTTP/1.1\r\n\r\n") == b""
        writer.close()
        await writer.wait_closed()


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    async with site() as here:
        asked = b"".join(b"GET /lane%d HTTP/1.1\r\nHost: x\r\n\r\n" % (i % 3) for i in range(200))
        answer = await here.raw(asked + b"GET /temperature HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        values = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
        assert values == [(b'{"value": 3}', b'{"value": 0}', b'{"value": 12}')[i % 3] for i in range(200)] + [
            b'{"value": 21.5}'
        ]


async def test_idle_connections_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    monkeypatch.setattr(module, "LOOK", 0.01)
    async with site() as here:
        assert await here.raw(b"GET /lane0 HTTP/1.1\r\nHo") == b""
        assert here.gateway.figures()["idle"] == 1


PAGE = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36\r\n"


@pytest.mark.parametrize("more", ["", "Referer: http://evil.example/\r\n", "Accept-Language: en\r\n"])
async def test_a_browser_that_says_nothing_of_its_page_writes_nothing(more: str) -> None:
    """Over plain HTTP browsers send neither Origin nor Sec-Fetch-Site with a picture, a link, what is loaded ahead."""
    async with site(legacy_writes=True) as here:
        for path in ("/compteur_bille/0/5", "/deconnection"):
            assert (await here.get(path, PAGE + more))[0] == 403
        assert (await here.get("/lane0", PAGE + more))[0] == 200
        assert (here.plc.writes, here.plc.hung_up) == ([], 0)
        assert await here.get("/compteur_bille/0/5", f"{PAGE}Sec-Fetch-Site: none\r\n") == (200, {"value": 5})


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "a b", "", "[::1"])
async def test_a_name_of_somebody_else_is_not_answered(host: str) -> None:
    async with site(legacy_writes=True) as here:
        for path in ("/lane0", "/compteur_bille/0/5"):
            answer = await here.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert answer.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 400 ")), answer
        assert here.plc.writes == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3:8000", "[fd00::1]:8000", "LOCALHOST", "rasp7", "rasp7.local:80"]
)
async def test_its_own_names_are_answered(host: str) -> None:
    async with site(hosts=("gate.example",)) as here:
        for name in (host, "gate.example:8000", "Gate.Example."):
            answer = await here.raw(f"GET /lane0 HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert (await here.raw(b"GET /lane0 HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_with_a_token_any_name_will_do() -> None:
    async with site(token=b"0123456789abcdef") as here:
        head = b"Host: gate.example\r\nAuthorization: Bearer 0123456789abcdef\r\nConnection: close\r\n\r\n"
        assert (await here.raw(b"GET /lane0 HTTP/1.1\r\n" + head)).startswith(b"HTTP/1.1 200 ")


async def test_an_answer_longer_than_what_fits_into_a_socket_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    async def long(*_: object) -> object:
        return {"value": "x" * (16 << 20)}

    monkeypatch.setattr(connection, "answer", long)
    async with site() as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.gateway.port)
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        found = 0
        while found < 2 * (16 << 20):
            data = await asyncio.wait_for(reader.read(1 << 16), 60)
            assert data, f"hung up after {found} bytes"
            found += len(data)
        writer.close()
        await writer.wait_closed()


async def test_who_does_not_take_his_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def long(*_: object) -> object:
        return {"value": "x" * (16 << 20)}

    monkeypatch.setattr(connection, "answer", long)
    monkeypatch.setattr(connection, "DRAINED_WITHIN", 0.05)
    async with site() as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.gateway.port)
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        while not here.gateway.counters["requests"]:
            await asyncio.sleep(0)
        while here.gateway.open:
            await asyncio.sleep(0.01)
        assert here.gateway.counters["too_slow"] == 1
        with suppress(ConnectionError):
            assert len(await reader.read()) < 16 << 20
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_what_is_named_and_gone_is_not_listed() -> None:
    async with site(only=True, names={"t": "mill/plc/temperature", "gone": "mill/plc/gone"}) as here:
        status, index = await here.get("/")
        assert (status, index["read"][:2]) == (200, ["/t", "/gone"])
        assert list((await here.get("/tags"))[1]) == ["mill/plc/temperature"]
        assert (await here.get("/gone"))[0] == 404
        assert (await here.get("/tags/gone"))[0] == 404


async def test_the_answer_to_head_has_no_body() -> None:
    async with site() as here:
        answer = await here.raw(b"HEAD /lane0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 12\r\nContent-Length: 0\r\n",
     b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Content-Length: +12\r\n"],
)  # fmt: skip
async def test_a_body_that_ends_in_two_places_is_refused(framing: bytes) -> None:
    async with site() as here:
        hidden = b"POST /deconnection HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await here.raw(b"PUT /total0 HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n" + b"0\r\n\r\n" + hidden)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert (here.plc.writes, here.plc.hung_up) == ([], 0)
