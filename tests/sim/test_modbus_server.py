from __future__ import annotations

import asyncio
import random

import pytest

from sereno.sim.faults import FaultKind, ServerFault
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory
from sereno.testing import jumping

READ = bytes.fromhex("0300000002")
WRITE = bytes.fromhex("0600000007")


def _server(network, clock=None, **units) -> ModbusServer:
    memories = {1: RegisterMemory(words=200, bits=200), **units}
    return ModbusServer(memories, transports=network, clock=clock, noise=random.Random(1))


async def test_units_have_memories_of_their_own(network, connect):
    server = _server(network)
    server.units[7] = RegisterMemory(words=200, bits=200)
    await server.start()
    master = await connect(server.port)
    await master.ask(WRITE, unit=7)
    assert (await master.ask(READ, unit=7)).hex() == "030400070000"
    assert (await master.ask(READ, unit=1)).hex() == "030400000000"
    assert (await master.ask(READ, unit=9)).hex() == "830b"
    await server.close()


async def test_pipelined_requests_are_answered_in_order_and_each_with_its_transaction(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    server.units[1].registers("holding")[:50] = range(50)
    network.at(server.port).split = 7
    master.send(*(bytes((3, 0, address, 0, 1)) for address in range(50)))
    await master.until(lambda: len(master.frames) == 50)
    assert [f.transaction for f in master.frames] == list(range(1, 51))
    assert [f.pdu[-1] for f in master.frames] == list(range(50))
    await server.close()


async def test_a_request_inside_the_data_of_another_is_data(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    inner = bytes.fromhex("0001 0000 0006 01 0300000001")
    frame = bytes.fromhex("0007 0000 0013 01 10 0005 0006 0c") + inner
    master.transport.write(frame[:-12])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    master.transport.write(inner)
    await master.until(lambda: bool(master.frames))
    assert [(f.transaction, f.pdu.hex()) for f in master.frames] == [(7, "1000050006")]
    assert server.units[1].read_words("holding", 5, 6) == inner
    await server.close()


async def test_it_counts_what_it_really_received(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    other = await connect(server.port)
    await master.ask(READ)
    await master.ask(WRITE)
    await other.ask(bytes.fromhex("05000aff00"))
    await other.ask(bytes.fromhex("0600ff0000"))
    server.inject(ServerFault(FaultKind.SILENT), requests=1)
    other.send(WRITE)
    await other.ask(READ)
    assert server.counters == {
        "connections": 2,
        "requests": 6,
        "writes": 4,
        "exceptions": 1,
        "faults": 1,
        "broken": 0,
    }
    assert server.units[1].writes == 2
    await server.close()


async def test_bytes_that_are_no_modbus_drop_the_connection(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    master.send(READ)
    master.transport.write(b"GET / HTTP/1.1\r\n\r\n")
    await master.until(lambda: master.lost)
    assert len(master.frames) == 1
    assert server.counters["broken"] == 1
    again = await connect(server.port)
    assert (await again.ask(READ))[0] == 3
    await server.close()


async def test_close_drops_the_connections_and_frees_the_port(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    port = server.port
    await server.close()
    await master.until(lambda: master.lost)
    assert not server.connections
    with pytest.raises(ConnectionRefusedError):
        await connect(port)
    await server.close()


async def test_a_taken_port_is_an_os_error(network):
    first, second = _server(network), _server(network)
    await first.start(port=5020)
    with pytest.raises(OSError, match="in use"):
        await second.start(port=5020)
    await first.close()


@jumping
async def test_slow_answers_come_late_in_order_and_the_next_ones_wait_for_them(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.SLOW, 0.5), requests=2)
    begin = clock.monotonic()
    master.send(READ, WRITE, READ)
    await master.until(lambda: len(master.frames) >= 1)
    assert clock.monotonic() - begin == pytest.approx(0.5, abs=0.01)
    await master.until(lambda: len(master.frames) >= 3)
    assert clock.monotonic() - begin == pytest.approx(0.5, abs=0.01)
    assert [f.pdu[0] for f in master.frames] == [3, 6, 3]
    assert [f.transaction for f in master.frames] == [1, 2, 3]
    await server.close()


@jumping
async def test_what_comes_while_an_answer_is_delayed_is_answered_after_it(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.SLOW, 0.5), requests=1)
    master.send(WRITE)
    await clock.sleep(0.1)
    master.send(READ)
    await clock.sleep(0.3)
    assert not master.frames
    await clock.sleep(0.2)
    assert [f.pdu[0] for f in master.frames] == [6, 3]
    await server.close()


@jumping
async def test_a_slow_answer_to_a_master_that_left_goes_nowhere(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.SLOW, 5.0))
    master.send(READ)
    await clock.sleep(1.0)
    master.transport.abort()
    await clock.sleep(10.0)
    assert not server.connections
    assert not master.frames
    await server.close()


@jumping
async def test_silence_neither_executes_nor_answers_and_ends_by_itself(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.SILENT), duration=10.0)
    master.send(WRITE)
    await clock.sleep(9.0)
    assert master.received == b""
    await clock.sleep(2.0)
    assert (await master.ask(READ)).hex() == "030400000000"
    assert not master.lost
    await server.close()


async def test_garbage_is_noise_as_long_as_the_answer_after_executing(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.GARBAGE), requests=1)
    master.send(WRITE)
    await master.until(lambda: len(master.received) == 12)
    assert master.received != bytes.fromhex("000100000006010600000007")
    assert server.units[1].registers("holding")[0] == 7
    await server.close()


async def test_an_exception_refuses_without_executing(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.EXCEPTION, code=6), requests=2)
    assert (await master.ask(WRITE)).hex() == "8606"
    assert (await master.ask(READ)).hex() == "8306"
    assert (await master.ask(READ)).hex() == "030400000000"
    await server.close()


async def test_a_cut_executes_and_hangs_up_in_the_middle_of_the_answer(network, connect):
    server = _server(network)
    await server.start()
    master = await connect(server.port)
    server.inject(ServerFault(FaultKind.CUT), requests=1)
    master.send(READ, WRITE, READ)
    await master.until(lambda: master.lost)
    assert master.received == bytes.fromhex("000100000007")
    assert server.units[1].registers("holding")[0] == 0
    server.inject(ServerFault(FaultKind.CUT), requests=1)
    again = await connect(server.port)
    again.send(WRITE)
    await again.until(lambda: again.lost)
    assert server.units[1].registers("holding")[0] == 7
    await server.close()


@jumping
async def test_a_restart_drops_refuses_and_comes_back_on_its_port_with_its_registers(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    port = server.port
    master = await connect(port)
    await master.ask(WRITE)
    server.inject(ServerFault(FaultKind.RESTART, 5.0))
    await master.until(lambda: master.lost)
    server.inject(ServerFault(FaultKind.RESTART, 60.0))  # one at a time
    await clock.sleep(4.9)
    assert not server.listening
    with pytest.raises(ConnectionRefusedError):
        await connect(port)
    await clock.sleep(0.2)
    again = await connect(port)
    assert (await again.ask(READ)).hex() == "030400070000"
    assert server.port == port
    await server.close()


@jumping
async def test_closing_during_a_restart_leaves_nothing(clock, network, connect):
    server = _server(network, clock)
    await server.start()
    server.inject(ServerFault(FaultKind.RESTART, 5.0))
    await clock.sleep(1.0)
    await server.close()
    await clock.sleep(10.0)
    with pytest.raises(ConnectionRefusedError):
        await connect(server.port)


@jumping
async def test_a_port_taken_during_a_restart_is_logged_not_raised(clock, network):
    server, thief = _server(network, clock), _server(network, clock)
    await server.start()
    server.inject(ServerFault(FaultKind.RESTART, 5.0))
    await clock.sleep(1.0)
    await thief.start(port=server.port)
    await clock.sleep(10.0)
    assert not server.listening
    await server.close()
    await thief.close()


async def test_over_sockets_a_restart_and_a_close_with_open_connections_end():
    server = ModbusServer({1: RegisterMemory(words=10, bits=10)})
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(bytes.fromhex("000100000006010300000001"))
    assert (await reader.readexactly(11)).hex() == "0001000000050103020000"
    server.inject(ServerFault(FaultKind.RESTART, 0.0))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readexactly(1)
    writer.close()
    while not server.listening:
        await asyncio.sleep(0.005)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await server.close()
    writer.close()


def test_it_serves_on_uvloop_too():
    uvloop = pytest.importorskip("uvloop", reason="uvloop does not exist on this system")

    async def once() -> bytes:
        server = ModbusServer({1: RegisterMemory(words=10, bits=10)})
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(bytes.fromhex("000100000006010600000007 000200000006010300000001"))
        answer = await reader.readexactly(23)
        await server.close()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        return answer

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(once()).hex() == "0001000000060106000000070002000000050103020007"


async def test_a_master_that_does_not_read_is_not_read_from():
    server = ModbusServer({1: RegisterMemory(words=200, bits=10)})
    await server.start()
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    requests = bytes.fromhex("00010000000601030000007d") * 2000
    sent = 0
    while not any(c.paused for c in server.connections) and sent < 100:
        writer.write(requests)
        sent += 1
        await asyncio.sleep(0.002)
    assert any(c.paused for c in server.connections)
    seen = server.counters["requests"]
    writer.write(requests * 20)
    sent += 20
    for _ in range(20):
        await asyncio.sleep(0)
    assert server.counters["requests"] == seen
    remaining = sent * 2000 * 259
    begin = loop.time()
    while remaining and loop.time() - begin < 15:
        remaining -= len(await reader.read(1 << 20))
    assert remaining == 0
    writer.close()
    await server.close()
