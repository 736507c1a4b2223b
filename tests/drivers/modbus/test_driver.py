"""The driver: against pymodbus' server for every type and order, and against a scripted device for the rest."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pymodbus.client.mixin import ModbusClientMixin

from sereno.device import Driver, Environment
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.protocol import Read
from sereno.model import NoAnswerError, NotConnectedError, RefusedError
from tests.drivers.modbus.rig import Device, driving, good, scan

Make = Callable[..., Any]
TYPES = ModbusClientMixin.DATATYPE
THEIR_TYPES = {
    "int16": TYPES.INT16, "uint16": TYPES.UINT16, "int32": TYPES.INT32, "uint32": TYPES.UINT32, "int64": TYPES.INT64,
    "uint64": TYPES.UINT64, "float32": TYPES.FLOAT32, "float64": TYPES.FLOAT64,
}  # fmt: skip
VALUES = {
    "int16": -12345, "uint16": 54321, "int32": -1234567890, "uint32": 3234567890, "int64": -(2**62) - 12345,
    "uint64": 2**64 - 54321, "float32": -1234.5625, "float64": math.pi,
}  # fmt: skip


@pytest.mark.parametrize("words", ["big", "little"])
async def test_every_number_that_a_foreign_library_encodes(foreign: Make, config: Make, tag: Make, words: Any) -> None:
    server = await foreign()
    for table in ("holding", "input"):
        for i, (kind, value) in enumerate(VALUES.items()):
            registers = ModbusClientMixin.convert_to_registers(value, THEIR_TYPES[kind], word_order=words)
            await server.set(table, 20 * i, registers)
    tags = [
        tag(f"{table}_{kind}", kind, f"{table}:{20 * i}", access="read")
        for table in ("holding", "input") for i, kind in enumerate(VALUES)
    ]  # fmt: skip
    device = config(url=f"tcp://127.0.0.1:{server.port}", word_order=words)
    assert ModbusDriver.check(device, tags) == []
    async with driving(device) as (driver, _):
        columns = await scan(driver, *tags)
    assert all(good(columns))
    assert columns.complete
    for i, kind in enumerate([*VALUES, *VALUES]):
        assert columns.values[i] == float(VALUES[kind]), tags[i].spec.path
    assert columns.exact is not None
    assert columns.exact.rows.tolist() == [4, 5, 12, 13]
    assert columns.exact.values.view(np.uint64)[1] == VALUES["uint64"]
    assert columns.exact.values[0] == VALUES["int64"]


@pytest.mark.parametrize(
    ("words", "order", "registers"),
    [
        ("big", "big", [0x4146, 0x8000]),
        ("little", "big", [0x8000, 0x4146]),
        ("big", "little", [0x4641, 0x0080]),
        ("little", "little", [0x0080, 0x4641]),
    ],
)
async def test_all_four_orders(
    foreign: Make, config: Make, tag: Make, words: str, order: str, registers: list[int]
) -> None:
    server = await foreign()
    await server.set("holding", 10, registers)
    by_tag = tag("a", "float32", "holding:10", word_order=words, byte_order=order)
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}")) as (driver, _):
        assert (await scan(driver, by_tag)).values.tolist() == [12.40625]
        await driver.write(by_tag, -3.5)
        assert (await scan(driver, by_tag)).values.tolist() == [-3.5]
    device = config(url=f"tcp://127.0.0.1:{server.port}", word_order=words, byte_order=order)
    async with driving(device) as (driver, _):
        assert (await scan(driver, tag("a", "float32", "holding:10"))).values.tolist() == [-3.5]


async def test_bits_strings_and_arrays(foreign: Make, config: Make, tag: Make) -> None:
    server = await foreign()
    await server.set("coil", 16, [True, False, True])
    await server.set("discrete", 32, [True] * 9)
    await server.set(
        "holding", 0, [0b1000_0000_0010_0100, *ModbusClientMixin.convert_to_registers("Mill 3", TYPES.STRING)]
    )
    await server.set("input", 7, [1, 2, 65535])
    tags = [
        tag("c16", "bool", "coil:16"),
        tag("c17", "bool", "coil:17"),
        tag("c18", "enum", "coil:18", labels=("shut", "open")),
        tag("d40", "bool", "discrete:40", access="read"),
        tag("d41", "bool", "discrete:41", access="read"),
        tag("bit2", "bool", "holding:0.2"),
        tag("bit15", "bool", "holding:0.15"),
        tag("nibble", "uint8", "holding:0.2-5"),
        tag("name", "string", "holding:1", length=6),
        tag("trend", "int16", "input:7", count=3, access="read"),
        tag("flags", "bool", "coil:16", count=3),
    ]
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}")) as (driver, _):
        columns = await scan(driver, *tags)
    assert columns.values.tolist() == [1, 0, 1, 1, 0, 1, 1, 9]
    name, trend, flags = (value for _, value, quality in columns.objects if quality == 0)
    assert name == "Mill 3"
    assert trend.tolist() == [1, 2, -1]
    assert flags.tolist() == [True, False, True]


async def test_what_is_written_stands_in_the_foreign_server(foreign: Make, config: Make, tag: Make) -> None:
    server = await foreign()
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}")) as (driver, _):
        await driver.write(tag("a", "uint16", "holding:0"), 77)
        await driver.write(tag("b", "float32", "holding:2", word_order="little"), 1.5)
        await driver.write(tag("c", "int64", "holding:4"), -(2**60) - 1)
        await driver.write(tag("d", "bool", "holding:8.3"), True)
        await driver.write(tag("e", "bool", "coil:5"), True)
        await driver.write(tag("f", "bool", "coil:16", count=4), [True, False, True, True])
        await driver.write(tag("g", "string", "holding:10", length=5), "Mixer")
        await driver.write(tag("h", "float64", "holding:20", raw_type="int16", scale=0.1), -12.3)
    assert await server.get("holding", 0) == [77]
    assert ModbusClientMixin.convert_from_registers(
        await server.get("holding", 2, 2), TYPES.FLOAT32, word_order="little"
    ) == 1.5  # fmt: skip
    assert ModbusClientMixin.convert_from_registers(await server.get("holding", 4, 4), TYPES.INT64) == -(2**60) - 1
    assert await server.get("holding", 8) == [8]
    assert (await server.get("coil", 5))[0] is True
    assert (await server.get("coil", 16, 4))[:4] == [True, False, True, True]
    assert ModbusClientMixin.convert_from_registers(await server.get("holding", 10, 3), TYPES.STRING) == "Mixer"
    assert await server.get("holding", 20) == [65536 - 123]


async def test_a_refused_write_names_the_reason(foreign: Make, config: Make, tag: Make) -> None:
    server = await foreign(holding=[(0, 10)])
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}")) as (driver, _):
        with pytest.raises(RefusedError) as caught:
            await driver.write(tag("a", "uint16", "holding:100"), 3)
        assert str(caught.value) == "device says 02 illegal data address for write holding 100 = 3, unit 1"
        with pytest.raises(RefusedError, match="does not fit uint16"):
            await driver.write(tag("a", "uint16", "holding:0"), 70000)
        with pytest.raises(RefusedError, match="read-only by its nature"):
            await driver.write(tag("a", "uint16", "input:0"), 7)
    with pytest.raises(NotConnectedError):
        await driver.write(tag("a", "uint16", "holding:0"), 7)


async def test_devices_that_know_only_function_16(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    async with driving(config(single_write=False), environment) as (driver, _):
        await driver.write(tag("a", "uint16", "holding:5"), 1)
        await driver.write(tag("c", "bool", "coil:5"), True)
    assert [r.function for r in device.asked] == [16, 15]


async def test_bits_of_a_register_with_and_without_function_22(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    bit = tag("a", "bool", "holding:5.1")
    async with driving(config(), environment) as (driver, _):
        device.refuse = lambda request: 1 if request.function == 22 else 0
        with pytest.raises(RefusedError, match="where it does not know function 22, say mask_write = false"):
            await driver.write(bit, True)
    device.asked.clear()
    async with driving(config(mask_write=False), environment) as (driver, _):
        await driver.write(bit, True)
    assert device.asked[0] == Read(3, 5, 1)
    assert (device.asked[1].address, device.asked[1].value) == (5, 7)


@pytest.mark.parametrize(
    ("code", "error"),
    [(2, RefusedError), (6, RefusedError), (10, RefusedError), (5, NoAnswerError), (11, NoAnswerError)],
)
async def test_after_some_exceptions_a_write_may_still_happen(
    environment: Environment, device: Device, config: Make, tag: Make, code: int, error: type[Exception]
) -> None:
    device.refuse = lambda request: code
    async with driving(config(), environment) as (driver, _):
        with pytest.raises(error, match=f"device says {code:02d}"):
            await driver.write(tag("a", "uint16", "holding:5"), 1)


async def test_a_write_without_an_answer_is_unknown(
    environment: Environment, config: Make, tag: Make, clock: Any
) -> None:
    async with driving(config(timeout=2), environment) as (driver, _):
        task = asyncio.create_task(driver.write(tag("a", "uint16", "holding:5"), 1))
        await asyncio.sleep(0)
        clock.advance(2.1)
        with pytest.raises(NoAnswerError, match="no answer within 2 s to write holding 5 = 1, unit 1"):
            await task


async def test_order_of_the_columns_is_the_order_given(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    numbers = [900, 3, 127, 4, 0, 500, 126, 2]
    async with driving(config(pipelining=4), environment) as (driver, _):
        columns = await scan(driver, *(tag(f"t{n}", "uint16", f"holding:{n}") for n in numbers))
    assert columns.values.tolist() == numbers


async def test_columns_of_one_scan_are_not_those_of_the_next(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    async with driving(config(), environment) as (driver, _):
        plan = driver.compile([tag("a", "uint16", "holding:5")], [])
        first = await driver.scan(plan)
        first.values[:] = -1
        assert (await driver.scan(plan)).values.tolist() == [5]


def test_check_names_both_tags(config: Make, tag: Make) -> None:
    tags = [
        tag("level", "float32", "holding:10"),
        tag("flow", "uint16", "holding:11"),
        tag("ok", "uint16", "holding:30"),
    ]
    overlap = "tag 'flow' (holding 11) overlaps 'level' (holding 10..11) in part"
    assert ModbusDriver.check(config(), tags) == [(1, f"{overlap}; one of them is wrong, or say overlap = true")]
    tags[1] = tag("flow", "uint16", "holding:11", overlap=True)
    assert ModbusDriver.check(config(), tags) == []


@pytest.mark.parametrize(
    ("kind", "address", "keys", "says"),
    [
        ("bool", "discrete:1", {}, "a discrete is read-only by its nature"),
        ("uint16", "input:1", {}, "a input is read-only by its nature"),
        ("uint16", "holding:1", {"count": 124}, "too long to write: 124, at most 123"),
        ("bool", "coil:1", {"count": 1969}, "too long to write: 1969, at most 1968"),
        ("float32", "holding:65535", {}, "beyond 65535"),
        ("float32", "coil:3", {}, "expected type = 'bool'"),
    ],
)
def test_check_finds(config: Make, tag: Make, kind: str, address: str, keys: dict[str, Any], says: str) -> None:
    ((position, text),) = ModbusDriver.check(config(), [tag("t", kind, address, **keys)])
    assert position == 0
    assert text.startswith("tag 't'")
    assert says in text


def test_it_is_a_driver_and_shares_links_by_url(config: Make) -> None:
    assert issubclass(ModbusDriver, Driver)
    assert ModbusDriver.link_key(config(unit=1)) == ModbusDriver.link_key(config(unit=2)) == "tcp://127.0.0.1:5020"


async def test_units_share_a_connection(environment: Environment, device: Device, config: Make, tag: Make) -> None:
    async with driving(config(unit=1), environment) as (first, link):
        second = ModbusDriver(config(unit=2), link, environment)
        a, b = tag("a", "uint16", "holding:5"), tag("b", "uint16", "holding:6")
        results = await asyncio.gather(scan(first, a), scan(second, b), scan(first, b))
        assert [r.values.tolist() for r in results] == [[5], [6], [6]]
        assert link.counters["connects"] == 1
