"""Frames written straight to connections under TLS: the transport is another one, what a client sees is the same."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
import pytest
import websockets

from sereno.web.bounded import HELD
from sereno.web.server import WebServer
from sereno.wire.frame import FrameKind, decode_frame

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")


class Tls(NamedTuple):
    context: ssl.SSLContext
    certificate: str


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    key, certificate = (tmp_path_factory.mktemp("tls") / name for name in ("key.pem", "certificate.pem"))
    asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *asked, *named], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Tls(context, certificate.read_text("ascii"))


@pytest.fixture
async def server(site, tls: Tls) -> AsyncIterator[WebServer]:
    started = WebServer(site.app, site.clock, port=0, tls=tls.context)
    await started.start()
    yield started
    await started.stop()


def _trust(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=tls.certificate)


async def _lent(site) -> None:
    async with asyncio.timeout(60):
        while not any(outlet._line is not None and outlet._line.writable for outlet in site.app.state.outlets):
            await asyncio.sleep(0)


async def test_a_stream_is_written_directly_and_a_stuck_client_holds_little(site, tls: Tls, server: WebServer) -> None:
    token = await site.token("viewer", "viewer")
    reader, writer = await asyncio.open_connection("localhost", server.port, ssl=_trust(tls), limit=1 << 16)
    writer.write(f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b'"snapshot":true'), 60)
    await _lent(site)
    (outlet,) = site.app.state.outlets
    site.plant.set("north/plc1/level", 4.5)
    assert b"[4.5]" in await asyncio.wait_for(reader.readuntil(b"[4.5]"), 60)
    for number in range(80):  # nobody reads
        site.plant.set("north/plc1/recipe", f"{number:03}" + "x" * 30_000)
        await asyncio.sleep(0.001)
    assert outlet.busy
    assert outlet.held < HELD + 40_000
    got = b""
    async with asyncio.timeout(60):
        while b'"079xxx' not in got:
            got = got[-100:] + await reader.read(1 << 16)
    assert outlet.dropped > 10
    writer.close()


async def test_a_socket_under_tls(site, tls: Tls, server: WebServer) -> None:
    token = await site.token("viewer", "viewer")
    address = f"wss://localhost:{server.port}/api/v1/live"
    headers = {"authorization": f"Bearer {token}"}
    async with websockets.connect(address, additional_headers=headers, ssl=_trust(tls)) as live:
        await live.send(orjson.dumps({"type": "subscribe", "sub": 1, "tags": ["north"]}).decode())
        assert orjson.loads(await live.recv())["type"] == "subscribed"
        snapshot = await live.recv()
        assert isinstance(snapshot, bytes)
        assert decode_frame(snapshot).kind is FrameKind.SNAPSHOT
        await _lent(site)
        site.plant.set("north/plc1/level", 2.0)
        change = await asyncio.wait_for(live.recv(), 60)
        assert isinstance(change, bytes)
        assert decode_frame(change).values.tolist() == [2.0]
