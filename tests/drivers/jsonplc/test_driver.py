"""The driver on a jumping clock: every rule of the kit, validity, words, and a PLC with manners of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sereno.device import DriverTag, Environment
from sereno.drivers.jsonplc.driver import JsonPlcDriver, _number
from sereno.drivers.jsonplc.link import JsonPlcLink
from sereno.drivers.jsonplc.protocol import BEAT, ack
from sereno.drivers.jsonplc.tags import JsonPlcConfig, JsonPlcTagConfig
from sereno.model import (
    Access,
    LinkState,
    NoAnswerError,
    NotConnectedError,
    OperationError,
    Quality,
    RefusedError,
    TagSpec,
    ValueType,
)
from sereno.sim.jsonplc.machine import PlcMachine
from sereno.sim.jsonplc.run import run_plc
from sereno.sim.jsonplc.server import PlcServer
from sereno.testing import JumpingClock, MemoryTransports, jumping, run_jumping
from sereno.testing.conformance import conformance
from sereno.testing.conformance.subjects.jsonplc import JsonPlcSubject


def tag(name: str, address: str, kind: str = "float64", labels: tuple[str, ...] = (), **more: Any) -> DriverTag:
    spec = TagSpec(path=f"site/plc/{name}", type=ValueType(kind), labels=labels, access=Access.READ_WRITE)
    return DriverTag(spec, JsonPlcTagConfig(address=address, **more))


@asynccontextmanager
async def plc(clock: JumpingClock, beat: float = 0.0, **how: Any) -> AsyncIterator[tuple[JsonPlcDriver, PlcServer]]:
    transports = MemoryTransports()
    async with run_plc(clock=clock, transports=transports, **how) as server:
        config = JsonPlcConfig(url=f"tcp://127.0.0.1:{server.port}", beat=beat)
        environment = Environment(clock=clock, transports=transports)
        link = JsonPlcDriver.open_link(config, environment)
        await link.connect()
        try:
            yield JsonPlcDriver(config, link, environment), server
        finally:
            await link.close()


async def scan(driver: JsonPlcDriver, *tags: DriverTag) -> Any:
    rows = [one for one in tags if one.spec.is_row]
    return await driver.scan(driver.compile(rows, [one for one in tags if not one.spec.is_row]))


def test_every_rule_of_the_kit_is_kept() -> None:
    score = conformance(JsonPlcSubject())
    assert not score.failures, str(score)
    assert score.passed == 13


@jumping
async def test_values_as_their_types_say(clock: JumpingClock) -> None:
    async with plc(clock) as (driver, _):
        shutter = tag("shutter", "DOME:shutter", "enum", ("closed", "open", "opening", "closing"))
        wind, dry = tag("wind", "WXT520:WindSpeed"), tag("dry", "DRD11:digital", "bool")
        lamp, valid = tag("lamp", "LAMP FLAT CAGIRE:status", "bool"), tag("valid", "VantagePro:valid", "bool")
        found = await scan(driver, shutter, wind, dry, lamp, valid, tag("status", "LAMP_FLAT_CAGIRE:status", "string"))
        assert found.values.tolist() == [0.0, 3.1, 1.0, 1.0, 0.0]
        assert not found.quality.any()
        assert found.objects == ((0, "on", 0),)
        assert driver.remarks() == ("firmware 20170809, site OSM-Mexico",)


@jumping
async def test_what_cannot_be_trusted_is_bad_with_its_reason(clock: JumpingClock) -> None:
    async with plc(clock) as (driver, _):
        tags = (tag("a", "VantagePro:OutsideTemp"), tag("b", "WXT520:Snow"), tag("c", "DOME:shutter"))
        found = await scan(driver, *tags, tag("d", "VantagePro:WindDirCardinal", "string"))
        assert found.values[0] == 12.45
        assert found.quality.tolist() == [Quality.OUT_OF_SERVICE, Quality.CONFIGURATION_ERROR, Quality.BAD]
        assert found.objects == ((0, "SW", Quality.OUT_OF_SERVICE),)
        assert found.reasons == {
            "a": "the PLC calls VantagePro not valid",
            "b": "the PLC does not tell Snow of WXT520",
            "c": "the PLC says 'closed', expected float64",
            "d": "the PLC calls VantagePro not valid",
        }


@jumping
async def test_a_plc_that_hangs_up_after_each_answer_is_asked_all_the_same(clock: JumpingClock) -> None:
    async with plc(clock, hang_up=True) as (driver, server):
        for turn in range(1, 4):
            await scan(driver, tag("wind", "WXT520:WindSpeed"))
            assert server.machine.iterations == turn


@jumping
async def test_a_set_is_acknowledged_or_refused_with_the_words_of_the_plc(clock: JumpingClock) -> None:
    async with plc(clock) as (driver, server):
        light = tag("light", "LIGHTS:dome_light", "bool")
        await driver.write(light, True)
        assert server.machine.devices["LIGHTS"].values["dome_light"].value == "on"
        asked = tag("shutter_setpoint", "DOME:shutter", "enum", ("closed", "open"), command="DOME:shutter")
        await driver.write(asked, 1)
        assert server.machine.devices["DOME"].values["shutter"].value == "opening"
        with pytest.raises(RefusedError, match=r"refused: WXT520:RainRate cannot be set"):
            await driver.write(tag("rain", "WXT520:RainRate"), 1.0)


@pytest.mark.parametrize("value", [10**400, float("inf")])
def test_a_number_beyond_all_numbers_is_none(value: float) -> None:
    assert _number(TagSpec(path="a/b/c"), value) is None


@jumping
async def test_a_plc_that_is_silent_or_gone(clock: JumpingClock) -> None:
    async with plc(clock) as (driver, server):
        server.machine.force({"device_name": "PLC", "broken": 2})
        with pytest.raises(NoAnswerError, match="closed the connection"):
            await scan(driver, tag("wind", "WXT520:WindSpeed"))
        server.machine.force({"device_name": "PLC", "broken": 0})
        await scan(driver, tag("wind", "WXT520:WindSpeed"))
        await server.close()
        await asyncio.sleep(0)
        with pytest.raises(NotConnectedError, match="cannot connect"):
            await scan(driver, tag("wind", "WXT520:WindSpeed"))
        assert driver._link.state is LinkState.DOWN


class Babbler(asyncio.Protocol):
    """Answers whatever it was made with."""

    said = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.said)


@pytest.mark.parametrize(
    ("said", "error"),
    [(b"HTTP/1.1 400", NoAnswerError), (b"[[]]", OperationError), (b"[]", OperationError), (b"[][]", NoAnswerError)],
)
def test_what_is_no_answer_fails_and_is_not_used_again(said: bytes, error: type[Exception]) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        transports = MemoryTransports()
        factory = type("Once", (Babbler,), {"said": said})
        listener = await transports.listen(factory, "127.0.0.1", 0)
        config = JsonPlcConfig(url=f"tcp://127.0.0.1:{listener.port}")
        environment = Environment(clock=clock, transports=transports)
        link = JsonPlcLink(config.url, config.endpoint, environment)
        await link.connect()
        driver = JsonPlcDriver(config, link, environment)
        for _ in range(2):
            if said == b"[][]":
                await _first_of_two(driver)
            else:
                with pytest.raises(error):
                    await scan(driver, tag("wind", "WXT520:WindSpeed"))
        await asyncio.sleep(0)
        assert link.counters["connects"] >= 2 or said == b"[]"
        await link.close()
        await listener.close()

    run()


def test_whether_an_order_was_done_is_not_known_when_the_answer_cannot_be_read() -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        transports = MemoryTransports()
        listener = await transports.listen(type("Once", (Babbler,), {"said": b"[[]]"}), "127.0.0.1", 0)
        config = JsonPlcConfig(url=f"tcp://127.0.0.1:{listener.port}")
        environment = Environment(clock=clock, transports=transports)
        link = JsonPlcLink(config.url, config.endpoint, environment)
        await link.connect()
        shutter = tag("dome_open", "DOME:shutter", "bool", command="DOME:shutter")
        with pytest.raises(NoAnswerError, match="not understood"):
            await JsonPlcDriver(config, link, environment).write(shutter, True)
        await link.close()
        await listener.close()

    run()


async def _first_of_two(driver: JsonPlcDriver) -> None:
    """The first of two answers counts, the second one ends the connection."""
    with pytest.raises(OperationError, match=r"no STATUS|not understood"):
        await scan(driver, tag("wind", "WXT520:WindSpeed"))
    await asyncio.sleep(0)


def test_faults_that_show_without_a_connection() -> None:
    config = JsonPlcConfig.model_validate({"url": "tcp://127.0.0.1"})
    assert config.url == "tcp://127.0.0.1:5003"
    found = JsonPlcDriver.check(config, [tag("valid", "WXT520:valid", "bool"), tag("wind", "WXT520:WindSpeed")])
    assert found == [(0, "tag 'valid': whether a device is valid cannot be written")]
    for url in ("http://x", "tcp://", "tcp://a:99999", "tcp://a/b", 5):
        with pytest.raises(ValueError, match="expected"):
            JsonPlcConfig.model_validate({"url": url})
    for address in ("WXT520", ":RainRate", "WXT520:"):
        with pytest.raises(ValueError, match="DEVICE:VALUE"):
            JsonPlcTagConfig(address=address)


WATCHDOG = "PLC:watchdog"


@jumping
async def test_the_plc_confirms_each_beat(clock: JumpingClock) -> None:
    async with plc(clock, beat=10.0) as (driver, _):
        assert (await scan(driver, tag("watchdog", WATCHDOG))).values.tolist() == [10.0]
        assert driver.remarks() == ("firmware 20170809, site OSM-Mexico",)
    async with plc(clock) as (driver, _):
        assert (await scan(driver, tag("watchdog", WATCHDOG))).values.tolist() == [0.0]


@pytest.mark.parametrize(("reason", "said"), [("out of order", "out of order"), (None, "there was no ACK")])
def test_a_beat_that_is_not_confirmed_any_more_is_told(
    reason: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @run_jumping
    async def _(clock: JumpingClock) -> None:
        async with plc(clock, beat=10.0) as (driver, _):
            await scan(driver, tag("watchdog", WATCHDOG))
            answer = PlcMachine.answer

            def other(machine: PlcMachine, commands: Any) -> Any:
                found = answer(machine, [one for one in commands if one["name"] != BEAT])
                number = [one["id"] for one in commands if one["name"] == BEAT]
                return found if reason is None else [*found, ack(number[0], reason)]

            monkeypatch.setattr(PlcMachine, "answer", other)
            found = await scan(driver, tag("watchdog", WATCHDOG), tag("wind", "WXT520:WindSpeed"))
            assert found.values.tolist() == [0.0, 3.1]
            assert driver.remarks()[-1] == f"the PLC does not confirm the BEAT: {said}"


@pytest.mark.parametrize("steps", [1.0, 60.0, 0.0])
def test_a_plc_whose_clock_stands_still_repeats_what_it_knew(steps: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock shows steps of so many seconds; one that never goes says nothing of its state."""
    halted: list[float] = []

    def date(self: PlcMachine, status: Callable[[PlcMachine], dict[str, Any]] = PlcMachine._status) -> dict[str, Any]:
        now = halted[0] if halted else self._clock.wall_ns() / 1e9
        return {**status(self), "date": f"{now // steps * steps:.0f}" if steps else "2017-03-03T13:45:00"}

    monkeypatch.setattr(PlcMachine, "_status", date)

    @jumping
    async def run(clock: JumpingClock) -> None:
        async with plc(clock) as (driver, _):
            wind = tag("wind", "WXT520:WindSpeed")

            async def scans(seconds: float) -> None:
                for _ in range(int(seconds / 2)):
                    await scan(driver, wind)
                    await clock.sleep(2.0)

            await scans(200.0)
            halted.append(clock.wall_ns() / 1e9)
            if not steps:
                await scans(600.0)
                return
            with pytest.raises(NoAnswerError, match="its clock stands still"):
                await scans(20.0 + 4.0 * steps)
            halted.clear()
            await scans(200.0)

    run()


@jumping
async def test_two_nodes_on_one_plc_are_told_of_each_other(clock: JumpingClock) -> None:
    masters, transports = tag("masters", "PLC:masters", "int32"), MemoryTransports()
    async with run_plc(clock=clock, transports=transports) as server, AsyncExitStack() as stack:

        async def node(name: str, folder: str = "data", beat: float = 10.0) -> JsonPlcDriver:
            config = JsonPlcConfig(url=f"tcp://127.0.0.1:{server.port}", beat=beat, master=name)
            environment = Environment(clock=clock, transports=transports, folder=Path(folder))
            link = JsonPlcDriver.open_link(config, environment)
            await link.connect()
            stack.push_async_callback(link.close)
            return JsonPlcDriver(config, link, environment)

        async def seen(driver: JsonPlcDriver) -> tuple[float, bool]:
            number = (await scan(driver, masters)).values.tolist()[0]
            return number, "another master" in str(driver.remarks())

        here, there = await node("here"), await node("there")
        assert await seen(here) == (1.0, False)
        assert await seen(there) == (2.0, True)
        assert there.remarks()[-1] == "another master commands this PLC: here"
        await there.write(tag("shutter", "DOME:shutter", "enum", ("closed", "open")), 1)
        await clock.sleep(9.0)
        assert await seen(here) == (2.0, True)
        await clock.sleep(52.0)
        assert await seen(here) == (1.0, False), "it has done nothing for a minute"
        again = await node("here")
        assert await seen(again) == (1.0, False), "started again, it is the same"
        first, same, other = await node("", "a"), await node("", "a"), await node("", "b")
        await clock.sleep(60.0)
        assert [await seen(one) for one in (first, same, other)] == [(1.0, False), (1.0, False), (2.0, True)]
        assert await seen(await node("silent", beat=0.0)) == (0.0, False), "who sends no BEAT is told nothing"


@jumping
async def test_a_plc_that_does_not_tell_who_commands_it_is_not_believed_to_be_alone(
    clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.sim.jsonplc.machine.PlcMachine._commanded_by", lambda *_: None)
    async with plc(clock, beat=10.0) as (driver, _):
        found = await scan(driver, tag("masters", "PLC:masters", "int32"), tag("watchdog", WATCHDOG))
        assert found.values.tolist() == [0.0, 10.0]
        assert "another master" not in str(driver.remarks())


def test_who_commands_is_not_written() -> None:
    faults = JsonPlcDriver.check(JsonPlcConfig(url="tcp://h"), [tag("masters", "PLC:masters", "int32")])
    assert faults[0][1] == "tag 'masters': who commands the PLC cannot be written"


def test_the_watchdog_is_not_written() -> None:
    faults = JsonPlcDriver.check(JsonPlcConfig(url="tcp://h"), [tag("watchdog", WATCHDOG)])
    assert faults[0][1] == "tag 'watchdog': the watchdog cannot be written, 'beat' of the device sets it"
