from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno import Device, command, scan, tag
from sereno.client import BEFORE_IT_BEGINS
from sereno.device import DeviceSet, Environment, NoMemory, RetryConfig, device_configs, plan_of
from sereno.model import (
    ConfigurationError,
    DeviceError,
    LinkState,
    NotConnectedError,
    NotFoundError,
    OperationalState,
    Quality,
    RefusedError,
    SerenoError,
    SystemClock,
)
from sereno.testing import DeviceTest, JumpingClock, RecordingIngest, jumping
from tests.device.authoring.devices import (
    Channel,
    Everything,
    Flaky,
    Mode,
    Poller,
    PowerSupply,
    Quick,
    Rack,
    Slow,
)

PATH = "lab/ps_1"


class Kept(NoMemory):
    """Memory that a test looks into."""

    def __init__(self, **values: Any) -> None:
        self.values: dict[str, Any] = values

    async def recall(self, device: str) -> dict[str, Any]:
        return dict(self.values)

    def keep(self, device: str, name: str, value: Any) -> None:
        self.values[name] = value


def running(clock: JumpingClock, cls: Any, path: str = PATH, **more: Any) -> tuple[DeviceSet, RecordingIngest, Any]:
    ingest = RecordingIngest(clock)
    configs = device_configs(cls, path, **more)
    return DeviceSet(configs, ingest, Environment(clock=clock)), ingest, configs[0].config.device


def value(ingest: RecordingIngest, name: str, path: str = PATH) -> Any:
    sample = ingest.latest(f"{path}/{name}")
    return None if sample is None else sample.value


@jumping
async def test_a_group_is_one_batch_per_scan(clock: JumpingClock) -> None:
    devices, ingest, _ = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(1.05)
        group = ingest.of(PATH, "every_0.1s")
        assert 10 <= len(group) <= 12
        assert value(ingest, "voltage") == 0.0
        assert value(ingest, "mode") == 0
        assert ingest.latest(f"{PATH}/current").quality == 0  # type: ignore[union-attr]


@jumping
async def test_what_code_sets_is_published_at_once_and_confirmed_every_second(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(0.5)
        before = len(ingest.of(PATH, "held"))
        device.voltage = 3.0
        device.mode = Mode.HOLDING
        await clock.sleep(0.001)
        assert (value(ingest, "voltage"), value(ingest, "mode")) == (3.0, 2)
        assert len(ingest.of(PATH, "held")) == before + 1
        await clock.sleep(10)
        assert len(ingest.of(PATH, "held")) >= before + 10


@jumping
async def test_a_scan_fills_its_tags_in_one_batch(clock: JumpingClock) -> None:
    devices, ingest, _ = running(clock, Poller)
    async with devices:
        await clock.sleep(5.5)
        for batch in ingest.of(PATH, "poll"):
            assert batch.values[0] == -batch.values[1]
        assert len(ingest.of(PATH, "poll")) in (6, 7)


@jumping
async def test_a_write_passes_the_writer_and_is_held(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, PowerSupply, settings={"limit": 12.0})
    async with devices:
        await clock.sleep(0.2)
        handler = devices.handlers[PATH]
        await handler.write(f"{PATH}/voltage", 5.0)
        await clock.sleep(0.01)
        assert (device.voltage, value(ingest, "voltage")) == (5.0, 5.0)
        with pytest.raises(DeviceError) as caught:
            await handler.write(f"{PATH}/voltage", 20.0)
        assert (caught.value.reason, caught.value.origin) == ("over_limit", f"{PATH}/voltage")
        assert device.voltage == 5.0


@jumping
async def test_arguments_are_checked_and_results_come_back(clock: JumpingClock) -> None:
    devices, _, device = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(0.2)
        call = devices.handlers[PATH].call
        assert await call("ramp", (6,)) == 6.0
        assert await call("ramp", (9.0, 3)) == 9.0
        assert device.mode is Mode.HOLDING
        for arguments, words in [
            ((), r"ramp\(to: float64 \[V\], steps: int64 = 2\) got 0"),
            ((1, 2, 3), "got 3 argument"),
            (("x",), "ramp: to: 'x'"),
            ((31,), "to takes 0 to 30 V, this is 31"),
            ((float("nan"),), "to takes"),
            ((1, 1.5), "steps: 1.5"),
        ]:
            with pytest.raises(RefusedError, match=words):
                await call("ramp", arguments)
        with pytest.raises(NotFoundError, match="there are: ramp, reset"):
            await call("rampp", ())
        assert device.voltage == 9.0


@jumping
async def test_one_tag_that_fails_is_bad_alone_and_says_why(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, Flaky)
    async with devices:
        await clock.sleep(1.5)
        device.broken = True
        await clock.sleep(1)
        bad = ingest.latest(f"{PATH}/bad")
        assert bad is not None
        assert (bad.quality, value(ingest, "good")) == (Quality.DEVICE_FAILURE, 1.0)
        assert ingest.reasons == {f"{PATH}/bad": "burnt: no more (panic)"}
        assert not ingest.of(PATH, "every_1s")[-1].complete
        device.broken = False
        await clock.sleep(1)
        assert (value(ingest, "bad"), ingest.reasons) == (2.0, {})


@jumping
async def test_a_device_that_cannot_be_reached_is_started_again(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, Flaky)
    async with devices:
        await clock.sleep(1.5)
        device.unplugged = True
        await clock.sleep(30)
        assert LinkState.DOWN in [report.state for report in ingest.links]
        assert "connection reset by the other side" in ingest.links[-1].error
        device.unplugged = False
        await clock.sleep(31)
        assert devices.handlers[PATH].state is OperationalState.ENABLED


@jumping
async def test_errors_of_code_travel_with_their_origin(clock: JumpingClock) -> None:
    devices, _, _ = running(clock, Flaky)
    async with devices:
        await clock.sleep(0.1)
        with pytest.raises(DeviceError) as caught:
            await devices.handlers[PATH].call("complain", ())
        error = caught.value
        assert (error.reason, error.description, error.origin, str(error.severity)) == (
            "worn_out", "replace it", f"{PATH}/complain", "error")  # fmt: skip
        with pytest.raises(DeviceError, match="ZeroDivisionError: by zero"):
            await devices.handlers[PATH].call("crash", ())


@jumping
async def test_states_decide_what_is_allowed(clock: JumpingClock) -> None:
    devices, _, device = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(0.2)
        handler = devices.handlers[PATH]
        device.set_state("fault", "the fan stands still")
        await clock.sleep(0.01)
        assert (device.state, handler.status().status) == (OperationalState.FAULT, "the fan stands still")
        await handler.call("reset", ())
        with pytest.raises(RefusedError, match="in state fault, commands need enabled: the fan stands still"):
            await handler.call("ramp", (1,))
        with pytest.raises(RefusedError, match="commands need enabled"):
            await handler.write(f"{PATH}/voltage", 1.0)
        device.set_state("enabled")
        await clock.sleep(0.01)
        await handler.call("ramp", (1,))
        with pytest.raises(ValueError, match="offline"):
            device.set_state("offline")


@jumping
async def test_memorised_values_are_set_again(clock: JumpingClock) -> None:
    memory = Kept(voltage=7.0, mode="hold", gone=1)
    devices, ingest, device = running(clock, PowerSupply, memory=memory)
    async with devices:
        await clock.sleep(0.2)
        assert (value(ingest, "voltage"), device.mode) == (7.0, Mode.IDLE)
        await devices.handlers[PATH].write(f"{PATH}/voltage", 8.0)
        await clock.sleep(0.01)
        assert memory.values["voltage"] == 8.0


@jumping
async def test_a_memorised_value_that_no_longer_fits_is_left_out(clock: JumpingClock) -> None:
    devices, ingest, _ = running(clock, PowerSupply, memory=Kept(voltage=25.0), settings={"limit": 12.0})
    async with devices:
        await clock.sleep(0.2)
        assert value(ingest, "voltage") == 0.0


@jumping
async def test_data_that_is_ready_is_told(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(0.2)
        device.data_ready("voltage", 3)
        await clock.sleep(0.01)
        assert ingest.ready == [(f"{PATH}/voltage", 3)]
        with pytest.raises(NotFoundError, match="no tag 'volt'"):
            device.data_ready("volt")


async def test_a_device_that_blocks_does_not_delay_the_others() -> None:
    async with DeviceTest({"lab/slow": Slow, "lab/quick": Quick}, patience=0) as lab:
        quick = lab["lab/quick"]
        slow: Any = lab["lab/slow"].device
        while not hasattr(slow, "release"):
            await asyncio.sleep(0.001)
        first = await _beats(quick, 0)
        assert await _beats(quick, first + 5) > first
        status = await lab["lab/slow"].status()
        assert status.groups[0].scans == 0  # it has been blocked all the while
        slow.release.set()
        while (await lab["lab/slow"].reading("reading")).value is None:
            await asyncio.sleep(0.001)
        assert await lab["lab/slow"].read("reading") != threading.get_ident()


async def _beats(device: Any, more_than: int) -> int:
    while (seen := await device.read("beats") or 0) <= more_than:
        await asyncio.sleep(0.001)
    return int(seen)


async def test_calls_to_a_device_and_its_children_come_one_after_another() -> None:
    async with DeviceTest({"lab/rack": Rack}) as lab:
        assert lab.keys() == {"lab/rack", "lab/rack/left", "lab/rack/right"}
        calls = [lab[f"lab/rack/{side}"].call("inside") for side in ("left", "right") * 3]
        assert await asyncio.gather(*calls) == [1, 2] * 3
        assert lab["lab/rack"].device.worst == 1
        assert lab["lab/rack/left"].device.parent is lab["lab/rack"].device


async def test_every_kind_is_written_and_read_back() -> None:
    values: dict[str, Any] = {
        "flag": True,
        "count": 2**62 + 1,
        "small": 255,
        "level": -0.25,
        "text": "ñandú",
        "mode": "hold",
        "wave": [1.0, 2.5],
        "fixed": [1, 2, 3],
        "image": [[1, 2, 3], [4, 5, 65535]],
        "table": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        "names": ["a", "b"],
    }
    async with DeviceTest(Everything) as device:
        assert await device.read("level") == 1.5
        for name, wanted in values.items():
            await device.write(name, wanted)
            found = await device.read(name)
            plain = (
                found.tolist() if isinstance(found, np.ndarray) else list(found) if isinstance(found, tuple) else found
            )
            assert plain == wanted, name
        await device.write("secret", "xyz")
        assert device.device.kept == "xyz"
        assert device.device.mode is Mode.HOLDING
        with pytest.raises(RefusedError, match="shape"):
            await device.write("fixed", [1, 2])


@jumping
async def test_a_pushed_value_brings_its_own_time_and_quality(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, PowerSupply)
    async with devices:
        await clock.sleep(0.25)
        device.push("current", 4.5, quality=int(Quality.SENSOR_NOT_ACCURATE), t_source=123_000)
        await clock.sleep(0.001)
        sample = ingest.latest(f"{PATH}/current")
        assert sample is not None
        assert (sample.value, sample.quality, sample.t_source) == (4.5, Quality.SENSOR_NOT_ACCURATE, 123_000)


async def test_values_are_pushed_from_any_thread_and_the_last_one_arrives() -> None:
    async with DeviceTest(PowerSupply) as ps:
        device: Any = ps.device

        def push(offset: int) -> None:
            for i in range(200):
                device.voltage = offset + i / 1000

        threads = [threading.Thread(target=push, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        while await ps.read("voltage") != device.voltage:
            await asyncio.sleep(0.001)


@jumping
async def test_startup_is_tried_until_it_succeeds(clock: JumpingClock) -> None:
    class Stubborn(Quick):
        attempts = 0
        ended = 0

        async def startup(self) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise NotConnectedError("nobody there")

        async def shutdown(self) -> None:
            self.ended += 1

    devices, ingest, device = running(clock, Stubborn)
    async with devices:
        await clock.sleep(0.4)
        assert ingest.links[-1].error == "nobody there"
        await clock.sleep(5)
        assert (device.attempts, device.state) == (3, OperationalState.ENABLED)
        device.reconnect("the cable was pulled")
        await clock.sleep(0.01)
        assert ingest.links[-1].error == "the cable was pulled"
        await clock.sleep(5)
        assert (device.attempts, device.ended) == (4, 1)
    assert device.ended == 2


def test_a_channel_needs_its_number() -> None:
    with pytest.raises(Exception, match="number"):
        Channel()


def test_a_device_knows_where_to_keep_files_once_it_runs(tmp_path: Path) -> None:
    with pytest.raises(NotConnectedError, match="does not run"):
        _ = PowerSupply().folder
    with DeviceTest(PowerSupply, folder=tmp_path) as ps:
        assert ps.device.folder == tmp_path


class Hasty(Device):
    """Is busy for long, and has one command that waits for nothing."""

    busy: int = tag(scan="look", default=0)
    calls: list[str] = tag(default=[])

    @scan(period="1s")
    async def look(self) -> None:
        self.busy += 1
        await self.surroundings.clock.sleep(50.0 if self.busy > 1 else 0.0)

    @command
    async def work(self) -> None:
        await self.surroundings.clock.sleep(20.0)
        self.calls = [*self.calls, "work"]

    @command(at_once=True, allowed=("enabled", "disabled"))
    async def stop(self, why: str) -> str:
        self.calls = [*self.calls, why]
        return why


@jumping
async def test_a_command_at_once_waits_for_nothing_else_of_its_device(clock: JumpingClock) -> None:
    async with DeviceTest(Hasty, clock=clock) as device:
        await clock.sleep(5.0)
        works = [asyncio.create_task(device.call("work")) for _ in range(2)]
        begun = clock.monotonic()
        await clock.sleep(1.0)
        assert await device.call("stop", "now") == "now"
        assert clock.monotonic() < begun + 2.0
        assert list(await device.read("calls")) == ["now"]
        for work in works:
            with suppress(SerenoError):
                await work


def test_a_command_at_once_must_not_need_the_device_s_thread() -> None:
    class Blocks(Device):
        @command(at_once=True)
        def stop(self) -> None:
            """Stop."""

    class Asks(Device):
        @command(at_once=True, allowed=lambda device: True)
        async def stop(self) -> None:
            """Stop."""

    for cls in (Blocks, Asks):
        with pytest.raises(ConfigurationError, match="the command stop is to begin at once"):
            plan_of(cls)


class Blocking(Device):
    """A device whose command may block its thread."""

    gate, begun = threading.Event(), threading.Event()
    starts = 0

    def startup(self) -> None:
        Blocking.starts += 1

    @command
    def hang(self) -> None:
        """Until the test lets it go."""
        self.begun.set()
        self.gate.wait()

    @command
    def add(self, a: int, b: int) -> int:
        """A sum."""
        return a + b


def test_after_a_call_that_blocks_was_given_up_later_ones_work() -> None:
    Blocking.gate.clear()
    Blocking.begun.clear()
    Blocking.starts = 0

    async def main() -> None:
        devices, _, _ = running(SystemClock(), Blocking, retry=RetryConfig(initial=0.01))  # type: ignore[arg-type]
        async with devices:
            handler = devices.handlers[PATH]
            while handler.state is not OperationalState.ENABLED:
                await asyncio.sleep(0.01)
            hanging = asyncio.create_task(handler.call("hang", ()))
            await asyncio.to_thread(Blocking.begun.wait)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            with pytest.raises(NotConnectedError, match="does not return from a command that was given up"):
                await handler.call("add", (1, 2))
            while handler.state is not OperationalState.ENABLED:
                await asyncio.sleep(0.01)
            assert await handler.call("add", (1, 2)) == 3
            assert Blocking.starts == 2
        Blocking.gate.set()

    asyncio.run(main())


@jumping
async def test_what_kept_a_command_is_judged_when_its_turn_has_come(clock: JumpingClock) -> None:
    """A scan of the device is under way, and by its end the command may not go any more."""
    devices, _, device = running(clock, Scanning)
    async with devices:
        await clock.sleep(1.5)
        allowed = [True]

        def check() -> None:
            if not allowed[0]:
                raise RefusedError("the interlock is not met")

        token = BEFORE_IT_BEGINS.set(check)
        call = asyncio.create_task(devices.handlers[PATH].call("go", ()))
        BEFORE_IT_BEGINS.reset(token)
        await clock.sleep(0.1)
        allowed[0] = False
        with pytest.raises(RefusedError, match="the interlock is not met"):
            await call
        assert device.gone == 0


@jumping
async def test_a_command_at_once_overtakes_writes_and_commands_that_wait(clock: JumpingClock) -> None:
    devices, _, device = running(clock, Scanning)
    async with devices:
        await clock.sleep(1.5)
        handler = devices.handlers[PATH]
        waiting = [
            asyncio.create_task(handler.write(f"{PATH}/place", 5.0)),
            asyncio.create_task(handler.call("go", ())),
        ]
        await clock.sleep(0.1)
        await handler.call("stop", ())
        for task, name in zip(waiting, ("place", "go"), strict=True):
            with pytest.raises(RefusedError, match=f"{name} was overtaken by stop"):
                await task
        assert (device.gone, device.place) == (0, 0.0)
        await handler.write(f"{PATH}/place", 6.0)
        assert device.place == 6.0


class Scanning(Device):
    """A device that is busy with itself most of the time."""

    level: float = tag(scan="look")
    place: float = tag(write=True)
    gone = 0

    @scan(period=1.0)
    async def look(self) -> None:
        await self.surroundings.clock.sleep(0.9)
        self.level = 1.0

    @command(at_once=True)
    async def stop(self) -> None:
        """Stop."""

    @command
    async def go(self) -> None:
        """Go."""
        self.gone += 1
