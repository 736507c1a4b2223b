"""What a device refuses, or does not give now: found out once, told per tag, asked for again in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sereno.device import Environment
from sereno.drivers.modbus.protocol import (
    Read,
)
from sereno.model import NoAnswerError, Quality, RefusedError
from tests.drivers.modbus.rig import Device, driving, good, scan

Make = Callable[..., Any]


async def test_holes_in_a_foreign_map_cost_only_what_lies_in_them(foreign: Make, config: Make, tag: Make) -> None:
    server = await foreign(holding=[(0, 20), (30, 20)])
    await server.set("holding", 0, list(range(20)))
    await server.set("holding", 30, list(range(30, 50)))
    tags = [tag(f"t{i}", "uint16", f"holding:{i}") for i in (0, 5, 15, 19, 24, 33, 34, 49, 60)]
    text = tag("text", "string", "holding:25", length=4)
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}")) as (driver, link):
        plan = driver.compile(tags, [text])
        for _ in range(3):
            columns = await driver.scan(plan)
            assert good(columns) == [True, True, True, True, False, True, True, True, False]
            assert columns.values[[0, 1, 2, 3, 5, 6, 7]].tolist() == [0, 5, 15, 19, 33, 34, 49]
            assert np.isnan(columns.values[[4, 8]]).all()
            assert columns.quality[4] == columns.quality[8] == Quality.REFUSED_BY_DEVICE
            assert columns.objects == ((0, None, Quality.REFUSED_BY_DEVICE),)
            assert columns.complete
        asked = link.counters["requests"]
        await driver.scan(plan)
        assert link.counters["requests"] - asked == len(plan.layout.blocks) == 3
        assert link.counters["exceptions"] < 15


async def test_the_wrong_unit_is_one_clear_line(foreign: Make, config: Make, tag: Make) -> None:
    server = await foreign()
    async with driving(config(url=f"tcp://127.0.0.1:{server.port}", unit=9)) as (driver, _):
        plan = driver.compile([tag("a", "uint16", "holding:0"), tag("b", "uint16", "holding:100")], [])
        for _ in range(3):
            with pytest.raises(RefusedError) as caught:
                await driver.scan(plan)
            assert str(caught.value) == (
                "unit 9 refuses everything, the first is holding 0: 04 device failure; is the unit right?"
            )


async def test_a_busy_block_is_missing_only_now(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    tags = [tag("a", "uint16", "holding:0"), tag("b", "uint16", "holding:200")]
    async with driving(config(pipelining=2), environment) as (driver, _):
        plan = driver.compile(tags, [tag("s", "string", "holding:201", length=2)])
        device.refuse = lambda request: 6 if request.address == 200 else 0
        columns = await driver.scan(plan)
        assert (good(columns), columns.complete) == ([True, False], False)
        assert columns.quality[1] == Quality.DEVICE_FAILURE
        assert columns.values[0] == 0
        assert math.isnan(columns.values[1])
        assert columns.objects == ((0, None, Quality.DEVICE_FAILURE),)
        device.refuse = lambda request: 0
        columns = await driver.scan(plan)
        assert (good(columns), columns.complete, columns.values.tolist()) == ([True, True], True, [0, 200])
        assert len(plan.layout.blocks) == 2


async def test_a_device_away_behind_its_gateway_did_not_answer(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    device.refuse = lambda request: 11
    async with driving(config(), environment) as (driver, _):
        with pytest.raises(NoAnswerError, match="unit 1: 11 gateway target did not respond"):
            await scan(driver, tag("a", "uint16", "holding:0"), tag("b", "uint16", "holding:200"))
        device.refuse = lambda request: 11 if request.address else 0
        columns = await scan(driver, tag("a", "uint16", "holding:0"), tag("b", "uint16", "holding:200"))
        assert columns.quality.tolist() == [0, Quality.NOT_CONNECTED]


async def test_refused_addresses_are_asked_for_again_in_time_and_after_a_reconnect(
    environment: Environment, device: Device, config: Make, tag: Make, clock: Any
) -> None:
    tags = [tag(f"t{i}", "uint16", f"holding:{i}") for i in range(10)]
    device.refuse = lambda request: 2 if request.address <= 4 < request.address + request.count else 0
    async with driving(config(retry_refused="30s"), environment) as (driver, link):
        plan = driver.compile(tags, [])
        assert sum(good(await driver.scan(plan))) == 9
        device.refuse = lambda request: 0
        assert sum(good(await driver.scan(plan))) == 9
        await link.close()
        await link.connect()
        assert sum(good(await driver.scan(plan))) == 10
        device.refuse = lambda request: 4 if request.address <= 4 < request.address + request.count else 0
        clock.advance(100)
        assert sum(good(await driver.scan(plan))) == 9
        device.refuse = lambda request: 0
        clock.advance(29)
        assert sum(good(await driver.scan(plan))) == 9
        clock.advance(2)
        assert sum(good(await driver.scan(plan))) == 10


async def test_what_one_group_learned_the_others_know(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    device.refuse = lambda request: 2 if request.address <= 4 < request.address + request.count else 0
    async with driving(config(), environment) as (driver, _):
        await scan(driver, tag("z", "uint16", "holding:50"))
        first = driver.compile([tag("a", "uint16", "holding:4")], [])
        second = driver.compile([tag("b", "uint16", "holding:0"), tag("c", "uint16", "holding:9")], [])
        await driver.scan(first)
        device.asked.clear()
        assert good(await driver.scan(second)) == [True, True]
        assert device.asked == [Read(3, 0, 1), Read(3, 9, 1)], "the second group goes round what the first one met"


async def test_when_everything_in_a_group_is_refused_one_question_keeps_asking(
    environment: Environment, device: Device, config: Make, tag: Make
) -> None:
    device.refuse = lambda request: 2 if request.address else 0
    async with driving(config(), environment) as (driver, _):
        assert good(await scan(driver, tag("z", "uint16", "holding:0"))) == [True]
        plan = driver.compile([tag("a", "uint16", "holding:5"), tag("b", "uint16", "holding:6")], [])
        assert good(await driver.scan(plan)) == [False, False]
        device.asked.clear()
        assert good(await driver.scan(plan)) == [False, False]
        assert device.asked == [Read(3, 5, 1)]
        device.refuse = lambda request: 0
        await driver.scan(plan)
        assert good(await driver.scan(plan)) == [True, True]


async def test_learning_about_a_hopeless_device_does_not_hold_up_a_scan(
    environment: Environment, device: Device, config: Make, tag: Make, clock: Any
) -> None:
    def slow(request: Any) -> int:
        clock.now += 0.1
        return 2

    device.refuse = slow
    async with driving(config(timeout=1.0), environment) as (driver, _):
        plan = driver.compile([tag(f"t{i}", "uint16", f"holding:{i}") for i in range(100)], [])
        began = clock.now
        with pytest.raises(RefusedError, match=r"unit 1 refuses everything, the first is holding 0.*: 02"):
            await driver.scan(plan)
        assert clock.now - began < 3.0
