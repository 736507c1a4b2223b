from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sereno.device import SocketTransports

HOST = "127.0.0.1"


def _uvloop() -> asyncio.AbstractEventLoop:
    uvloop = pytest.importorskip("uvloop", reason="uvloop does not exist for this platform")
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class Greeter(asyncio.Protocol):
    def __init__(self, lost: list[str]) -> None:
        self.lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(b"x" * (4 << 20))  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.append("server")


class Listening(asyncio.Protocol):
    def __init__(self, lost: list[str]) -> None:
        self.lost = lost
        self.made = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.made.done():
            self.made.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.append("client")


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, _uvloop])
def test_closing_a_listener_ends_connections_with_data_under_way(
    factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        lost: list[str] = []
        transports = SocketTransports()
        listener = await transports.listen(lambda: Greeter(lost), HOST, 0)
        transport, client = await transports.connect(lambda: Listening(lost), HOST, listener.port)
        await client.made
        transport.pause_reading()
        async with asyncio.timeout(60):
            await listener.close()
            await listener.close()
        assert lost == ["server"]
        transport.abort()
        while len(lost) < 2:
            await asyncio.sleep(0)
        assert lost == ["server", "client"]

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_the_port_is_known_after_closing() -> None:
    listener = await SocketTransports().listen(asyncio.Protocol, HOST, 0)
    port = listener.port
    await listener.close()
    assert listener.port == port > 0
