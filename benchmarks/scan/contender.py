"""One contender of the scan benchmark in a process of its own; prints what it read, in what time, at what CPU time."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import numpy as np

from sereno.app.platform import new_event_loop
from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.hub.hub import Hub
from sereno.model import SystemClock, TagSpec, ValueType

BLOCK = 125
DEADBAND = 3.0
FIRST_VALUES = 1.0
"""Seconds that a contender runs before it is measured."""


@dataclass(frozen=True)
class Setting:
    port: int
    connections: int
    blocks: int
    depth: int
    seconds: float

    def config(self, number: int) -> ModbusConfig:
        """Unit `number`; the link key differs by unit, so that each device has a connection of its own."""
        return ModbusConfig(url=f"tcp://127.0.0.1:{self.port}", unit=number, pipelining=self.depth, timeout=5.0)

    def tags(self, device: str) -> list[DriverTag]:
        return [
            DriverTag(
                TagSpec(path=f"{device}/t{i}", type=ValueType.UINT16, deadband=DEADBAND),
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
    await asyncio.sleep(FIRST_VALUES)
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
    """Hub, freshness and devices, as a node runs them without recorder and pages; scans follow one another."""
    clock = SystemClock()
    hub = Hub(clock)
    configs = [
        DeviceConfig(
            path=f"plc{n}",
            driver=OwnConnections,
            config=setting.config(n),
            groups={"default": GroupConfig(period=0.0001, phase=0.0)},
            tags=tuple(DeviceTag(tag) for tag in setting.tags(f"plc{n}")),
        )
        for n in range(1, setting.connections + 1)
    ]
    devices = DeviceSet(configs, hub, Environment(clock=clock))
    freshness = asyncio.create_task(hub.run_freshness())
    async with devices:
        found = await measure(setting, lambda: hub.statistics()["rows"])
        statistics = hub.statistics()
        require_true(hub.table.value[: setting.blocks * BLOCK], "the node")
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


CONTENDERS = {"node": node, "acquisition": acquisition, "pymodbus": pymodbus}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--seconds", type=float, default=3.0)
    for name, default in (("port", 0), ("connections", 16), ("blocks", 64), ("depth", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    contender = CONTENDERS[given.pop("contender")]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(contender(Setting(**given)))), flush=True)


if __name__ == "__main__":
    main()
