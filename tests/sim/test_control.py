from __future__ import annotations

import asyncio
import json

import pytest

from sereno.sim.control import HELP, Control, ControlServer
from sereno.sim.faults import FaultKind
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory
from sereno.testing import MemoryTransports, jumping


def _control(clock=None, **more) -> tuple[Control, ModbusServer, ModbusServer]:
    first = ModbusServer({1: RegisterMemory(words=9, bits=9)}, clock=clock, transports=MemoryTransports())
    second = ModbusServer({1: RegisterMemory(words=9, bits=9)}, clock=clock, transports=MemoryTransports())
    return Control({"river/plc1": first, "town/plc2": second}, more), first, second


@pytest.mark.parametrize(
    ("line", "kind", "seconds", "code"),
    [
        ("fault river/plc1 slow 500ms", FaultKind.SLOW, 0.5, 4),
        ("fault river/plc1 slow 2", FaultKind.SLOW, 2.0, 4),
        ("fault river/plc1 silent 10s", FaultKind.SILENT, 1.0, 4),
        ("fault river/plc1 garbage 3x", FaultKind.GARBAGE, 1.0, 4),
        ("fault river/plc1 exception 6 1min", FaultKind.EXCEPTION, 1.0, 6),
        ("fault river/plc1 cut", FaultKind.CUT, 1.0, 4),
    ],
)
def test_a_fault_by_its_line(line, kind, seconds, code):
    control, server, other = _control()
    answer = control.execute(line)
    assert answer[-1] == "ok"
    fault = server.faults.current()
    assert (fault.kind, fault.seconds, fault.code) == (kind, seconds, code)
    assert other.faults.current() is None


def test_the_bound_of_a_fault_is_a_duration_or_a_number_of_requests():
    control, server, _ = _control()
    control.execute("fault river/plc1 silent 2x")
    assert [server.faults.take() is None for _ in range(3)] == [False, False, True]


@jumping
async def test_the_bound_is_of_the_servers_clock(clock):
    control, server, _ = _control(clock)
    control.execute("fault river/plc1 silent 10s")
    await clock.sleep(9.9)
    assert server.faults.current() is not None
    await clock.sleep(0.2)
    assert server.faults.current() is None


@jumping
async def test_a_restart_by_its_line(clock):
    control, server, _ = _control(clock)
    await server.start()
    assert control.execute("fault river/plc1 restart 3s") == ["river/plc1: restart 3s", "ok"]
    await clock.sleep(0.1)
    assert "not listening" in control.execute("list")[0]
    await clock.sleep(3.0)
    assert server.listening
    control.execute("fault river/plc1 restart 1h")
    await clock.sleep(0.1)
    assert not server.listening
    control.execute("clear")
    await clock.sleep(0.1)
    assert server.listening
    await server.close()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("fualt river/plc1 silent", "unknown command 'fualt', did you mean 'fault'?"),
        ("fault river/plc silent", "unknown server 'river/plc', did you mean 'river/plc1'?"),
        ("fault river/plc1 silence", "unknown fault 'silence', did you mean 'silent'?"),
        ("fault river/plc1", "expected: fault SERVER KIND"),
        ("fault river/plc1 slow", "slow takes 1 to 2 words after it, got 0"),
        ("fault river/plc1 slow soon", "'soon' is not a duration, expected for example 500ms"),
        ("fault river/plc1 silent 0x", "'0x' is not a duration"),
        ("fault river/plc1 exception x", "exception code 'x', expected a number from 1 to 255"),
        ("fault river/plc1 exception 0", "exception code '0'"),
        ("fault river/plc1 restart 1s 2s", "restart takes 1 to 1 words"),
        ("clear nothing", "unknown server 'nothing', known: river/plc1, town/plc2"),
    ],
)
def test_a_wrong_line_says_what_was_expected_and_changes_nothing(line, text):
    control, first, second = _control()
    (answer,) = control.execute(line)
    assert answer.startswith("error: ")
    assert text in answer
    assert first.faults.current() is second.faults.current() is None


def test_clear_one_or_all():
    control, first, second = _control()
    control.execute("fault river/plc1 silent")
    control.execute("fault town/plc2 silent")
    assert control.execute("clear town/plc2") == ["ok"]
    assert (first.faults.current() is None, second.faults.current() is None) == (False, True)
    control.execute("fault town/plc2 silent")
    control.execute("clear")
    assert first.faults.current() is second.faults.current() is None


def test_list_and_help_show_servers_and_the_plants_own_commands():
    control, _, _ = _control(rain=("rain  a storm", lambda words: f"rain {words}"))
    assert control.execute("help") == [*HELP, "rain  a storm", "ok"]
    assert control.execute("rain 1 2") == ["rain ['1', '2']", "ok"]
    assert control.execute("") == ["ok"]
    control.execute("fault town/plc2 slow 1s")
    lines = control.execute("list")
    assert "river/plc1 on 127.0.0.1:0" in lines[0]
    assert "town/plc2 on 127.0.0.1:0: not listening; 0 connections, 0 requests" in lines[1]
    told = json.loads(control.execute("list json")[1])
    assert (told["server"], told["listening"], told["fault"], told["requests"]) == ("town/plc2", False, "slow 1s", 0)


async def test_over_a_loopback_port():
    control, server, _ = _control()
    door = ControlServer(control)
    await door.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"fault river/plc1 sil")
    writer.write(b"ent\r\nbad\nquit\nfault river/plc1 cut\n")
    assert (await reader.read()).decode().splitlines() == [
        "river/plc1: silent",
        "ok",
        "error: unknown command 'bad', known: help, list, fault, clear, quit",
    ]
    assert server.faults.current().kind is FaultKind.SILENT
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"x" * 2000)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    await door.close()
    assert await reader.read() == b""
    writer.close()
