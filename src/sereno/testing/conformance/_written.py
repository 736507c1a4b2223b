"""The kit for devices that are written in Python: each rule is tried with a device of its own, in real time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sereno.device import ClassPlan, Device, default_name, plan_of
from sereno.model import Access, Ack, AckState, Clock, Quality, SerenoError, SystemClock, TagSpec, ValueType, severity
from sereno.testing._device_test import AsyncTestedDevice, DeviceTest
from sereno.testing._leaks import pending_tasks

from ._kit import Result, Score
from ._witness import Witness

PATIENCE = 10.0
"""Seconds that a device may take to start and to answer."""
HELD_UP = 0.5
"""Seconds that nothing else could run: more harms all other devices of the node."""
ENDING = 2.0
"""Seconds that a thread may take to end after its device has stopped."""
TIMES = 5
LOOK = 0.02
_SAID_NO = (AckState.REFUSED, AckState.FAILED)
Rule = Callable[["Trial"], Awaitable[None]]


class NothingToTryError(Exception):
    """The rule is about something that this device does not have."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A device class with its settings; `running` starts a device of it."""

    cls: type[Device]
    settings: Mapping[str, Any]
    clock: Clock = field(default_factory=SystemClock)

    @property
    def plan(self) -> ClassPlan:
        """What the class declares."""
        return plan_of(self.cls)

    @property
    def writable(self) -> list[TagSpec]:
        """The declarations of its single values that may be written. Raises NothingToTryError if there are none."""
        found = [tag.spec for tag in self.plan.tags.values() if tag.spec.access.writable and not tag.spec.shape]
        if not found:
            raise NothingToTryError("it has no tag of a single value to write")
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[AsyncTestedDevice]:
        """A device, once it has answered. Raises NotConnectedError with what keeps it."""
        async with DeviceTest(
            {f"test/{default_name(self.cls)}": self.cls}, patience=PATIENCE, **self.settings
        ) as devices:
            yield next(iter(devices.values()))


async def starts_and_answers(trial: Trial) -> None:
    """It starts within ten seconds, and every scan group answers."""
    async with trial.running() as device:
        status = await device.status()
        assert not status.last_error, f"it says {status.last_error}"


async def reads_every_tag(trial: Trial) -> None:
    """Every tag that is scanned has a good value."""
    scanned = [name for name, tag in trial.plan.tags.items() if not tag.held and tag.spec.access is not Access.WRITE]
    if not scanned:
        raise NothingToTryError("it has no tag that is scanned")
    async with trial.running() as device:
        for name in scanned:
            reading = await device.reading(name)
            assert severity(reading.quality) != "bad", f"{name} is {reading.reason}"


async def shows_what_it_declares(trial: Trial) -> None:
    """No value is outside of the range that its tag declares."""
    async with trial.running() as device:
        for name, tag in trial.plan.tags.items():
            if tag.spec.access is Access.WRITE:
                continue
            reading = await device.reading(name)
            low, high = tag.spec.low, tag.spec.high
            assert reading.quality != Quality.OUT_OF_RANGE, f"{name} is {reading.value}, declared {low} to {high}"


async def refuses_values_of_another_type(trial: Trial) -> None:
    """A value of another type is refused before the device's code is asked."""
    async with trial.running() as device:
        for spec in trial.writable:
            wrong: Any = 5 if spec.type is ValueType.STRING else "no such value"
            _said_no(await _written(device, spec.name, wrong), f"{spec.name} took {wrong!r}")


async def refuses_values_beyond_its_limits(trial: Trial) -> None:
    """A value beyond the declared limits is refused."""
    limited = [(s, edge) for s in trial.writable if (edge := s.setpoint.high) is not None]
    if not limited:
        raise NothingToTryError("no tag that is written has an upper limit")
    async with trial.running() as device:
        for spec, edge in limited:
            beyond = edge + max(1.0, abs(edge))
            _said_no(await _written(device, spec.name, beyond), f"{spec.name} took {beyond:g}, its limit is {edge:g}")


async def takes_what_it_shows(trial: Trial) -> None:
    """A tag takes the value that it shows, and the read-back confirms it."""
    async with trial.running() as device:
        tried = 0
        for spec in trial.writable:
            if spec.access is Access.WRITE:
                continue
            reading = await device.reading(spec.name)
            if severity(reading.quality) == "bad":
                continue
            tried += 1
            ack = await _written(device, spec.name, reading.value)
            assert ack.state is AckState.DONE, f"{spec.name} = {reading.value}: {ack.state}, {ack.reason}"
    if not tried:
        raise NothingToTryError("no tag that is written shows a value")


async def refuses_unknown_commands(trial: Trial) -> None:
    """A command that it does not have is refused, and nothing is left unknown."""
    async with trial.running() as device:
        _said_no(await device.client.call(device.path, "no_such_command"), "it took a command that it does not have")


async def refuses_wrong_arguments(trial: Trial) -> None:
    """A command with more arguments than it has parameters is refused, and not executed."""
    if not trial.plan.commands:
        raise NothingToTryError("it has no command")
    async with trial.running() as device:
        for name, command in trial.plan.commands.items():
            many = [0] * (len(command.kinds) + 1)
            _said_no(await device.client.call(device.path, name, *many), f"{name} took {len(many)} arguments")


async def says_what_it_is(trial: Trial) -> None:
    """The class and its commands have a docstring; numbers have a unit or a description."""
    assert trial.plan.description, f"{trial.cls.__name__} has no docstring"
    mute = [name for name, command in trial.plan.commands.items() if not command.spec.description]
    assert not mute, f"{mute[0]} has no docstring"
    for name, tag in trial.plan.tags.items():
        spec = tag.spec
        plain = spec.type in (ValueType.BOOL, ValueType.ENUM, ValueType.STRING)
        assert plain or spec.unit or spec.description, f"{name} has neither a unit nor a description"


async def keeps_the_loop_free(trial: Trial) -> None:
    """Its code never holds up the other devices of its node for half a second; blocking code is not async."""
    late: list[tuple[float, float]] = []

    async def beat() -> None:
        while True:
            due = trial.clock.monotonic() + LOOK
            await trial.clock.sleep(LOOK)
            late.append((due, trial.clock.monotonic()))

    with Witness(trial.clock, LOOK) as witness:
        beating = asyncio.create_task(beat())
        try:
            async with trial.running():
                await trial.clock.sleep(2 * HELD_UP)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
    longest = max((witness.had(*times) for times in late), default=0.0)
    assert longest < HELD_UP, f"nothing else ran for {longest:.2f} s"


async def leaves_nothing_behind(trial: Trial) -> None:
    """It starts and stops five times, and no task and no thread is left."""
    loop = asyncio.get_running_loop()
    async with trial.running():
        pass
    tasks, threads = len(pending_tasks(loop)), set(threading.enumerate())
    for _ in range(TIMES):
        async with trial.running():
            pass
    for _ in range(int(ENDING / LOOK)):
        if not _new_threads(threads):
            break
        await trial.clock.sleep(LOOK)
    left = _new_threads(threads)
    assert not left, f"the thread {left[0]} is left"
    more = pending_tasks(loop)
    assert len(more) <= tasks, f"a task is left: {more[-1]}"


DEVICE_RULES: tuple[Rule, ...] = (
    starts_and_answers,
    reads_every_tag,
    shows_what_it_declares,
    refuses_values_of_another_type,
    refuses_values_beyond_its_limits,
    takes_what_it_shows,
    refuses_unknown_commands,
    refuses_wrong_arguments,
    says_what_it_is,
    keeps_the_loop_free,
    leaves_nothing_behind,
)


def device_conformance(cls: type[Device], settings: Mapping[str, Any] | None = None) -> Score:
    """Try the rules against a device class, each with a fresh device, in real time. Not for a running loop.

    Values are written back as they are shown, so use settings of a device that may be written to.
    Raises ConfigurationError if the class is not well declared.
    """
    trial = Trial(cls, settings or {})
    plan_of(cls)
    return Score(cls.__name__, tuple(_tried(trial, rule) for rule in DEVICE_RULES))


def _tried(trial: Trial, rule: Rule) -> Result:
    name, asks = rule.__name__, (rule.__doc__ or "").strip()

    async def work() -> None:
        await rule(trial)

    try:
        asyncio.run(work())
    except NothingToTryError as error:
        return Result(name, asks, "exempt", str(error))
    except (AssertionError, SerenoError) as error:
        return Result(name, asks, "failed", "; ".join(line.strip() for line in str(error).splitlines()))
    return Result(name, asks, "passed")


async def _written(device: AsyncTestedDevice, name: str, value: Any) -> Ack:
    return await device.client.write(f"{device.path}/{name}", value)


def _said_no(ack: Ack, otherwise: str) -> None:
    assert ack.state in _SAID_NO, f"{otherwise} ({ack.state}: {ack.reason})"


def _new_threads(known: set[threading.Thread]) -> list[str]:
    return [one.name for one in threading.enumerate() if one not in known and not _of_the_house(one)]


def _of_the_house(thread: threading.Thread) -> bool:
    """Threads of the event loop's own pool, which stay for the next work."""
    return thread.name.startswith(("asyncio_", "ThreadPoolExecutor"))
