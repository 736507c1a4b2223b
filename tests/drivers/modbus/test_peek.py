"""Peek and survey, against pymodbus' server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest

from sereno.drivers.modbus import peek, survey
from sereno.drivers.modbus.peek import PeekValue
from sereno.drivers.modbus.protocol import encode_frame
from sereno.drivers.modbus.survey import ReadableRange
from sereno.model import NoAnswerError, NotConnectedError, RefusedError, ValueType
from tests.ports import free_port

Make = Callable[..., Any]
HOST = "127.0.0.1"


async def test_read_shows_values_and_their_registers(foreign: Make) -> None:
    server = await foreign(holding=[(0, 100)])
    await server.set("holding", 10, [1, 2, 65535])
    found = await peek.read(HOST, "holding:10", port=server.port, count=3)
    assert found == [
        PeekValue("holding:10", 1, (1,)),
        PeekValue("holding:11", 2, (2,)),
        PeekValue("holding:12", 65535, (65535,)),
    ]
    assert type(found[0].value) is int


@pytest.mark.parametrize(
    ("kind", "data", "value", "keys"),
    [
        ("int16", "FFFE", -2, {}),
        ("uint32", "0001 0000", 65536, {}),
        ("float32", "4148 0000", 12.5, {}),
        ("float32", "0000 4148", 12.5, {"word_order": "little"}),
        ("int64", "8000 0000 0000 0001", -(2**63) + 1, {}),
        ("uint64", "FFFF FFFF FFFF FFFF", 2**64 - 1, {}),
        ("string", "4142 4300", "ABC", {"length": 4}),
        ("uint8", "12AB", 0xAB, {}),
    ],
)
async def test_read_of_every_type(foreign: Make, kind: str, data: str, value: Any, keys: dict[str, Any]) -> None:
    server = await foreign()
    registers = list(struct.unpack(f">{len(bytes.fromhex(data)) // 2}H", bytes.fromhex(data)))
    await server.set("input", 20, registers)
    (found,) = await peek.read(HOST, "input:20", port=server.port, kind=ValueType(kind), **keys)
    assert found == PeekValue("input:20", value, tuple(registers))


async def test_read_of_bits(foreign: Make) -> None:
    server = await foreign()
    await server.set("coil", 16, [True, False])
    await server.set("holding", 3, [0b1000])
    found = await peek.read(HOST, "coil:16", port=server.port, count=2)
    assert found == [PeekValue("coil:16", True), PeekValue("coil:17", False)]
    assert await peek.read(HOST, "holding:3.3", port=server.port) == [PeekValue("holding:3.3", True, (8,))]
    assert await peek.read(HOST, "holding:3.2-4", port=server.port) == [PeekValue("holding:3.2-4", 2, (8,))]


async def test_what_is_refused_has_its_reason(foreign: Make) -> None:
    server = await foreign(holding=[(0, 12)])
    found = await peek.read(HOST, "holding:10", port=server.port, count=2, kind=ValueType.UINT32)
    assert [(v.address, v.value, v.reason) for v in found] == [
        ("holding:10", 0, ""),
        ("holding:12", None, "refused by the device"),
    ]


async def test_a_long_read_takes_several_requests(foreign: Make) -> None:
    server = await foreign()
    await server.set("holding", 0, list(range(1000)))
    found = await peek.read(HOST, "holding:0", port=server.port, count=1000)
    assert [v.value for v in found] == list(range(1000))


async def test_write_reads_back(foreign: Make) -> None:
    server = await foreign(holding=[(0, 100)])
    await peek.write(HOST, "holding:5", "0x1F", port=server.port)
    await peek.write(HOST, "holding:6", "-1.5", port=server.port, kind=ValueType.FLOAT32, byte_order="little")
    await peek.write(HOST, "coil:3", "on", port=server.port)
    await peek.write(HOST, "holding:9.2", True, port=server.port)
    await peek.write(HOST, "holding:20", "12", port=server.port, kind=ValueType.STRING, length=4)
    assert await server.get("holding", 5) == [31]
    (found,) = await peek.read(HOST, "holding:6", port=server.port, kind=ValueType.FLOAT32, byte_order="little")
    assert found.value == -1.5
    assert (await server.get("coil", 3))[0] is True
    assert await server.get("holding", 9) == [4]
    assert await server.get("holding", 20, 2) == [0x3132, 0]
    with pytest.raises(RefusedError, match="02 illegal data address"):
        await peek.write(HOST, "holding:200", 1, port=server.port)


async def test_mistakes_are_told_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="did you mean 'holding'"):
        await peek.read(HOST, "holdin:3")
    with pytest.raises(ValueError, match="expected 1 to 5000"):
        await peek.read(HOST, "holding:3", count=0)
    with pytest.raises(ValueError, match="beyond 65535"):
        await peek.read(HOST, "holding:65535", count=2)
    with pytest.raises(ValueError, match="needs its length"):
        await peek.read(HOST, "holding:3", kind=ValueType.STRING)
    with pytest.raises(ValueError, match="is no number"):
        await peek.write(HOST, "holding:3", "seven")


async def test_nobody_there() -> None:
    with pytest.raises(NotConnectedError, match="connection refused"):
        await peek.read(HOST, "holding:3", port=free_port())


async def test_units(foreign: Make) -> None:
    server = await foreign(holding=[(5, 10)])
    seen: list[tuple[int, int]] = []
    found = await survey.units(
        HOST, port=server.port, candidates=range(1, 4), progress=lambda done, of: seen.append((done, of))
    )
    assert (found[0].unit, found[0].remark) == (1, "02 illegal data address")
    assert seen == [(1, 3), (2, 3), (3, 3)]


async def test_ranges(foreign: Make) -> None:
    server = await foreign(holding=[(3, 20), (40, 200)], input=[(0, 5)])
    seen: list[tuple[int, int]] = []
    found = await survey.ranges(
        HOST, port=server.port, tables=["holding", "input"], last=399, progress=lambda done, of: seen.append((done, of))
    )
    assert found == [ReadableRange("holding", 3, 22), ReadableRange("holding", 40, 239), ReadableRange("input", 0, 4)]
    assert seen[-1] == (800, 800)
    assert seen == sorted(seen)
    with pytest.raises(ValueError, match="expected a range within"):
        await survey.ranges(HOST, port=server.port, first=5, last=4)


async def test_units_that_are_silent_or_behind_a_gateway(transports: Any, environment: Any, clock: Any) -> None:
    def answer(frame: bytes) -> bytes:
        unit = frame[6]
        if unit == 2:
            asyncio.get_running_loop().call_soon(clock.advance, 1.0)
            return b""
        return encode_frame(int.from_bytes(frame[:2], "big"), unit, b"\x83\x0b" if unit == 3 else b"\x03\x02\x00\x07")

    transports.answer = answer
    found = await survey.units("plc", candidates=range(1, 5), timeout=0.5, environment=environment)
    assert [u.unit for u in found] == [1, 4]
    assert len(transports.made) == 2, "the silent one cost a connection"
    with pytest.raises(NoAnswerError, match="11 gateway target did not respond"):
        await survey.ranges("plc", unit=3, environment=environment)
