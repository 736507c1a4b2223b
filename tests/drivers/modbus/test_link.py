"""TcpLink: connecting, and one clear line when that fails."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.exchange import Exchange, Requests
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import ExceptionReply, Read, encode_frame
from sereno.model import LinkState, NotConnectedError


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused (is the server running on that port?)"),
        (socket.gaierror(-2, "Name or service not known"), "unknown host 'plc'"),
        (TimeoutError(), "no answer within 3 s"),
        (OSError(113, "No route to host"), "no route to host"),
        (OSError("odd"), "odd"),
    ],
)
async def test_why_it_does_not_connect(
    environment: Environment, transports: Any, error: BaseException, says: str
) -> None:
    transports.error = error
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    with pytest.raises(NotConnectedError) as caught:
        await link.connect()
    assert str(caught.value) == f"cannot connect to tcp://plc:502: {says}"
    assert link.state is LinkState.DOWN


async def test_a_host_that_swallows_the_connection(environment: Environment, transports: Any, clock: Any) -> None:
    async def never(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    transports.connect = never
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    task = asyncio.create_task(link.connect())
    while not clock.armed:
        await asyncio.sleep(0)
    clock.advance(3.1)
    with pytest.raises(NotConnectedError, match="no answer within 3 s"):
        await task


async def test_a_server_that_hangs_up_at_once(environment: Environment, transports: Any) -> None:
    connect = transports.connect

    async def hang_up(*args: Any) -> Any:
        transport, protocol = await connect(*args)
        transport.hang_up()
        return transport, protocol

    transports.connect = hang_up
    with pytest.raises(NotConnectedError, match="closed it at once"):
        await TcpLink(TcpEndpoint("plc", 502), environment).connect()


async def test_refused_by_a_real_socket() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        link = TcpLink(TcpEndpoint("127.0.0.1", taken.getsockname()[1]), Environment())
        with pytest.raises(NotConnectedError, match="connection refused"):
            await link.connect()


async def test_nothing_to_do_needs_no_reply(environment: Environment, transports: Any) -> None:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    await link.run(Exchange(Requests(()), bytearray(1), 1.0))
    assert transports.made[-1].take() == b""


async def test_a_request_without_a_connection_was_not_sent(environment: Environment) -> None:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    with pytest.raises(NotConnectedError, match="not sent: no connection to tcp://plc:502"):
        await link.request(1, Read(3, 0, 1), 1.0)


async def test_a_refused_request_is_a_reply(environment: Environment, transports: Any) -> None:
    transports.answer = lambda frame: encode_frame(int.from_bytes(frame[:2], "big"), 1, b"\x83\x02")
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    assert await link.request(1, Read(3, 0, 1), 1.0) == ExceptionReply(3, 2)


async def test_a_request_beyond_the_limits_is_not_sent(environment: Environment, transports: Any) -> None:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    with pytest.raises(ValueError, match="expected 1 to 125"):
        await link.request(1, Read(3, 0, 126), 1.0)
    assert transports.made[-1].take() == b""
