from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.device import SocketTransports, Transports
from sereno.testing import JumpingClock, MemoryTransports, jumping, run_jumping

HOST = "127.0.0.1"


class Recorder(asyncio.Protocol):
    """Keeps what happens to it; `keep` = stays half open after the other side's end."""

    def __init__(self, *, keep: bool = False) -> None:
        self.events: list[Any] = []
        self.keep = keep
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.keep

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append(type(error).__name__ if error else "lost")
        self.lost.set_result(None)

    @property
    def data(self) -> bytes:
        return b"".join(e for e in self.events if isinstance(e, bytes))


class Pair:
    """A listener with what it accepted, and one client connected to it."""

    def __init__(self, network: Transports) -> None:
        self.network = network
        self.accepted: list[Recorder] = []
        self.keep = False

    async def open(self) -> Recorder:
        self.listener = await self.network.listen(self._accept, HOST, 0)
        return await self.client()

    async def client(self) -> Recorder:
        _, protocol = await self.network.connect(lambda: Recorder(keep=self.keep), HOST, self.listener.port)
        return protocol

    def _accept(self) -> Recorder:
        self.accepted.append(Recorder(keep=self.keep))
        return self.accepted[-1]

    @property
    def server(self) -> Recorder:
        return self.accepted[-1]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("transports", [MemoryTransports, SocketTransports])
class TestAsSockets:
    """The same for both kinds, in real time: memory behaves as sockets do."""

    async def test_bytes_go_both_ways_in_order(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        client.transport.write(b"a")
        client.transport.writelines([b"b", b"", bytearray(b"c")])
        await until(lambda: bool(pair.accepted) and pair.server.data == b"abc")
        pair.server.transport.write(b"answer")
        await until(lambda: client.data == b"answer")
        await end(pair, client)

    async def test_close_delivers_what_was_written_then_the_end(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        client.transport.write(b"last words")
        client.transport.close()
        assert client.transport.is_closing()
        client.transport.write(b"too late")
        await until(lambda: bool(pair.accepted) and "lost" in pair.server.events)
        assert pair.server.events[0] == "made"
        assert pair.server.data == b"last words"
        assert pair.server.events[-2:] == ["eof", "lost"]
        assert client.events == ["made", "lost"]
        await end(pair, client)

    async def test_abort_ends_both_sides(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        await until(lambda: bool(pair.accepted) and bool(pair.server.events))
        client.transport.abort()
        await client.lost
        await pair.server.lost
        assert client.events == ["made", "lost"]
        await end(pair, client)

    async def test_write_eof_leaves_the_other_direction_open(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        pair.keep = True
        client = await pair.open()
        assert client.transport.can_write_eof()
        client.transport.write(b"question")
        client.transport.write_eof()
        with pytest.raises(RuntimeError):
            client.transport.write(b"more")
        await until(lambda: bool(pair.accepted) and "eof" in pair.server.events)
        pair.server.transport.write(b"answer")
        await until(lambda: client.data == b"answer")
        await end(pair, client)

    async def test_closing_the_listener_drops_its_connections_and_frees_the_port(
        self, transports: type[Transports]
    ) -> None:
        network = transports()
        pair = Pair(network)
        client = await pair.open()
        await until(lambda: bool(pair.accepted) and bool(pair.server.events))
        port = pair.listener.port
        await pair.listener.close()
        await client.lost
        assert pair.server.lost.done()
        with pytest.raises(ConnectionRefusedError):
            await network.connect(Recorder, HOST, port)
        again = await network.listen(Recorder, HOST, port)
        await again.close()

    async def test_listener_drops_a_client_that_never_reads(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        client.transport.pause_reading()
        await until(lambda: bool(pair.accepted) and bool(pair.server.events))
        pair.server.transport.write(bytes(8 << 20))
        async with asyncio.timeout(60):
            await pair.listener.close()
        client.transport.abort()
        await client.lost

    async def test_refused_and_taken_ports(self, transports: type[Transports]) -> None:
        network = transports()
        first = await network.listen(Recorder, HOST, 0)
        with pytest.raises(OSError, match="address already in use"):
            await network.listen(Recorder, HOST, first.port)
        await first.close()
        with pytest.raises(ConnectionRefusedError):
            await network.connect(Recorder, HOST, first.port)

    async def test_reading_may_be_paused(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        await until(lambda: bool(pair.accepted) and bool(pair.server.events))
        pair.server.transport.pause_reading()
        assert not pair.server.transport.is_reading()
        client.transport.write(b"held")
        await asyncio.sleep(0.01)
        assert pair.server.data == b""
        pair.server.transport.resume_reading()
        await until(lambda: pair.server.data == b"held")
        await end(pair, client)

    async def test_streams_work(self, transports: type[Transports]) -> None:
        def accept() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        network = transports()
        listener = await network.listen(accept, HOST, 0)
        reader = asyncio.StreamReader()
        transport, _ = await network.connect(lambda: asyncio.StreamReaderProtocol(reader), HOST, listener.port)
        transport.write(b"hello\n")
        assert await reader.read() == b"HELLO\n"
        transport.close()
        await listener.close()

    async def test_buffered_protocols_work(self, transports: type[Transports]) -> None:
        class Buffered(asyncio.BufferedProtocol):
            def __init__(self) -> None:
                self.buffer = bytearray(4)
                self.data = b""

            def get_buffer(self, sizehint: int) -> bytearray:
                return self.buffer

            def buffer_updated(self, nbytes: int) -> None:
                self.data += bytes(self.buffer[:nbytes])

        pair = Pair(transports())
        client = await pair.open()
        transport, buffered = await pair.network.connect(Buffered, HOST, pair.listener.port)  # type: ignore[type-var]
        await until(lambda: len(pair.accepted) == 2 and bool(pair.server.events))
        pair.server.transport.write(b"longer than the buffer")
        await until(lambda: buffered.data == b"longer than the buffer")
        transport.close()
        await end(pair, client)

    async def test_addresses_are_known(self, transports: type[Transports]) -> None:
        pair = Pair(transports())
        client = await pair.open()
        await until(lambda: bool(pair.accepted) and bool(pair.server.events))
        assert client.transport.get_extra_info("peername")[:2] == (HOST, pair.listener.port)
        assert pair.server.transport.get_extra_info("peername") == client.transport.get_extra_info("sockname")
        await end(pair, client)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def end(pair: Pair, client: Recorder) -> None:
    client.transport.close()
    await client.lost
    await pair.listener.close()


@jumping
async def test_refuse_and_unreachable(clock: JumpingClock) -> None:
    network = MemoryTransports()
    pair = Pair(network)
    await pair.open()
    conditions = network.at(pair.listener.port)
    conditions.refuse = True
    with pytest.raises(ConnectionRefusedError):
        await pair.client()
    conditions.refuse, conditions.unreachable = False, True
    with pytest.raises(TimeoutError):
        async with clock.timeout(100):
            await pair.client()
    assert clock.monotonic() == 100
    conditions.unreachable = False
    await pair.client()
    assert network.connections == 2


@jumping
async def test_silence_swallows_data_and_ends(clock: JumpingClock) -> None:
    network = MemoryTransports()
    pair = Pair(network)
    client = await pair.open()
    await turns()
    network.at(pair.listener.port).silent = True
    client.transport.write(b"anybody there?")
    client.transport.close()
    await turns()
    assert pair.server.events == ["made"]
    assert client.events == ["made", "lost"]


@jumping
async def test_delay_is_one_way_and_keeps_the_order(clock: JumpingClock) -> None:
    network = MemoryTransports()
    pair = Pair(network)
    client = await pair.open()
    conditions = network.at(pair.listener.port)
    conditions.delay = 2.0
    client.transport.write(b"slow ")
    conditions.delay = 0.0
    client.transport.write(b"fast")
    await clock.sleep(1.999)
    assert pair.server.data == b""
    await clock.sleep(0.001)
    await turns()
    assert pair.server.data == b"slow fast"


@jumping
async def test_split_delivers_piece_by_piece(clock: JumpingClock) -> None:
    network = MemoryTransports()
    pair = Pair(network)
    client = await pair.open()
    network.at(pair.listener.port).split = 3
    client.transport.write(b"abcdefgh")
    await turns()
    assert pair.server.events == ["made", b"abc", b"def", b"gh"]


@jumping
async def test_reset_and_drop(clock: JumpingClock) -> None:
    network = MemoryTransports()
    pair = Pair(network)
    first = await pair.open()
    port = pair.listener.port
    network.reset(port)
    await turns()
    assert first.events == ["made", "ConnectionResetError"]
    assert pair.server.events == ["made", "ConnectionResetError"]
    second = await pair.client()
    network.drop(port)
    await turns()
    assert second.events == ["made", "ConnectionResetError"]
    assert network.connections == 0
    with pytest.raises(ConnectionRefusedError):
        await pair.client()
    network.drop(port)


@jumping
async def test_writing_to_a_side_that_has_closed_resets(clock: JumpingClock) -> None:
    pair = Pair(MemoryTransports())
    pair.keep = True
    client = await pair.open()
    await turns()
    pair.server.transport.close()
    await turns()
    assert client.events == ["made", "eof"]
    client.transport.write(b"still there?")
    await turns()
    assert client.events == ["made", "eof", "ConnectionResetError"]


def test_a_protocol_that_fails_loses_its_connection_and_is_reported() -> None:
    reported: list[str] = []

    class Broken(Recorder):
        def data_received(self, data: bytes) -> None:
            raise LookupError("bug")

    async def main(clock: JumpingClock) -> list[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))
        pair = Pair(MemoryTransports())
        await pair.open()
        _, broken = await pair.network.connect(Broken, HOST, pair.listener.port)
        await turns()
        pair.server.transport.write(b"x")
        await turns()
        return broken.events

    assert run_jumping(main) == ["made", "LookupError"]
    assert reported == ["protocol failed"]
