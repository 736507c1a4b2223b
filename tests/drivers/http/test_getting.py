"""Real HTTP: members that redirect, stream for ever, answer too much, or speak something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.device import SocketTransports
from sereno.drivers.http.asking import Sweep, ask
from sereno.drivers.http.getting import HttpGetter
from sereno.model import NoAnswerError, NotConnectedError, SystemClock
from sereno.testing import JumpingClock, MemoryTransports, run_jumping

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = b"400\r\n" + b"7" * 1024 + b"\r\n"
GOOD = HEAD + b"Content-Length: 9\r\n\r\n[1, 2, 3]"
ANSWERS = {
    "/good": GOOD,
    "/chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n[1, \r\n5\r\n2, 3]\r\n0\r\n\r\n",
    "/until-the-end": b"HTTP/1.0 200 OK\r\n\r\n[1, 2, 3]",
    "/redirect": b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/broken": b"HTTP/1.1 500 Broken\r\nContent-Length: 1\r\n\r\n7",
    "/huge": HEAD + b"Content-Length: 1000000000\r\n\r\n" + b"7" * 5000,
    "/short": HEAD + b"Content-Length: 100\r\n\r\n[1",
    "/other": b"SSH-2.0-something\r\n",
    "/nothing": b"",
}
GETTER = HttpGetter(SocketTransports())


@asynccontextmanager
async def member() -> AsyncIterator[str]:
    """A server of these answers; at its end all of its connections are over."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            if path == "/forever":
                writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
                while not writer.is_closing():
                    writer.write(CHUNK)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.write(ANSWERS.get(path, b""))
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


@pytest.mark.parametrize(
    ("path", "words"),
    [("/redirect", "status 302"), ("/broken", "status 500"), ("/huge", "more than 4096 bytes"),
     ("/forever", "more than"), ("/short", "hung up"), ("/other", "HTTP"), ("/nothing", "hung up")],
)  # fmt: skip
async def test_what_is_no_answer_is_told_in_words(path: str, words: str) -> None:
    async with member() as base:
        with pytest.raises(NoAnswerError, match=words):
            await ask(GETTER, SystemClock(), f"{base}{path}", 20.0, 4096)


@pytest.mark.parametrize("path", ["/good", "/chunked", "/until-the-end"])
async def test_answers_of_all_kinds(path: str) -> None:
    async with member() as base:
        assert await ask(GETTER, SystemClock(), f"{base}{path}", 20.0, 4096) == [1, 2, 3]


async def test_nobody_there() -> None:
    async with member() as base:
        pass
    with pytest.raises(NotConnectedError):
        await ask(GETTER, SystemClock(), f"{base}/good", 20.0, 4096)


async def test_a_sweep_raises_for_no_member() -> None:
    async with member() as base:
        sweep = Sweep(GETTER, SystemClock(), timeout=20.0, most=4096, at_once=5)
        found = await sweep.answers([("a", base), ("b", "http://127.0.0.1:1")], "/good")
    assert found["a"] == [1, 2, 3]
    assert isinstance(found["b"], NotConnectedError)


class Script(asyncio.Protocol):
    """Answers whatever comes with these bytes, and hangs up."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer)
        self._transport.close()


@given(
    st.binary(max_size=300) | st.integers(0, len(GOOD)).map(lambda n: GOOD[:n] + b"\x00" + GOOD[n:]), st.integers(0, 9)
)
def test_any_bytes_are_an_answer_or_none(data: bytes, split: int) -> None:
    async def work(clock: JumpingClock) -> None:
        network = MemoryTransports()
        listener = await network.listen(lambda: Script(data), "127.0.0.1", 80)
        network.at(80).split = split
        getter = HttpGetter(network)
        with suppress(NoAnswerError):
            async with clock.timeout(5.0):
                assert len(await getter.get("http://127.0.0.1/v", 100)) <= 100
        await listener.close()

    run_jumping(work)


def test_one_that_says_nothing_costs_its_time() -> None:
    async def work(clock: JumpingClock) -> None:
        network = MemoryTransports()
        listener = await network.listen(asyncio.Protocol, "127.0.0.1", 80)
        getter = HttpGetter(network)
        with pytest.raises(NoAnswerError, match="within 3 s"):
            await ask(getter, clock, "http://127.0.0.1/v", 3.0, 100)
        assert clock.monotonic() == pytest.approx(3.0)
        await getter.close()
        await listener.close()

    run_jumping(work)
