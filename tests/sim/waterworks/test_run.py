"""The waterworks on a network, in virtual and in real time."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pymodbus.client import AsyncModbusTcpClient

from sereno.sim.waterworks.run import MOST_CYCLES, run_waterworks
from sereno.testing import JumpingClock, MemoryTransports, jumping, run_jumping

LEVEL = bytes.fromhex("0400180002")
SETPOINT = bytes.fromhex("0300000002")


def _float(pdu: bytes) -> float:
    return struct.unpack(">f", pdu[2:6])[0]


@jumping
async def test_both_plcs_answer_and_time_passes_with_the_clock(clock, network, connect):
    async with run_waterworks(clock=clock, transports=network, seed=1, control_port=None) as running:
        assert running.control_port is None
        assert set(running.urls) == {"river/plc1", "town/plc2"}
        assert running.urls["river/plc1"] == f"tcp://127.0.0.1:{running.servers['river/plc1'].port}"
        master = await connect(running.servers["river/plc1"].port)
        before = _float(await master.ask(LEVEL))
        await clock.sleep(600.05)
        assert running.plant.elapsed == pytest.approx(600.1, abs=0.11)
        assert _float(await master.ask(LEVEL)) != before
        town = await connect(running.servers["town/plc2"].port)
        assert (await town.ask(bytes.fromhex("04012c0002")))[0] == 4
    assert running.skipped == 0
    with pytest.raises(ConnectionRefusedError):
        await connect(running.servers["river/plc1"].port)


@jumping
async def test_a_set_point_written_by_a_master_is_clamped_within_a_scan_and_counted(clock, network, connect):
    async with run_waterworks(clock=clock, transports=network, seed=1) as running:
        server = running.servers["river/plc1"]
        master = await connect(server.port)
        reply = await master.ask(bytes.fromhex("10 0000 0002 04") + struct.pack(">f", 4.0))
        assert reply.hex() == "1000000002"
        assert _float(await master.ask(SETPOINT)) == 4.0
        await clock.sleep(0.11)
        assert _float(await master.ask(SETPOINT)) == 1.5
        assert (server.counters["writes"], running.servers["town/plc2"].counters["writes"]) == (1, 0)


@jumping
async def test_speed_makes_a_minute_of_a_second(clock, network):
    async with run_waterworks(clock=clock, transports=network, seed=1, speed=60.0) as running:
        await clock.sleep(10.01)
        assert running.plant.elapsed == pytest.approx(600.0, abs=1.5)


@jumping
async def test_what_the_machine_cannot_follow_is_skipped_and_counted(clock, network):
    async with run_waterworks(clock=clock, transports=network, seed=1, speed=100_000.0) as running:
        await clock.sleep(0.101)
        assert running.plant.elapsed == pytest.approx(5 * MOST_CYCLES * 0.1 + 0.1)
        assert running.skipped == pytest.approx(5 * (20_000 - MOST_CYCLES), abs=5)


def test_the_same_seed_gives_the_same_plant_bit_for_bit():
    async def picture(clock: JumpingClock) -> tuple[bytes, ...]:
        async with run_waterworks(clock=clock, transports=MemoryTransports(), seed=11) as running:
            await clock.sleep(50.0)
            plant = running.plant
            return tuple(plc.memory.read_words("input", 0, 600) for plc in (plant.river, plant.town))

    assert run_jumping(picture) == run_jumping(picture)


@jumping
async def test_a_silent_plc_goes_on_controlling_and_the_other_answers(clock, network, connect):
    async with run_waterworks(clock=clock, transports=network, seed=1) as running:
        assert running.control.execute("fault river/plc1 silent 10s")[-1] == "ok"
        river = await connect(running.servers["river/plc1"].port)
        town = await connect(running.servers["town/plc2"].port)
        river.send(LEVEL)
        await town.ask(LEVEL)
        before = running.plant.river.uptime
        await clock.sleep(9.0)
        assert running.plant.river.uptime > before + 8.8
        assert river.received == b""
        await clock.sleep(2.0)
        assert (await river.ask(LEVEL))[0] == 4


@jumping
async def test_incidents_over_the_control_lines(clock, network):
    async with run_waterworks(clock=clock, transports=network, seed=1) as running:
        execute, physics = running.control.execute, running.plant.physics
        assert execute("rain 1.5") == ["rain of strength 1.5: turbidity follows within the hour", "ok"]
        assert physics.river.storm == 1.5
        assert execute("trip pump3")[-1] == "ok"
        await clock.sleep(0.11)
        assert running.plant.town.pumps[0].trips == 1
        leak = physics.flows.leak
        execute("burst 100")
        await clock.sleep(0.11)
        assert physics.flows.leak > leak + 0.02
        assert execute("burst 0") == ["the main is repaired", "ok"]
        assert execute("rain") == ["error: '', expected: rain STRENGTH"]
        assert execute("rain 9") == ["error: 9 in rain STRENGTH, expected 0 to 2.5"]
        assert execute("burst nan")[0].startswith("error: nan in burst")
        assert execute("trip pump9") == ["error: 'pump9' is no pump, expected pump1 to pump4"]
        assert any(line.startswith("rain STRENGTH") for line in execute("help"))


@jumping
async def test_a_failure_inside_closes_the_servers_rather_than_freezing_their_values(clock, network, connect):
    async with run_waterworks(clock=clock, transports=network, seed=1) as running:
        master = await connect(running.servers["town/plc2"].port)
        running.plant.town.station = None
        await clock.sleep(1.0)
        assert master.lost
        assert not any(server.listening for server in running.servers.values())


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
async def test_a_speed_that_cannot_be_is_refused(network, speed):
    with pytest.raises(ValueError, match="speed"):
        async with run_waterworks(transports=network, speed=speed):
            pass


@jumping
async def test_a_taken_port_is_an_os_error_and_leaves_nothing(clock, network, connect):
    async with run_waterworks(clock=clock, transports=network, seed=1, river_port=5020, town_port=5021):
        with pytest.raises(OSError, match="5021"):
            async with run_waterworks(clock=clock, transports=network, river_port=5030, town_port=5021):
                pass
        with pytest.raises(ConnectionRefusedError):
            await connect(5030)


async def test_over_sockets_a_foreign_master_agrees_on_every_type():
    async with run_waterworks(seed=1) as running:
        plcs = {"river/plc1": running.plant.river, "town/plc2": running.plant.town}
        running.plant.run(120.0)
        for path, plc in plcs.items():
            client = AsyncModbusTcpClient("127.0.0.1", port=running.servers[path].port, timeout=60)
            assert await client.connect()
            for name in ("firmware", "pump1_energy", "pump3_energy", "total_volume", "demand_forecast", "plc_time"):
                if name in plc.cells:
                    binding = plc.cells[name].binding
                    expected, reply = None, None
                    while reply is None or expected != plc.cells[name].get():  # the plant went on meanwhile
                        expected = plc.cells[name].get()
                        reply = await client.read_input_registers(binding.address, count=binding.width)
                    kind = getattr(client.DATATYPE, binding.type.value.upper())
                    value = client.convert_from_registers(reply.registers, kind, word_order=binding.word_order)
                    if binding.word_order == "little" and binding.count > 1:
                        pairs = [reply.registers[i : i + 2] for i in range(0, 48, 2)]
                        value = [client.convert_from_registers(p, kind, word_order="little") for p in pairs]
                    assert value == pytest.approx(expected) if name != "firmware" else value == expected
            client.close()
        while any(server.connections for server in running.servers.values()):
            await asyncio.sleep(0.001)


async def test_over_sockets_the_control_port_is_on_loopback():
    async with run_waterworks(seed=1) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.control_port)
        writer.write(b"list\nquit\n")
        answer = (await reader.read()).decode()
        assert answer.startswith("river/plc1 on 127.0.0.1:")
        assert answer.endswith("ok\n")
        writer.close()
