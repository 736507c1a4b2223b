"""One contender of the scan benchmark in a process of its own; prints what it read, in what time, at what CPU time."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import mixed as mixed_map
import numpy as np

from sereno.alarms.limits import LimitWatch
from sereno.app.platform import new_event_loop
from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.hub.hub import Hub
from sereno.model import Limits, SystemClock, TagSpec, ValueType

BLOCK = 125
DEADBAND = 3.0
LIMITS = Limits(lolo=4.0, lo=8.0, hi=60_000.0, hihi=65_000.0)
"""Moving registers pass them now and then."""
FIRST_VALUES = 1.0
"""Seconds that a contender runs before it is measured."""


@dataclass(frozen=True)
class Setting:
    port: int
    connections: int
    blocks: int
    depth: int
    seconds: float
    warm: float = FIRST_VALUES

    def config(self, number: int) -> ModbusConfig:
        """Unit `number`; the link key differs by unit, so that each device has a connection of its own."""
        return ModbusConfig(url=f"tcp://127.0.0.1:{self.port}", unit=number, pipelining=self.depth, timeout=5.0)

    def tags(self, device: str) -> list[DriverTag]:
        return [
            DriverTag(
                TagSpec(path=f"{device}/t{i}", type=ValueType.UINT16, deadband=DEADBAND, limits=LIMITS),
                ModbusTagConfig(address=f"holding:{i}"),
            )
            for i in range(self.blocks * BLOCK)
        ]


class OwnConnections(ModbusDriver):
    """One connection for each unit, where the plant file would name a port for each."""

    @classmethod
    def link_key(cls, config: ModbusConfig) -> str:
        return f"{config.url} unit {config.unit}"


async def measure(setting: Setting, count: Callable[[], int]) -> dict[str, float]:
    await asyncio.sleep(setting.warm)
    before, cpu, wall = count(), time.process_time(), time.perf_counter()
    await asyncio.sleep(setting.seconds)
    return {
        "registers": count() - before,
        "cpu": time.process_time() - cpu,
        "seconds": time.perf_counter() - wall,
    }


def require_true(values: np.ndarray[tuple[int], np.dtype[np.float64]], what: str) -> None:
    """Registers that do not move hold their own address: a contender that reads something else does not count."""
    still = np.arange(len(values)) % 10 != 0
    if not np.array_equal(values[still], np.arange(len(values), dtype=float)[still]):
        raise SystemExit(f"{what} read wrong values")


async def node(setting: Setting) -> dict[str, float]:
    """A node without recorder and pages; scans follow one another."""

    def check(hub: Hub) -> None:
        require_true(hub.table.value[: setting.blocks * BLOCK], "the node")

    return await running_node(setting, setting.tags, check)


async def mixed(setting: Setting) -> dict[str, float]:
    """A node whose devices have values of every kind; `registers` are values then."""

    def check(hub: Hub) -> None:
        rows = [tag for tag in mixed_map.tags("plc1") if tag.spec.is_row]
        held = hub.table.value[[hub.table.paths.get(tag.spec.path) for tag in rows]]
        wrong = [t.spec.path for t, value in zip(rows, held, strict=True) if value != mixed_map.expected(t)]
        if wrong:
            raise SystemExit(f"the node read wrong values: {', '.join(wrong[:5])}")

    return await running_node(setting, mixed_map.tags, check)


async def everybody_answered(devices: DeviceSet) -> None:
    """Return when each device has been read whole."""
    async with asyncio.timeout(60):
        while any(group.scans == 0 for one in devices.handlers.values() for group in one.status().groups):
            await asyncio.sleep(0.05)


async def running_node(
    setting: Setting, tags: Callable[[str], list[DriverTag]], check: Callable[[Hub], None]
) -> dict[str, float]:
    """Hub with deadbands, freshness, limits and devices, as a node runs them."""
    clock = SystemClock()
    hub = Hub(clock)
    hub.add_sink(LimitWatch(hub, lambda _: None))
    configs = [
        DeviceConfig(
            path=f"plc{n}",
            driver=OwnConnections,
            config=setting.config(n),
            groups={"default": GroupConfig(period=0.0001, phase=0.0)},
            tags=tuple(DeviceTag(tag) for tag in tags(f"plc{n}")),
        )
        for n in range(1, setting.connections + 1)
    ]
    devices = DeviceSet(configs, hub, Environment(clock=clock))
    freshness = asyncio.create_task(hub.run_freshness())
    async with devices:
        await everybody_answered(devices)
        found = await measure(setting, lambda: hub.statistics()["rows"])
        statistics = hub.statistics()
        check(hub)
    freshness.cancel()
    with suppress(asyncio.CancelledError):
        await freshness
    return {**found, "changed": statistics["changed"] / statistics["rows"]}


async def acquisition(setting: Setting) -> dict[str, float]:
    """Driver and link alone: columns are made and thrown away."""
    environment, done = Environment(), 0
    stop = asyncio.Event()

    async def scan(number: int) -> None:
        nonlocal done
        config = setting.config(number)
        link = ModbusDriver.open_link(config, environment)
        await link.connect()
        driver = ModbusDriver(config, link, environment)
        plan = driver.compile(setting.tags(f"plc{number}"), [])
        while not stop.is_set():
            columns = await driver.scan(plan)
            done += len(columns.values)
        require_true(columns.values, "the driver")
        await link.close()

    async with asyncio.TaskGroup() as group:
        for n in range(1, setting.connections + 1):
            group.create_task(scan(n))
        found = await measure(setting, lambda: done)
        stop.set()
    return found


async def pymodbus(setting: Setting) -> dict[str, float]:
    """Block reads with pymodbus' asynchronous client, which has one request in flight by its making."""
    from pymodbus.client import AsyncModbusTcpClient

    done, stopped = 0, False

    async def read(client: AsyncModbusTcpClient, unit: int) -> None:
        nonlocal done
        while not stopped:
            for block in range(setting.blocks):
                reply = await client.read_holding_registers(block * BLOCK, count=BLOCK, device_id=unit)
                if reply.registers[1] != block * BLOCK + 1 and (block * BLOCK + 1) % 10:
                    raise SystemExit("pymodbus read wrong values")
                done += BLOCK

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for n in range(1, setting.connections + 1):
            client = AsyncModbusTcpClient("127.0.0.1", port=setting.port)
            await client.connect()
            stack.callback(client.close)
            group.create_task(read(client, n))
        found = await measure(setting, lambda: done)
        stopped = True
    return found


CONTENDERS = {"node": node, "mixed": mixed, "acquisition": acquisition, "pymodbus": pymodbus}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm", type=float, default=FIRST_VALUES)
    for name, default in (("port", 0), ("connections", 16), ("blocks", 64), ("depth", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    contender = CONTENDERS[given.pop("contender")]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(contender(Setting(**given)))), flush=True)


if __name__ == "__main__":
    main()
