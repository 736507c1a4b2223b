"""DeviceRunner: one device as it runs. Publishes its scan groups, keeps its state, executes its commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from sereno.client import ACCEPTED, BEFORE_IT_BEGINS, DeviceStatus, IngestPort, number_in_order
from sereno.model import (
    Access,
    DeliveryError,
    ExpiredError,
    LinkState,
    Marks,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    OperationalState,
    OperationError,
    RefusedError,
)

from ._config import DeviceConfig, DeviceTag, GroupConfig
from ._driver import Driver, DriverTag
from ._group import FAULT_PAUSE, ScanGroup
from ._health import Health
from ._keeper import LinkKeeper
from ._marks import marks_of_nothing, only_reads, with_marks
from ._turns import FREE_TURNS, LinkTurns
from ._words import in_words

log = structlog.get_logger(__name__)

PROBE_PAUSE = 1.0
"""Seconds between questions to a device that does not answer its first one."""


class DeviceRunner:
    """One device: driver, scan groups, operational state, commands (a CommandHandler).

    Registers its tags and groups at `ingest` when built: handles are consecutive, group by group. `rescan(path)` is
    called for a written tag's readback where that tag belongs to another device.
    """

    def __init__(
        self,
        config: DeviceConfig,
        keeper: LinkKeeper,
        turns: LinkTurns,
        ingest: IngestPort,
        *,
        rescan: Callable[[str], None],
    ) -> None:
        self.config = config
        self.path = config.path
        self.link = keeper.link
        self._keeper = keeper
        self._turns = turns
        self._rescan = rescan
        self._clock = self.link.environment.clock
        self._driver: Driver = config.driver(config.config, self.link, self.link.environment)
        self._ready = asyncio.Event()
        self._health = Health(config.path, keeper, ingest, self._patience)
        self._tags = {entry.tag.spec.path: entry.tag for entry in config.tags}
        self._ingest = ingest
        self._handles: dict[str, int] = {}
        self._group_of: dict[str, ScanGroup] = {}
        self._groups = self._make_groups(config.groups)
        self._scans: dict[ScanGroup, asyncio.Task[None]] = {}
        self._origin = 0.0
        self._register(self._groups, list(self._tags.values()))
        self._broken = self._compile()
        self._commands = 0
        self._at_once = (0, "")
        self._greeting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        keeper.add(self._link_changed, self.path)

    # life

    def start(self, origin: float) -> None:
        """Begin to scan as soon as the link is up; phases count from monotonic time `origin`."""
        self._driver.bind(self)
        self._health.start()
        if self._broken:
            self._health.faulty("", self._broken)
            return
        self._origin = origin
        for group in self._groups:
            self._scan(group)
        if self._keeper.state is LinkState.UP:
            self._link_changed(LinkState.UP, "")

    async def stop(self) -> None:
        """Cancel what is under way and go offline; returns when every task has ended."""
        self._ready.clear()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        self._health.stop()

    def retire(self) -> None:
        """Take its tags and groups from the hub and hear no more of its link, once it is stopped."""
        self._keeper.remove(self._link_changed)
        self._ingest.withdraw_tags(list(self._handles.values()))
        for group in self._groups:
            self._ingest.end_group(group.id)

    def adopt(self, config: DeviceConfig) -> None:
        """Go on with a declaration that means the same to driver and link; nothing is interrupted."""
        self.config = config
        self._tags = {entry.tag.spec.path: entry.tag for entry in config.tags}
        for group in self._groups:
            group.adopt(self._tags)

    # commands

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """See CommandHandler. The readback's group is scanned at once afterwards."""
        tag = self._tags.get(path)
        if tag is None:
            raise NotFoundError(f"device {self.path!r} has no tag {path!r}")
        if not tag.spec.access.writable:
            raise RefusedError(f"tag {path!r} is read only")
        states = self._driver.allowed(path, call=False)
        await self._command(tag.spec.name, partial(self._driver.write, tag, value, deadline=deadline), deadline, states)
        readback = path if tag.spec.setpoint.readback == "self" else tag.spec.setpoint.readback
        if group := self._group_of.get(readback):
            # whoever waits for a readback believes the second scan: one under way may be older than the write
            group.poke(2 if group.held else 1)
        elif readback not in self._tags:
            self._rescan(readback)

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See CommandHandler."""
        states = self._driver.allowed(name, call=True)
        send = partial(self._driver.call, name, arguments, deadline=deadline)
        return await self._command(name, send, deadline, states, at_once=self._driver.at_once(name))

    def reads(self, name: str) -> bool:
        """See ReadingHandler: the plant file's word goes before that of the driver's code."""
        return only_reads(name, self.config.marks, self.config.reading, by_code=self._driver.reads(name))

    def poke(self, path: str) -> None:
        """Scan the group of a tag out of turn; nothing happens for a tag that is not scanned."""
        if group := self._group_of.get(path):
            group.poke()

    def extend(self, tags: Sequence[DeviceTag], groups: Mapping[str, GroupConfig]) -> None:
        """See RunnerPort. Raises ValueError for a path that is taken."""
        self.config = replace(self.config, tags=(*self.config.tags, *tags), groups={**self.config.groups, **groups})
        made = self._make_groups(groups)
        self._tags.update({entry.tag.spec.path: entry.tag for entry in tags})
        self._register(made, [entry.tag for entry in tags])
        for group in made:
            self._take_up(group)

    def shrink(self, paths: Sequence[str]) -> None:
        """See RunnerPort."""
        gone = set(paths)
        affected = list(dict.fromkeys(group for path in paths if (group := self._group_of.get(path)) is not None))
        self.config = replace(self.config, tags=tuple(t for t in self.config.tags if t.tag.spec.path not in gone))
        self._ingest.withdraw_tags([self._handles.pop(path) for path in paths])
        for path in paths:
            del self._tags[path]
            self._group_of.pop(path, None)
        for group in affected:
            self._scans.pop(group).cancel()
            self._groups.remove(group)
            self._ingest.end_group(group.id)
            for made in self._make_groups([group.name]):
                self._bind(made)
                self._take_up(made)

    def commands_changed(self) -> None:
        """See RunnerPort."""
        self._ingest.report_commands(self.path)

    def data_ready(self, path: str, count: int) -> None:
        """See RunnerPort."""
        self._ingest.report_ready(path, count)

    def hold(self, state: OperationalState, status: str) -> None:
        """See RunnerPort."""
        self._health.hold(state, status)

    # what it looks like

    @property
    def tags(self) -> tuple[str, ...]:
        """Paths of all its tags."""
        return tuple(self._tags)

    @property
    def marks(self) -> dict[str, Marks]:
        """Of its commands: what was declared of the device, with the times that its driver gives where none was."""
        said = {name.casefold(): name for name in self.config.marks}
        found = dict(self.config.marks)
        for command, seconds in self._driver.timeouts().items():
            name = said.get(command.casefold(), command)
            marks = found.get(name, Marks())
            found[name] = replace(marks, timeout=marks.timeout or seconds)
        return found

    @property
    def state(self) -> OperationalState:
        """The operational state."""
        return self._health.state

    @property
    def fault(self) -> str:
        """Why its scans cannot be planned, in words; empty if they are."""
        return self._broken

    @property
    def clock_faults(self) -> tuple[str, ...]:
        """Clocks of the device that are off, in words."""
        return tuple(fault for group in self._groups for fault in group.clock_faults)

    def status(self) -> DeviceStatus:
        """See DeviceStatus."""
        failed = sum(group.failures for group in self._groups)
        commands, marks = self._driver.commands, self.config.marks
        astray = marks_of_nothing(marks, commands) if self._keeper.state is LinkState.UP else ()
        return DeviceStatus(
            path=self.path,
            driver=self.config.driver_name or self.config.driver.__name__,
            url=str(getattr(self.config.config, "url", self.link.key)),
            state=self.state,
            link=self._keeper.state,
            last_error=self._health.error,
            since=self._health.since,
            stale_after=self._patience(),
            groups=tuple(group.status() for group in self._groups),
            counters={
                "failed_scans": failed,
                "commands": self._commands,
                **self.link.counters,
                **self._driver.counters(),
            },
            description=self.config.description,
            remarks=(*self._driver.remarks(), *self.clock_faults, *astray),
            status=self._health.status,
            commands=tuple(replace(with_marks(one, marks), reads=self.reads(one.name)) for one in commands),
        )

    # how it is built

    def _make_groups(self, names: Iterable[str]) -> list[ScanGroup]:
        groups = []
        for name in names:
            settings = self.config.groups[name]
            tags = [e.tag for e in self.config.tags if e.group == name and e.tag.spec.access is not Access.WRITE]
            if tags:
                stale_after = self.config.stale_after_of(name)
                group = ScanGroup(
                    self.path,
                    name,
                    settings,
                    stale_after,
                    tags=tags,
                    owner=self._health,
                    clock=self._clock,
                    ingest=self._ingest,
                    ready=self._ready,
                )
                groups.append(group)
        return groups

    def _register(self, groups: Sequence[ScanGroup], tags: Sequence[DriverTag]) -> None:
        """Tags of the groups one after another, then those that only commands may set, which are in no group."""
        specs = [tag.spec for group in groups for tag in (*group.rows, *group.objects)]
        unread = [tag.spec for tag in tags if tag.spec.access is Access.WRITE]
        handles = self._ingest.register_tags([*specs, *unread]).tolist()
        self._handles.update(zip((spec.path for spec in (*specs, *unread)), handles, strict=True))
        for group in groups:
            self._bind(group)

    def _bind(self, group: ScanGroup) -> None:
        """Tell the hub of a group whose tags it knows."""
        group.register(self._handles)
        self._group_of.update({tag.spec.path: group for tag in (*group.rows, *group.objects)})

    def _take_up(self, group: ScanGroup) -> None:
        """One more group while the device runs."""
        self._groups.append(group)
        group.plan = self._driver.compile(group.rows, group.objects)
        if self.state is not OperationalState.OFFLINE:
            self._scan(group)
            group.poke()

    def _scan(self, group: ScanGroup) -> None:
        turns = FREE_TURNS if group.held else self._turns
        run = group.run(self._driver, turns, self._origin)
        self._scans[group] = self._spawn(run, f"scan {self.path}/{group.name}")

    def _compile(self) -> str:
        """Make the scan plans; the error in words when the driver cannot."""
        for group in self._groups:
            try:
                group.plan = self._driver.compile(group.rows, group.objects)
            except OperationError as error:
                return f"scan group {group.name!r}: {in_words(error)}"
        return ""

    def _patience(self) -> float:
        return min((group.stale_after for group in self._groups), default=1.0)

    # how it follows its link

    def _link_changed(self, state: LinkState, error: str) -> None:
        if self._broken or self.state is OperationalState.OFFLINE:
            return
        if state is not LinkState.UP:
            self._ready.clear()
            if self._greeting is not None:
                self._greeting.cancel()
            self._health.link_down(error)
        elif not self._health.connected:
            self._health.link_up()
            self._greeting = self._spawn(self._greet(), f"greet {self.path}")

    async def _greet(self) -> None:
        """Ask whether the device is there until it answers, then let the groups scan, at once and from then on."""
        while (pause := await self._probe()) > 0:
            await self._clock.sleep(pause)
        self._health.greeted()
        if not self._groups:
            self._health.answered("")
        self._ready.set()
        for group in self._groups:
            group.poke()

    async def _probe(self) -> float:
        """0 when the device has answered, else the seconds to wait before asking again."""
        try:
            async with self._turns.scan:
                await self._driver.probe()
        except (DeliveryError, OSError) as error:
            self._health.unanswered("", in_words(error))
            return PROBE_PAUSE
        except OperationError as error:
            self._health.faulty("", in_words(error))
            return FAULT_PAUSE
        except Exception as error:
            log.exception("probe failed", task=f"greet {self.path}")
            self._health.faulty("", f"{type(error).__name__}: {error}")
            return FAULT_PAUSE
        return 0.0

    # how it executes

    async def _command(
        self,
        name: str,
        send: Callable[[], Awaitable[Any]],
        deadline: float | None,
        states: frozenset[OperationalState],
        *,
        at_once: bool = False,
    ) -> Any:
        self._require(states)
        number = 0 if at_once else ACCEPTED.get() or number_in_order()
        begins = partial(self._begins, name, BEFORE_IT_BEGINS.get(), number)
        token = BEFORE_IT_BEGINS.set(begins)
        try:
            async with nullcontext() if at_once else self._turn_until(deadline):
                self._require(states)
                begins()
                self._commands += 1
                try:
                    result = await send()
                except OSError as error:
                    raise NoAnswerError(f"device {self.path!r}: {in_words(error)}") from error
        finally:
            BEFORE_IT_BEGINS.reset(token)
        self._keeper.answered()
        return result

    @asynccontextmanager
    async def _turn_until(self, deadline: float | None) -> AsyncIterator[None]:
        """The turn for commands on the link. Raises ExpiredError when it does not come before the deadline."""
        turn = self._turns.command
        if deadline is None:
            await turn.__aenter__()
        else:
            try:
                async with self._clock.timeout(max(0.0, deadline - self._clock.monotonic())):
                    await turn.__aenter__()
            except TimeoutError:
                raise ExpiredError(f"its time was over while it waited for the link of {self.path}") from None
        try:
            if deadline is not None and self._clock.monotonic() >= deadline:
                raise ExpiredError(f"its time was over when the link of {self.path} became free")
            yield
        finally:
            turn.release()

    def _begins(self, name: str, check: Callable[[], None], number: int) -> None:
        """Right before a command begins; one that does not wait has number 0, and overtakes all up to now."""
        check()
        overtaken_up_to, by = self._at_once
        if not number:
            self._at_once = (number_in_order(), name)
        elif number < overtaken_up_to:
            raise RefusedError(f"{name} was overtaken by {by}, which came later and did not wait")

    def _require(self, states: frozenset[OperationalState]) -> None:
        up = self._keeper.state is LinkState.UP
        if up and self.state in states:
            return
        words = self._health.error or self._health.status
        why = f": {words}" if words else ""
        if self.state is not OperationalState.FAULT and not up:
            raise NotConnectedError(f"device {self.path!r} is not connected{why}")
        needed = " or ".join(sorted(states))
        raise RefusedError(f"device {self.path!r} is in state {self.state}, commands need {needed}{why}")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
