"""Modbus RTU on a serial line, one request at a time, through pymodbus' serial client.

RTU frames carry no transaction id, so a late reply looks like any other. After a time-out the port is closed, the
line is left silent for one more time-out, and the port is opened anew; the link stays up, because a silent unit must
not take the others on the line with it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sereno.device import Environment
from sereno.model import LinkState, NoAnswerError, NotConnectedError

from .endpoint import SerialEndpoint
from .exchange import Exchange, ModbusLink, Step
from .protocol import DataReply, ExceptionReply, ProtocolError, Reply, check_reply, decode_reply
from .words import pdu_text, request_text

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusSerialClient

_FOREVER = 3600.0
"""pymodbus' own time-out, out of the way: ours runs on the injected clock."""


class SerialLink(ModbusLink):
    """A serial port, shared by all units on the line."""

    def __init__(self, endpoint: SerialEndpoint, environment: Environment) -> None:
        super().__init__(str(endpoint), environment)
        self.endpoint = endpoint
        self.counters.update(dict.fromkeys(("requests", "replies", "timeouts", "exceptions"), 0))
        self.counters.update(dict.fromkeys(("bytes_in", "bytes_out", "connects"), 0))
        self._client: AsyncModbusSerialClient | None = None
        self._turn = asyncio.Lock()
        self._received = b""
        self._silence = 0.0

    async def connect(self) -> None:
        """See Link. Raises NotConnectedError with the reason in one line."""
        self.state = LinkState.CONNECTING
        try:
            await self._open()
        except NotConnectedError:
            self.state = LinkState.DOWN
            raise
        self.state = LinkState.UP
        self.count("connects")

    async def close(self) -> None:
        """See Link."""
        self.state = LinkState.DOWN
        self._shut()

    async def run(self, exchange: Exchange) -> None:
        """See ModbusLink. Other exchanges may have their turn between two requests of this one."""
        for index, step in enumerate(exchange.requests.steps):
            async with self._turn:
                reply = await self._answer(step, exchange)
            if isinstance(reply, ExceptionReply):
                exchange.exceptions[index] = reply.code
                self.counters["exceptions"] += 1
            elif isinstance(reply, DataReply):
                exchange.payload[step.start : step.stop] = reply.data

    async def _open(self) -> None:
        from pymodbus.client import AsyncModbusSerialClient

        line = self.endpoint
        client = AsyncModbusSerialClient(
            line.port,
            baudrate=line.baud,
            parity=line.parity,
            stopbits=line.stop,
            bytesize=line.bits,
            timeout=_FOREVER,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._packet,
        )
        if not await client.connect():
            client.close()
            raise NotConnectedError(f"cannot open {line.port}: {_why_not(line.port)}")
        self._client = client

    def _shut(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _packet(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._received = bytes(data)
            return data
        self.counters["bytes_out"] += len(data)
        if self.taps:
            self.trace("tx", data, pdu_text(data[0], bytes(data[1:-2]), request=True))
        return data

    async def _answer(self, step: Step, exchange: Exchange) -> Reply:
        """One request and its reply, after whatever the line needs to be usable again."""
        if self.state is not LinkState.UP:
            raise NotConnectedError(f"not sent: {self.key} is not open")
        if self._client is None:
            await self._reopen()
        if exchange.urgent:
            exchange.begin(self.environment.clock)
        asked = f"{request_text(step.request)}, unit {step.unit}"
        exchange.sent += 1
        self.counters["requests"] += 1
        try:
            async with self.environment.clock.timeout(exchange.timeout):
                pdu = await self._execute(step)
        except BaseException as error:
            self._shut()
            self._silence = exchange.timeout
            if isinstance(error, TimeoutError):
                self.counters["timeouts"] += 1
                raise NoAnswerError(f"no answer within {exchange.timeout:g} s to {asked}") from None
            raise
        self.counters["replies"] += 1
        self.counters["bytes_in"] += len(self._received)
        if self.taps:
            self.trace("rx", self._received, pdu_text(step.unit, pdu, request=False))
        try:
            reply = decode_reply(pdu)
            check_reply(step.request, reply)
        except ProtocolError as error:
            self._shut()
            raise NoAnswerError(f"no usable answer to {asked}: {error}") from None
        return reply

    async def _execute(self, step: Step) -> bytes:
        """The reply's PDU. Raises NoAnswerError where pymodbus found no valid reply."""
        from pymodbus.exceptions import ModbusException
        from pymodbus.pdu import DecodePDU

        assert self._client is not None
        request = DecodePDU(True).decode(step.request.encode())
        assert request is not None
        request.dev_id = step.unit
        try:
            response = await self._client.execute(False, request)
        except ModbusException as error:
            raise NoAnswerError(f"no usable answer: {error}") from None
        return bytes((response.function_code,)) + bytes(response.encode())

    async def _reopen(self) -> None:
        """After a time-out: let a late reply pass unheard, then start with an empty port."""
        await self.environment.clock.sleep(self._silence)
        try:
            await self._open()
        except NotConnectedError as error:
            self.lost(str(error))
            raise


def _why_not(port: str) -> str:
    if "/" in port and "://" not in port and not Path(port).exists():
        return "there is no such port"
    return "it is in use, or this user may not read and write it"
