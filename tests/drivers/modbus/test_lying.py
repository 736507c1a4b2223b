"""The driver against a device that lies: what it takes for true, what it drops, and that it comes back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.exchange import Exchange, Requests, compile_step
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import DataReply, FrameSplitter, Read, encode_frame
from sereno.model import DeliveryError, NoAnswerError


async def test_a_lost_reply_times_out_whatever_else_is_answered(
    environment: Environment, transports: Any, clock: Any
) -> None:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    wire = transports.made[-1]

    def exchange() -> Exchange:
        return Exchange(Requests([compile_step(1, Read(3, 0, 2))]), bytearray(4), 1.0, 4)

    lost = asyncio.create_task(link.run(exchange()))
    await asyncio.sleep(0)
    wire.take()
    for _ in range(15):
        with suppress(DeliveryError):
            answered = asyncio.create_task(link.run(exchange()))
            await asyncio.sleep(0)
            for frame in FrameSplitter().feed(wire.take()):
                wire.say(encode_frame(frame.transaction, 1, DataReply(3, bytes(4)).encode()))
            await answered
        clock.advance(0.1)
    assert lost.done()
    with pytest.raises(NoAnswerError, match=r"no answer within 1 s to read holding 0\.\.1"):
        await lost
    assert wire.closed
