"""A server that misbehaves, as a client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from sereno.client import _native_wire, connect
from sereno.model import NoAnswerError, NotConnectedError
from sereno.wire.messages import Welcome
from sereno.wire.native import Kind, pack
from sereno.wire.packed import pack_value

WELCOME = pack(Kind.WELCOME, 0, 0, pack_value(Welcome("me")))
Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(behave: Behave) -> AsyncIterator[str]:
    ended: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.get_running_loop().create_future()
        ended.append(done)
        with suppress(ConnectionError):
            await behave(reader, writer)
        writer.close()
        done.set_result(None)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        await asyncio.gather(*ended)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native_wire, "SILENCE", 0.3)
    monkeypatch.setattr(_native_wire, "_TICK", 0.05)


async def until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(1000):
        pass


async def only_pulse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not reader.at_eof():
        writer.write(pack(Kind.PULSE))
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_hangs_is_seen() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(WELCOME)
        await until_closed(reader)

    async with server(hang) as url:
        with pytest.raises(NoAnswerError, match=r"nothing came from tcp://.* for 0.3 s"):
            async with connect(url, "x") as client:
                await client.get("lab/ps/1/voltage")


@pytest.mark.usefixtures("impatient")
async def test_a_node_that_is_slow_to_welcome_has_the_time_that_connecting_may_take() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * _native_wire.SILENCE)
        writer.write(WELCOME)
        await only_pulse(reader, writer)

    async with server(slow) as url, connect(url, "x", timeout=60.0):
        pass


async def test_a_server_that_never_answers_a_request() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(WELCOME)
        await only_pulse(reader, writer)

    async with server(mute) as url, connect(url, "x", timeout=0.4) as client:
        with pytest.raises(NoAnswerError, match=r"did not answer within 0.4 s"):
            await client.get("lab/ps/1/voltage")


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"N\x02" + bytes(14)]
)
async def test_something_else_listens_there(said: bytes) -> None:
    async def foreign(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await until_closed(reader)

    async with server(foreign) as url:
        with pytest.raises(NoAnswerError, match=r"is not understood.*is it a Sereno node"):
            async with connect(url, "x"):
                pass


async def test_who_hangs_up_at_once() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer

    async with server(hang_up) as url:
        with pytest.raises(NotConnectedError, match="ended"):
            async with connect(url, "x"):
                pass
