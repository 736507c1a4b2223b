"""The serial line: a pair of pseudo-terminals, pymodbus' RTU server at the other end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymodbus.framer import FramerRTU, FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sereno.client import TraceLine
from sereno.device import Environment
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.endpoint import SerialEndpoint
from sereno.drivers.modbus.protocol import ExceptionReply, Read, WriteRegister, WriteReply
from sereno.drivers.modbus.rtu import SerialLink
from sereno.drivers.modbus.tags import ModbusConfig
from sereno.model import LinkState, NoAnswerError, NotConnectedError, RefusedError

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

import pty
import tty

Make = Callable[..., Any]


class Line:
    """Two serial ports joined by a cable; `hold` keeps what the far end says, `far` is its port."""

    def __init__(self) -> None:
        self._masters: list[int] = []
        self._slaves: list[int] = []
        for _ in range(2):
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)
        self.near, self.far = (os.ttyname(slave) for slave in self._slaves)
        self.hold = False
        self.held = b""
        self.change: Callable[[bytes], bytes] = lambda data: data
        loop = asyncio.get_running_loop()
        loop.add_reader(self._masters[0], self._carry, 0, 1)
        loop.add_reader(self._masters[1], self._carry, 1, 0)

    def _carry(self, source: int, target: int) -> None:
        data = os.read(self._masters[source], 4096)
        if source == 1:
            if self.hold:
                self.held += data
                return
            data = self.change(data)
        os.write(self._masters[target], data)

    def release(self) -> None:
        """What was held back arrives now."""
        self.hold = False
        os.write(self._masters[0], self.held)
        self.held = b""

    def close(self) -> None:
        for master in self._masters:
            asyncio.get_running_loop().remove_reader(master)
        for number in (*self._masters, *self._slaves):
            os.close(number)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    registers = [SimData(0, values=list(range(300)), datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[i % 3 == 0 for i in range(64)], datatype=DataType.BITS)]
    device = SimDevice(1, (bits, bits, registers, registers), use_bit_addressing=True)
    server = ModbusSerialServer(device, framer=FramerType.RTU, port=line.far, baudrate=19200, parity="N")
    await server.serve_forever(background=True)
    yield line
    await server.shutdown()
    line.close()


def link_of(line: Line, environment: Environment | None = None) -> SerialLink:
    return SerialLink(SerialEndpoint(line.near, parity="N"), environment or Environment())


async def test_scan_and_write_as_over_tcp(line: Line, tag: Make) -> None:
    device = ModbusConfig(url=f"rtu://{line.near}?baud=19200&parity=N&stop=1")
    environment = Environment()
    link = ModbusDriver.open_link(device, environment)
    assert isinstance(link, SerialLink)
    assert not link.pipelines
    await link.connect()
    lines: list[TraceLine] = []
    link.taps.add(lines.append)
    driver = ModbusDriver(device, link, environment)
    tags = [
        tag("a", "uint16", "holding:7"),
        tag("b", "uint32", "input:20", word_order="little"),
        tag("c", "bool", "coil:9"),
        tag("bit", "bool", "holding:8.3"),
        tag("gone", "uint16", "holding:400"),
    ]
    plan = driver.compile(tags, [])
    columns = await driver.scan(plan)
    assert columns.values[:4].tolist() == [7, 21 * 65536 + 20, 1, 1]
    assert columns.quality[4] != 0
    await driver.write(tags[0], 1234)
    await driver.write(tags[3], False)
    await driver.write(tags[2], False)
    assert (await driver.scan(plan)).values[:4].tolist() == [1234, 21 * 65536 + 20, 0, 0]
    with pytest.raises(RefusedError, match="02 illegal data address for write holding 400 = 1, unit 1"):
        await driver.write(tags[4], 1)
    await link.close()
    first = next(seen for seen in lines if seen.text == "read holding 7..8, unit 1")
    assert first.direction == "tx"
    assert FramerRTU.check_CRC(first.data[:-2], int.from_bytes(first.data[-2:], "big"))
    assert any(seen.direction == "rx" and seen.text == "2 registers, unit 1" for seen in lines)
    assert link.counters["requests"] == link.counters["replies"]
    assert link.counters["bytes_out"] > 0 < link.counters["bytes_in"]


async def test_after_a_time_out_a_late_reply_reaches_nobody(line: Line) -> None:
    link = link_of(line)
    await link.connect()
    assert await link.request(1, WriteRegister(5, 500), 5.0) == WriteReply(6, 5, 500)
    line.hold = True
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s to read holding 5, unit 1"):
        await link.request(1, Read(3, 5, 1), 0.05)
    assert link.state is LinkState.UP
    line.release()
    assert (await link.request(1, Read(3, 6, 1), 0.5)).encode() == bytes.fromhex("03 02 0006")
    assert link.counters["timeouts"] == 1
    await link.close()


async def test_the_line_is_left_silent_for_a_late_reply(line: Line) -> None:
    link = link_of(line)
    await link.connect()
    line.hold = True
    with pytest.raises(NoAnswerError):
        await link.request(1, Read(3, 5, 1), 0.2)
    task = asyncio.create_task(link.request(1, Read(3, 6, 1), 1.0))
    await asyncio.sleep(0.02)
    line.release()
    assert (await task).encode() == bytes.fromhex("03 02 0006")
    await link.close()


async def test_a_silent_unit_does_not_take_the_others_with_it(line: Line) -> None:
    link = link_of(line)
    await link.connect()
    line.hold = True
    with pytest.raises(NoAnswerError, match="unit 9"):
        await link.request(9, Read(3, 5, 1), 0.02)
    line.hold, line.held = False, b""
    assert (await link.request(1, Read(3, 6, 1), 0.5)).encode() == bytes.fromhex("03 02 0006")
    await link.close()


async def test_a_frame_with_a_wrong_checksum_is_no_answer(line: Line) -> None:
    link = link_of(line)
    await link.connect()
    line.change = lambda data: data[:-1] + bytes((data[-1] ^ 1,))
    with pytest.raises(NoAnswerError):
        await link.request(1, Read(3, 5, 1), 0.1)
    await link.close()


async def test_an_answer_of_another_length_is_refused(line: Line) -> None:
    link = link_of(line)
    await link.connect()
    reply = bytes.fromhex("01 03 04 0001 0002")
    line.change = lambda data: reply + FramerRTU.compute_CRC(reply).to_bytes(2, "big")
    with pytest.raises(NoAnswerError, match="reply with 4 data bytes, expected 2"):
        await link.request(1, Read(3, 5, 1), 1.0)
    line.change = lambda data: data
    assert isinstance(await link.request(1, Read(3, 400, 1), 0.5), ExceptionReply)
    await link.close()


async def test_a_port_that_is_not_there() -> None:
    link = SerialLink(SerialEndpoint("/dev/no_such_port"), Environment())
    with pytest.raises(NotConnectedError, match="cannot open /dev/no_such_port: there is no such port"):
        await link.connect()
    assert link.state is LinkState.DOWN
    with pytest.raises(NotConnectedError, match="not sent"):
        await link.request(1, Read(3, 0, 1), 1.0)


async def test_a_port_that_vanishes_is_lost(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_of(line)
    lost: list[str] = []
    link.on_lost = lost.append
    await link.connect()
    line.hold = True
    with pytest.raises(NoAnswerError):
        await link.request(1, Read(3, 5, 1), 0.02)
    link.endpoint = SerialEndpoint("/dev/no_such_port")
    with pytest.raises(NotConnectedError):
        await link.request(1, Read(3, 5, 1), 0.02)
    assert lost == ["cannot open /dev/no_such_port: there is no such port"]
    await link.close()


async def test_requests_take_turns(line: Line, clock: Any) -> None:
    link = link_of(line, Environment(clock=clock))
    await link.connect()
    armed: list[int] = []
    line.change = lambda data: armed.append(clock.armed) or data  # type: ignore[func-returns-value]
    replies = await asyncio.gather(*(link.request(1, Read(3, n, 1), 5.0) for n in range(10, 20)))
    assert [r.encode()[-1] for r in replies] == list(range(10, 20))
    assert set(armed) == {1}, "time runs only for the request that is on the line"
    await link.close()


def test_pymodbus_is_imported_only_when_a_port_is_opened() -> None:
    import subprocess

    code = "import sys, sereno.drivers.modbus.driver, sereno.drivers.modbus.rtu; sys.exit('pymodbus' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
