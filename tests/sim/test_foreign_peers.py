"""Masters that others wrote read and write the simulated server and agree with it."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from sereno.model import ValueType
from sereno.sim.faults import FaultKind, ServerFault
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import Binding, RegisterMemory

NUMBERS = {
    ValueType.INT16: -12345,
    ValueType.UINT16: 54321,
    ValueType.INT32: -1234567890,
    ValueType.UINT32: 4000000000,
    ValueType.INT64: -1234567890123456789,
    ValueType.UINT64: 18000000000000000000,
    ValueType.FLOAT32: 3.25,
    ValueType.FLOAT64: -1.0e-7,
}


@pytest.fixture
async def server():
    server = ModbusServer({1: RegisterMemory(words=1000, bits=3000), 17: RegisterMemory(words=10, bits=10)})
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def client(server):
    client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=60, retries=0)
    assert await client.connect()
    yield client
    client.close()
    while server.connections:
        await asyncio.sleep(0.001)


async def test_pymodbus_reads_and_writes_coils(server, client):
    pattern = [i % 3 == 0 for i in range(1968)]
    assert not (await client.write_coils(5, pattern)).isError()
    assert (await client.read_coils(5, count=1968)).bits[:1968] == pattern
    assert not (await client.write_coil(5, False)).isError()
    assert server.units[1].bits("coil")[5] == 0
    server.units[1].bits("discrete")[100:109] = [1, 0, 0, 1, 1, 0, 1, 0, 1]
    bits = (await client.read_discrete_inputs(100, count=9)).bits[:9]
    assert bits == [True, False, False, True, True, False, True, False, True]
    assert server.counters["writes"] == 2


async def test_pymodbus_reads_and_writes_registers(server, client):
    assert not (await client.write_registers(10, list(range(123)))).isError()
    assert (await client.read_holding_registers(10, count=123)).registers == list(range(123))
    assert not (await client.write_register(11, 65535)).isError()
    assert server.units[1].registers("holding")[11] == 65535
    server.units[1].registers("input")[0:125] = range(1000, 1125)
    assert (await client.read_input_registers(0, count=125)).registers == list(range(1000, 1125))
    assert not (await client.mask_write_register(address=12, and_mask=0x00F0, or_mask=0x0005)).isError()
    assert server.units[1].registers("holding")[12] == (2 & 0xF0) | (5 & ~0xF0)
    reply = await client.readwrite_registers(read_address=10, read_count=3, write_address=10, values=[7, 8])
    assert reply.registers == [7, 8, 2 & 0xF0 | 5]


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("kind", list(NUMBERS))
async def test_pymodbus_agrees_on_every_number_type_in_both_word_orders(server, client, kind, order):
    value = NUMBERS[kind]
    cell = server.units[1].bind(Binding(name="x", table="holding", address=20, type=kind, word_order=order))
    cell.set(value)
    foreign = getattr(client.DATATYPE, kind.value.upper())
    reply = await client.read_holding_registers(20, count=cell.binding.width)
    assert client.convert_from_registers(reply.registers, foreign, word_order=order) == value
    cell.set(0)
    await client.write_registers(20, client.convert_to_registers(value, foreign, word_order=order))
    assert cell.get() == value


async def test_pymodbus_agrees_on_strings_arrays_and_bits(server, client):
    memory = server.units[1]
    text = memory.bind(Binding(name="s", table="holding", address=30, type=ValueType.STRING, length=12))
    text.set("Waterworks")
    registers = (await client.read_holding_registers(30, count=6)).registers
    assert client.convert_from_registers(registers, client.DATATYPE.STRING) == "Waterworks"
    await client.write_registers(30, client.convert_to_registers("river", client.DATATYPE.STRING))
    assert text.get().startswith("river")
    array = memory.bind(Binding(name="a", table="input", address=40, type=ValueType.FLOAT32, count=24))
    array.set([0.5 * i for i in range(24)])
    registers = (await client.read_input_registers(40, count=48)).registers
    assert client.convert_from_registers(registers, client.DATATYPE.FLOAT32) == [0.5 * i for i in range(24)]
    memory.bind(Binding(name="b", table="holding", address=50, type=ValueType.BOOL, bit=9)).set(True)
    assert (await client.read_holding_registers(50, count=1)).registers == [512]


async def test_pymodbus_sees_the_exceptions(server, client):
    server.units[1].forbid("holding", 100, 5)
    assert (await client.read_holding_registers(98, count=3)).exception_code == 2
    assert (await client.read_holding_registers(999, count=2)).exception_code == 2
    assert (await client.write_register(104, 1)).exception_code == 2
    assert (await client.read_exception_status()).exception_code == 1
    assert (await client.read_coils(0, count=1, device_id=99)).exception_code == 11
    assert (await client.read_holding_registers(0, count=10, device_id=17)).registers == [0] * 10
    server.inject(ServerFault(FaultKind.EXCEPTION, code=6), requests=1)
    assert (await client.read_coils(0, count=1)).exception_code == 6


async def test_pymodbus_waits_in_vain_for_a_silent_server(server):
    client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=0.05, retries=0)
    await client.connect()
    server.inject(ServerFault(FaultKind.SILENT))
    with pytest.raises(ModbusIOException):
        await client.read_holding_registers(0, count=1)
    while not server.counters["requests"]:
        await asyncio.sleep(0.001)
    assert server.counters["requests"] == 1
    client.close()
    while server.connections:
        await asyncio.sleep(0.001)


@pytest.fixture
def mbpoll(server, require_program):
    program = require_program("mbpoll", "mbpoll")

    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(program),
            *("-m", "tcp", "-p", str(server.port), "-1", "-0", "-o", "3", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    return run


def _values(output: str) -> list[str]:
    return [line.split("\t", 1)[1].strip() for line in output.splitlines() if line.startswith("[")]


@pytest.mark.parametrize(
    ("kind", "option", "value", "shown"),
    [
        (ValueType.UINT16, "4:hex", 0xBEEF, "0xBEEF"),
        (ValueType.UINT16, "4", 54321, "54321 (-11215)"),
        (ValueType.INT16, "4", -321, "65215 (-321)"),
        (ValueType.INT32, "4:int", -1234567890, "-1234567890"),
        (ValueType.FLOAT32, "4:float", 12.5, "12.5"),
    ],
)
async def test_mbpoll_reads_what_stands_there(server, mbpoll, kind, option, value, shown):
    server.units[1].bind(Binding(name="x", table="holding", address=8, type=kind)).set(value)
    output = await mbpoll("-a", "1", "-r", "8", "-c", "1", "-B", "-t", option, "127.0.0.1")
    assert _values(output) == [shown]


async def test_mbpoll_reads_the_other_tables(server, mbpoll):
    memory = server.units[1]
    memory.registers("input")[3:5] = (7, 9)
    memory.write_bits(6, [True, False, True])
    memory.bits("discrete")[2:4] = (0, 1)
    assert _values(await mbpoll("-r", "3", "-c", "2", "-t", "3", "127.0.0.1")) == ["7", "9"]
    assert _values(await mbpoll("-r", "6", "-c", "3", "-t", "0", "127.0.0.1")) == ["1", "0", "1"]
    assert _values(await mbpoll("-r", "2", "-c", "2", "-t", "1", "127.0.0.1")) == ["0", "1"]


async def test_mbpoll_writes(server, mbpoll):
    await mbpoll("-r", "5", "-t", "4", "127.0.0.1", "123", "456")
    assert list(server.units[1].registers("holding")[5:7]) == [123, 456]
    await mbpoll("-r", "20", "-t", "4:float", "-B", "127.0.0.1", "2.5")
    assert struct.unpack(">f", server.units[1].read_words("holding", 20, 2)) == (2.5,)
    await mbpoll("-r", "9", "-t", "0", "127.0.0.1", "1")
    assert server.units[1].bits("coil")[9] == 1
    assert server.counters["writes"] == 3
