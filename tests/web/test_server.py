"""Real sockets: the address, stopping in time, clients that take nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import websockets

from sereno.model import OperationError, SystemClock
from sereno.web.server import WebServer
from sereno.wire.frame import FrameKind, decode_frame


@pytest.fixture
async def server(site) -> AsyncIterator[WebServer]:
    started = WebServer(site.app, SystemClock(), port=0)
    await started.start()
    yield started
    await started.stop()


async def test_port_zero_is_a_real_port_when_start_returns(server: WebServer) -> None:
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        answer = await client.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers


async def test_what_follows_the_head_of_an_answer_is_not_held_back(server: WebServer) -> None:
    assert server._server is not None
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        await client.get("/healthz")
        (connection,) = server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_it_listens_on_loopback_only(server: WebServer) -> None:
    assert server._server is not None
    names = [s.getsockname()[0] for one in server._server.servers for s in one.sockets]
    assert names == ["127.0.0.1"]


async def test_a_taken_port_is_one_clear_line(site, server: WebServer) -> None:
    with pytest.raises(OperationError) as caught:
        await WebServer(site.app, SystemClock(), port=server.port).start()
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{server.port}: address already in use; "
        "stop what listens there, or choose another port with --port (0 = any)"
    )


async def test_an_address_that_is_not_ours_is_said_so(site) -> None:
    with pytest.raises(OperationError, match=r"cannot listen on 192\.0\.2\.1:0"):
        await WebServer(site.app, SystemClock(), host="192.0.2.1", port=0).start()


async def test_stopping_twice_and_without_starting_is_fine(site) -> None:
    server = WebServer(site.app, SystemClock(), port=0)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()


async def test_open_streams_and_sockets_end_when_it_stops(site, server: WebServer) -> None:
    token = await site.token("viewer", "viewer")
    headers = {"authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{server.port}/api/v1/live"
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client,
        client.stream("GET", "/api/v1/stream?tag=north") as stream,
        websockets.connect(address, additional_headers=headers) as live,
    ):
        lines = stream.aiter_lines()
        while not (await anext(lines)).startswith("data:"):
            pass
        await live.send('{"type": "subscribe", "sub": 1, "tags": ["north"]}')
        assert '"subscribed"' in str(await live.recv())
        frame = await live.recv()
        assert decode_frame(frame if isinstance(frame, bytes) else b"").kind is FrameKind.SNAPSHOT
        await asyncio.wait_for(server.stop(), 60)
        with suppress(httpx.RemoteProtocolError):
            async for _ in lines:
                pass
        with suppress(websockets.ConnectionClosed):
            async for _ in live:
                pass
        assert live.close_code == 1012


async def test_a_socket_without_credentials_is_refused_at_the_handshake(server: WebServer) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://127.0.0.1:{server.port}/api/v1/live")
    assert refused.value.response.status_code == 403


class _TakesNothing:
    """A client that asks for a stream and never reads it, with a small receive buffer."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        asking = f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        self.socket.sendall(asking.encode())


async def test_who_takes_nothing_costs_a_bounded_buffer_and_is_cut(site, server: WebServer) -> None:
    token = await site.token("viewer", "viewer")
    stuck = _TakesNothing(server.port, token)
    (connection,) = await _connections(server, 1)
    outlet = await _stick(site)
    for _ in range(50):
        site.plant.set("north/plc1/recipe", "y" * 50_000)
        await asyncio.sleep(0)
    assert outlet.busy
    assert connection.transport.get_write_buffer_size() < 65536 + 60_000
    await site.clock.advance(12.0)
    while len(site.app.state.outlets):
        await asyncio.sleep(0.001)
    stuck.socket.close()


async def _stick(site: Any) -> Any:
    """Send until a send is not taken any more."""
    while not len(site.app.state.outlets):
        await asyncio.sleep(0.001)
    (outlet,) = site.app.state.outlets._open
    sent = -1
    while not (outlet.busy and outlet.sent == sent):
        sent = outlet.sent
        site.plant.set("north/plc1/recipe", "x" * 50_000)
        await asyncio.sleep(0.002)
    return outlet


async def _connections(server: WebServer, count: int) -> list[Any]:
    assert server._server is not None
    while len(server._server.server_state.connections) < count:
        await asyncio.sleep(0.001)
    return list(server._server.server_state.connections)


async def test_a_closed_connection_whose_peer_stays_is_aborted(site) -> None:
    server = WebServer(site.app, site.clock, port=0)
    await server.start()
    stuck = _TakesNothing(server.port, await site.token("viewer", "viewer"))
    (connection,) = await _connections(server, 1)
    await _stick(site)
    await site.clock.advance(12.0)
    while not connection.transport.is_closing():
        await asyncio.sleep(0.001)
    assert connection in server._server.server_state.connections
    await site.clock.advance(11.0)
    while connection in server._server.server_state.connections:
        await asyncio.sleep(0.001)
    stuck.socket.close()
    await server.stop()


async def test_a_request_head_without_end_is_cut(server: WebServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
    with suppress(ConnectionError):
        while not reader.at_eof() and reader.exception() is None:
            writer.write(b"x" * 4096)
            await writer.drain()
            await asyncio.sleep(0)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_large_body_in_the_first_packet_is_no_large_head(site, server: WebServer) -> None:
    token = await site.token("operator", "operator")
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
        for _ in range(2):
            answer = await client.put("/api/v1/values/north/plc1/setpoint", json={"value": "x" * 200_000})
            assert answer.status_code == 200


async def test_who_connects_and_never_asks_is_cut(site) -> None:
    server = WebServer(site.app, site.clock, port=0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    await _connections(server, 1)
    await site.clock.advance(36.0)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    await server.stop()
