"""Frames written straight to connections of the real server: what a client sees is as by the usual way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import orjson
import pytest
import websockets

from sereno.web.server import WebServer
from sereno.wire.frame import FrameKind, decode_frame


@pytest.fixture
async def server(site) -> AsyncIterator[WebServer]:
    started = WebServer(site.app, site.clock, port=0)
    await started.start()
    yield started
    await started.stop()


class Events:
    """One client of the stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, str, Any]:
        """(event, id, data) of the next event."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(60):
            while (line := await anext(self._lines)) or "data" not in fields:
                name, _, value = line.partition(": ")
                fields[name] = value
        return fields.get("event", ""), fields.get("id", ""), orjson.loads(fields["data"])

    async def value(self) -> tuple[str, Any]:
        """(id, data) of the next event that is no heartbeat."""
        while True:
            event, found, data = await self.next()
            if not event:
                return found, data

    async def beat(self) -> str:
        """Time of the next heartbeat."""
        while True:
            event, _, data = await self.next()
            if event == "heartbeat":
                return str(data["t"])


@pytest.fixture
async def open_stream(site, server: WebServer) -> AsyncIterator[Any]:
    token = await site.token("viewer", "viewer")
    clients: list[httpx.AsyncClient] = []
    contexts: list[Any] = []

    async def open_one(query: str = "tag=north", **headers: str) -> Events:
        client = httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=60)
        clients.append(client)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        context = client.stream("GET", f"/api/v1/stream?{query}", headers=given)
        contexts.append(context)
        return Events(await context.__aenter__())

    yield open_one
    for context in contexts:
        await context.__aexit__(None, None, None)
    for client in clients:
        await client.aclose()


async def _direct(site: Any, count: int) -> None:
    """Wait until so many connections have lent their line."""
    async with asyncio.timeout(60):
        while sum(outlet._line is not None for outlet in site.app.state.outlets) < count:
            await asyncio.sleep(0)


async def test_many_clients_get_the_same_update(site, open_stream) -> None:
    clients = [await open_stream() for _ in range(3)]
    first = [await client.value() for client in clients]
    assert all(data["snapshot"] for _, data in first)
    await _direct(site, 3)
    site.plant.set("north/plc1/level", 4.5)
    changes = [await client.value() for client in clients]
    assert [data["value"] for _, data in changes] == [[4.5]] * 3
    assert len({found for found, _ in changes}) == 1


async def test_a_stream_lasts_longer_than_anybody_may_think_about_a_request(site, open_stream) -> None:
    client = await open_stream()
    await client.value()
    for second in range(45):
        await site.clock.advance(1.0)
        assert (await client.beat()).startswith(f"2025-11-20T12:00:{second + 1:02}")


async def test_a_beat_rides_on_a_frame_once(site, open_stream) -> None:
    client = await open_stream()
    await client.value()
    await _direct(site, 1)
    await site.clock.advance(0.8)
    for number in range(3):
        site.plant.set("north/plc1/level", float(number))
        await asyncio.sleep(0)
    kinds = [(await client.next())[0] for _ in range(4)]
    assert sorted(kinds) == ["", "", "", "heartbeat"]
    await site.clock.advance(0.2)
    site.plant.set("north/plc1/level", 9.0)
    event, _, data = await client.next()
    assert (event, data["value"]) == ("", [9.0])
    assert site.app.state.outlets.beat.number == 1


async def test_who_comes_back_is_told_what_it_missed(site, open_stream) -> None:
    stays = await open_stream()
    found, _ = await stays.value()
    for number in range(3):
        site.plant.set("north/plc1/level", float(number))
        last, _ = await stays.value()
    assert found != last
    assert "missed" not in (await (await open_stream()).value())[1]
    for event_id, missed in ((found, 3), (last, 0), ("00000000-5", None), ("nonsense", None), (f"{last}9", None)):
        back = await open_stream(last_event_id=event_id)
        _, data = await back.value()
        assert (data["snapshot"], data["missed"]) == (True, missed)
    site.plant.set("north/plc1/level", 7.0)
    assert "missed" not in (await back.value())[1]


async def test_a_lone_client_that_comes_back_soon_is_told_as_well(site, open_stream) -> None:
    client = await open_stream()
    found, _ = await client.value()
    (outlet,) = site.app.state.outlets
    outlet.stop(1012, "for a moment")
    while len(site.app.state.outlets):
        await asyncio.sleep(0)
    site.plant.set("north/plc1/level", 3.0)
    _, data = await (await open_stream(last_event_id=found)).value()
    assert data["missed"] == 1


async def test_slow_and_stuck_clients_do_not_hold_up_the_others(site, server: WebServer, open_stream) -> None:
    token = await site.token("viewer", "viewer")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(("127.0.0.1", server.port))
    asking = f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    stuck.sendall(asking.encode())
    await _direct(site, 1)
    (slow,) = site.app.state.outlets
    quick = await open_stream("")
    await quick.value()
    for number in range(60):
        site.plant.set("north/plc1/recipe", f"{number:03}" + "x" * 30_000)
        _, data = await quick.value()
        assert data["value"][0].startswith(f"{number:03}")
    assert slow.busy
    assert slow.held < 65536 + 40_000
    stuck.settimeout(0)
    got = b""
    async with asyncio.timeout(60):
        while b'"dropped":' not in got[-400_000:]:
            with suppress(BlockingIOError):
                got += stuck.recv(1 << 20)
            await asyncio.sleep(0)
    assert slow.dropped > 10
    stuck.close()


async def test_a_socket_gets_words_frames_and_beats_in_order(site, server: WebServer) -> None:
    token = await site.token("viewer", "viewer")
    address = f"ws://127.0.0.1:{server.port}/api/v1/live"
    async with websockets.connect(address, additional_headers={"authorization": f"Bearer {token}"}) as live:
        for sub, tag in ((1, "north"), (2, "south")):
            await live.send(orjson.dumps({"type": "subscribe", "sub": sub, "tags": [tag]}).decode())
            seen = [_word(await asyncio.wait_for(live.recv(), 60)) for _ in range(2)]
            assert seen == ["subscribed", (FrameKind.SNAPSHOT, sub)]
        await site.clock.advance(0.8)
        site.plant.set("north/plc1/level", 2.0)  # the memory plant tells every subscription, with or without rows
        words = [_word(await asyncio.wait_for(live.recv(), 60)) for _ in range(4)]
        assert {(FrameKind.CHANGES, 1), (FrameKind.CHANGES, 2), (FrameKind.HEARTBEAT, 0)} == set(words)
        assert words[0][0] is words[2][0] is FrameKind.CHANGES
        await site.clock.advance(1.2)
        assert _word(await asyncio.wait_for(live.recv(), 60)) == (FrameKind.HEARTBEAT, 0)
        (outlet,) = site.app.state.outlets
        assert outlet.sent == 7
        await site.accounts.set_disabled("viewer", True, by="test")
        await asyncio.wait_for(live.wait_closed(), 60)
        assert live.close_code == 4401


def _word(data: str | bytes) -> Any:
    if isinstance(data, str):
        return orjson.loads(data)["type"]
    frame = decode_frame(data)
    return frame.kind, frame.sub
