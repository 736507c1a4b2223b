"""What runs a written device: a Link whose connection is its startup, and a Driver that calls its methods."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import structlog
from pydantic import BaseModel, ConfigDict

from sereno.client import BEFORE_IT_BEGINS, LET_IT_BEGIN, Client, CommandSpec
from sereno.device._config import DeviceTag, GroupConfig
from sereno.device._driver import Driver, DriverTag, Environment, Link, RunnerPort, ScanColumns
from sereno.device._memory import Memory, NoMemory
from sereno.device._words import in_words
from sereno.model import (
    DeliveryError,
    DeviceError,
    ExpiredError,
    NotConnectedError,
    NotFoundError,
    OperationalState,
    Quality,
    RefusedError,
    SerenoError,
)

from .arguments import checked, plain
from .declare import MISSING
from .device import Device
from .plan import PlannedTag, Rule, placed, plan_of
from .values import Cell, Columns, Values

log = structlog.get_logger(__name__)


class WrittenTagConfig(BaseModel):
    """A tag of a written device is known by its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class TagName:
    """The address of a tag: its name in the class."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """The configuration of a written device: the device itself and where its memorised values are kept."""

    device: Device
    url: str
    memory: Memory = field(default_factory=NoMemory)


class WrittenLink(Link):
    """Up while the device is started."""

    def __init__(self, config: Written, environment: Environment) -> None:
        super().__init__(config.device.path, environment)
        self.device = config.device
        self._memory = config.memory
        self._started = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def connect(self) -> None:
        """Call `startup`, then set what was memorised. Raises what the device raises, in words."""
        device, self._loop = self.device, asyncio.get_running_loop()
        turn = device._turn
        async with turn.mine(self.environment.clock):
            try:
                await turn.call(device.startup)
            except (SerenoError, OSError):
                raise
            except Exception as error:
                log.error("startup failed", device=device.path, exception=in_full(error))
                raise DeliveryError(f"startup: {type(error).__name__}: {error}") from error
            self._started = True
            await self._restore()

    async def close(self) -> None:
        """Call `shutdown` if `startup` had succeeded."""
        device = self.device
        turn = device._turn
        try:
            if self._started:
                self._started = False
                async with turn.mine(self.environment.clock):
                    await turn.call(device.shutdown)
        finally:
            turn.end()

    def lost_from_anywhere(self, reason: str) -> None:
        """As `lost`, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.lost, reason)

    async def _restore(self) -> None:
        device = self.device
        values: Values = device._values
        wanted = values.memorised()
        if not wanted:
            return
        for name, value in (await self._memory.recall(device.path)).items():
            if name not in wanted:
                continue
            try:
                coded = wanted[name].kind.coded(value)
                await apply(device, wanted[name], coded)
            except Exception as error:  # noqa: BLE001 - code of the device; it goes on without the old value
                log.warning("memorised value not restored", device=device.path, tag=name, error=in_words(error))


@dataclass(frozen=True, slots=True, eq=False)
class ScanPlan:
    """One group: its columns, and the method that scans it, if there is one."""

    columns: Columns
    method: Callable[[Any], Any] | None = None

    @property
    def held(self) -> bool:
        """True if there is nothing to call."""
        return self.method is None and all(tag.held for tag in self.columns.tags)


class WrittenDriver(Driver):
    """Calls the methods of one device, one at a time."""

    Config = BaseModel
    TagConfig = WrittenTagConfig
    written: ClassVar[type[Device]] = Device

    @classmethod
    def link_key(cls, config: Written) -> str:
        """See Driver: every device has a link of its own."""
        return config.device.path

    @classmethod
    def open_link(cls, config: Written, environment: Environment) -> Link:
        """See Driver."""
        return WrittenLink(config, environment)

    @classmethod
    def check(cls, config: Any, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: what can be wrong was found when the class was looked at."""
        del config, tags
        return []

    def __init__(self, config: Written, link: Link, environment: Environment) -> None:
        assert isinstance(link, WrittenLink)
        self._device = config.device
        self._memory = config.memory
        self._link = link
        self._clock = environment.clock
        self._values: Values = config.device._values
        self._turn = config.device._turn
        self._logged: dict[str, str] = {}

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> ScanPlan:
        """See Driver."""
        columns = self._values.lay_out([tag.config.name for tag in (*rows, *objects)])
        known = self._device._plan.scans.get(columns.tags[0].group)
        return ScanPlan(columns, None if known is None else known.method)

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """See Driver."""
        return tuple(command.spec for command in self._device._commands.values())

    def remarks(self) -> tuple[str, ...]:
        """See Driver: what the device says that it found out."""
        return self._device.remarks

    def allowed(self, path: str, *, call: bool) -> frozenset[OperationalState]:
        """See Driver."""
        if call:
            command = self._device._commands.get(path)
            return super().allowed(path, call=call) if command is None else command.rule.states
        return self._values.tag(path.rpartition("/")[2]).rule.states

    def at_once(self, name: str) -> bool:
        """See Driver."""
        command = self._device._commands.get(name)
        return command is not None and command.at_once

    def reads(self, name: str) -> bool:
        """See Driver: as the class says."""
        command = self._device._commands.get(name)
        return command is not None and command.spec.reads

    def timeouts(self) -> Mapping[str, float]:
        """See Driver."""
        return {name: command.timeout for name, command in self._device._commands.items() if command.timeout}

    def bind(self, runner: RunnerPort) -> None:
        """See Driver."""
        path = self._device.path
        loop = asyncio.get_running_loop()
        self._values.bind(loop, lambda name: runner.poke(f"{path}/{name}"), self._keep)
        self._device._runtime = Runtime(self._device, self._link, loop, runner)
        self._device._runtime.changed()

    async def scan(self, plan: ScanPlan) -> ScanColumns:
        """See Driver. What code has pushed is published without asking the device again."""
        columns = plan.columns
        if plan.held or columns.pushed:
            return self._values.read(columns, self._clock.wall_ns())
        async with self._turn.mine(self._clock):
            self._check_free()
            columns.busy = True
            try:
                complete = await (self._read_each(columns) if plan.method is None else self._call_scan(plan))
            finally:
                columns.busy = False
        return self._values.read(columns, self._clock.wall_ns(), complete=complete)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        found = self._values.tag(tag.config.name)
        async with self._turn.mine(self._clock, deadline):
            try:
                self._check_free()
                await self._may_begin(deadline)
                await self._require(found.name, found.rule)
                await apply(self._device, found, found.kind.coded(found.kind.opened(value)))
            except asyncio.CancelledError:
                self._turn.give_up()
                raise
            except Exception as error:
                raise self._known(error, found.name) from error

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See Driver."""
        commands = self._device._commands
        if name not in commands:
            known = ", ".join(sorted(commands)) or "none"
            raise NotFoundError(f"device {self._device.path!r} has no command {name!r}; there are: {known}")
        command = commands[name]
        given = checked(command, arguments)
        async with nullcontext() if command.at_once else self._turn.mine(self._clock, deadline):
            try:
                if command.at_once:
                    BEFORE_IT_BEGINS.get()()
                else:
                    self._check_free()
                    await self._may_begin(deadline)
                await self._require(name, command.rule)
                result = await self._turn.call(bound(command.method, self._device), *given)
                return None if command.result is None else plain(command.result, command.result.coded(result))
            except asyncio.CancelledError:
                if not command.at_once:
                    self._turn.give_up()
                raise
            except Exception as error:
                raise self._known(error, name) from error

    def _check_free(self) -> None:
        """What was given up and still blocks the thread has the device connected anew, with another thread."""
        if self._turn.stuck:
            words = f"{self._device.path} does not return from a command that was given up"
            self._link.lost(words)
            raise NotConnectedError(words)

    async def _may_begin(self, deadline: float | None) -> None:
        """Its turn has come. What does not wait for a turn asks nobody."""
        await LET_IT_BEGIN.get()()
        if deadline is not None and self._clock.monotonic() >= deadline:
            raise ExpiredError(f"its time was over when {self._device.path} was free for it")
        BEFORE_IT_BEGINS.get()()

    async def _require(self, name: str, rule: Rule) -> None:
        if rule.condition is None:
            return
        answer = await self._turn.call(rule.condition, self._device)
        if answer is not True:
            why = f": {answer}" if isinstance(answer, str) and answer else ""
            raise RefusedError(f"{name} is not allowed now{why}")

    def _known(self, error: Exception, name: str) -> Exception:
        """An error of the device's code as one that travels."""
        origin = f"{self._device.path}/{name}"
        if isinstance(error, DeviceError):
            return error.of(origin)
        if isinstance(error, SerenoError | OSError):
            return error
        if isinstance(error, NotImplementedError):
            return DeviceError("not_implemented", str(error) or "this device cannot do that", origin)
        log.error("device code failed", origin=origin, exception=in_full(error))
        return DeviceError(type(error).__name__, str(error) or "no words", origin)

    async def _call_scan(self, plan: ScanPlan) -> bool:
        assert plan.method is not None
        await self._turn.call(bound(plan.method, self._device))
        return True

    async def _read_each(self, columns: Columns) -> bool:
        """Read tag after tag; one that fails is bad alone. Raises when none answered. False if one failed."""
        failures: list[Exception] = []
        readers = [(tag, bound(tag.method, self._device)) for tag in columns.tags if tag.method is not None]
        for is_async, some in groupby(readers, lambda pair: inspect.iscoroutinefunction(pair[1])):
            if is_async:
                results = [(tag, await _tried_async(method)) for tag, method in some]
            else:
                results = await self._turn.in_thread(_tried_all, list(some))
            failures += [failure for tag, result in results if (failure := self._take(tag, result)) is not None]
        if failures and len(failures) == len(readers) and all(isinstance(f, DeliveryError | OSError) for f in failures):
            raise failures[0]
        return not failures

    def _take(self, tag: PlannedTag, result: Any) -> Exception | None:
        """The new value of a tag, or what became of it."""
        if not isinstance(result, Exception):
            try:
                self._values.put(tag.name, Cell(tag.kind.coded(result), int(Quality.GOOD)))
            except (TypeError, ValueError) as error:
                result = DeviceError("wrong_type", str(error))
            else:
                self._logged.pop(tag.name, None)
                return None
        failure: Exception = result
        words = in_words(failure)
        delivery = isinstance(failure, DeliveryError | OSError)
        quality = Quality.NOT_CONNECTED if delivery else Quality.DEVICE_FAILURE
        self._values.put(tag.name, Cell(MISSING, int(quality), 0, words))
        if self._logged.get(tag.name) != words:
            self._logged[tag.name] = words
            more = {} if isinstance(failure, SerenoError | OSError) else {"exception": in_full(failure)}
            log.warning("tag not read", tag=f"{self._device.path}/{tag.name}", error=words, **more)
        return failure

    def _keep(self, name: str, coded: Any) -> None:
        self._memory.keep(self._device.path, name, plain(self._values.tag(name).kind, coded))


class Runtime:
    """What a running device may tell the framework, from any thread."""

    def __init__(self, device: Device, link: WrittenLink, loop: asyncio.AbstractEventLoop, runner: RunnerPort) -> None:
        self._device = device
        self._link = link
        self._loop = loop
        self._runner = runner

    @property
    def state(self) -> OperationalState:
        """The operational state."""
        return self._runner.state

    @property
    def client(self) -> Client:
        """See Device."""
        return self._link.environment.plant(self._device.path)

    @property
    def folder(self) -> Path:
        """See Device."""
        return self._link.environment.folder

    @property
    def environment(self) -> Environment:
        """See Device."""
        return self._link.environment

    def trace(self, direction: str, data: bytes, text: str) -> None:
        """Hand a raw frame, "tx" or "rx", to whoever looks at the link. In the loop."""
        if self._link.taps:
            self._link.trace(direction, data, text)

    def hold(self, state: OperationalState, status: str) -> None:
        """The device is in this state although it answers."""
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._runner.hold, state, status)

    def changed(self) -> None:
        """Tags or commands came or went: the framework takes over all that did so by then."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take_over)

    def ready(self, name: str, count: int) -> None:
        """New data can be read in a tag."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._runner.data_ready, f"{self._device.path}/{name}", count)

    def _take_over(self) -> None:
        changes = self._device._extra.take()
        path = self._device.path
        if changes.removed:
            self._runner.shrink([f"{path}/{name}" for name in changes.removed])
        if changes.added:
            tags = [DeviceTag(DriverTag(placed(tag, path), TagName(tag.name)), tag.group) for tag in changes.added]
            groups = {
                s.name: GroupConfig(s.period, s.phase, held="_every_" not in s.name) for s in changes.scans.values()
            }
            self._runner.extend(tags, groups)
        if changes.commands:
            self._runner.commands_changed()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        self._link.lost_from_anywhere(reason)


async def apply(device: Device, tag: PlannedTag, coded: Any) -> None:
    """Do what a write of a checked value does. The device's turn is the caller's."""
    values: Values = device._values
    before = values.cell(tag.name)
    really = None
    if tag.writer is not None:
        really = await device._turn.call(bound(tag.writer, device), tag.kind.opened(coded))
    now = coded if really is None else tag.kind.coded(really)
    if not tag.held:
        if tag.options.memorised:
            values.remember(tag.name, now)
    elif values.cell(tag.name) is before:
        values.put(tag.name, Cell(now, int(Quality.GOOD)))


def in_full(error: BaseException) -> str:
    """An error with its traceback, plainly: what renders locals would hold up the loop."""
    return "".join(traceback.format_exception(error))


def bound(method: Callable[..., Any], device: Device) -> Callable[..., Any]:
    """A function of the class as a method of the device; a subclass may have replaced it."""
    found: Callable[..., Any] = method.__get__(device)
    return found


async def _tried_async(method: Callable[[], Any]) -> Any:
    try:
        return await method()
    except Exception as error:  # noqa: BLE001 - code of the device
        log.debug("reader raised", task="scan", error=in_words(error))  # told by who takes the results
        return error


def _tried_all(readers: list[tuple[PlannedTag, Callable[[], Any]]]) -> list[tuple[PlannedTag, Any]]:
    results: list[tuple[PlannedTag, Any]] = []
    for tag, method in readers:
        try:
            results.append((tag, method()))
        except Exception as error:  # noqa: BLE001 - code of the device
            log.debug("reader raised", task="scan", error=in_words(error))
            results.append((tag, error))
    return results


def driver_of(cls: type[Device]) -> type[WrittenDriver]:
    """The driver of a device class, as the plant file takes drivers. Raises ConfigurationError as plan_of."""
    fields = {"written": cls, "Config": plan_of(cls).settings, "__module__": __name__}
    return type(f"{cls.__name__}Driver", (WrittenDriver,), fields)
