"""What is supervised: started again when it falls silent, told and commanded as a device of its own."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import structlog

from sereno.client import ASKED_BY, AlarmKind, AlarmSpec, CommandSpec, DeviceStatus, GroupSpec, GroupStatus, IngestPort
from sereno.model import (
    Clock,
    LinkState,
    NotFoundError,
    OperationalState,
    Quality,
    RefusedError,
    RowIndex,
    TagSpec,
    ValueType,
    seal,
)

from .stops import stopped_words
from .supervision import AgentState, Patience, Supervision

log = structlog.get_logger(__name__)
PERIOD, REPEAT = 1.0, 5.0
"""Seconds between two looks, and between two batches at most; what has changed is told at once."""
_STALE = 15.0
_SILENCE = 1
"""Where that tag stands in `_specs`: less of it than REPEAT is no news."""
_STATES = tuple(state.value for state in AgentState)
_STOP_TIMEOUT = 10.0
COMMANDS = ("start", "stop", "restart")


class Rule(Protocol):
    """Who is supervised, where that is told, and how much silence is forgiven."""

    @property
    def device(self) -> str:
        """Whom."""

    @property
    def path(self) -> str:
        """The device that tells of it and takes its commands."""

    @property
    def patience(self) -> Patience:
        """How much is forgiven."""


def supervision_specs(path: str) -> tuple[TagSpec, ...]:
    """The tags that tell of whoever is supervised at this path."""
    return (
        TagSpec(path=f"{path}/restarts", type=ValueType.UINT32, description="Restarts since the node started"),
        TagSpec(path=f"{path}/silence", unit="s", decimals=0, description="Of the timer that is latest"),
        TagSpec(path=f"{path}/state", type=ValueType.ENUM, labels=_STATES, description="What it is to do"),
    )


class Supervised(ABC):
    """One that is under supervision: a device of its own (a CommandHandler) with state, restarts and silence."""

    noun: ClassVar[str]
    """What it is called, in its words and in the log."""
    driver: ClassVar[str]
    """What its device is told to be."""

    def __init__(
        self,
        rule: Rule,
        ingest: IngestPort,
        clock: Clock,
        stopped: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        self.rule = rule
        self._stopped = stopped
        self.machine = Supervision(rule.patience)
        self.late = self.silence = 0.0
        self._ingest = ingest
        self._clock = clock
        self._busy = asyncio.Lock()
        self._order = (0, "")
        self._handles = ingest.register_tags(self._specs()).tolist()
        self._index = RowIndex(self._handles)
        self._group = ingest.register_group(GroupSpec(self.driver, rule.path, REPEAT, _STALE, self._index))
        self._since = clock.wall_ns()
        self._ceasing: asyncio.Task[None] | None = None
        self._overdue = False
        self.published = 0
        self._told: list[tuple[float, Quality]] = []
        self._told_at = 0.0
        self.gone = False

    @property
    def resting(self) -> bool:
        """It is not to run."""
        return self.machine.state in (AgentState.STOPPED, AgentState.GIVEN_UP)

    @property
    def unended(self) -> bool:
        """It was to end, has not in time, and is still at it."""
        return self._overdue and self._ceasing is not None and not self._ceasing.done()

    @property
    def state(self) -> AgentState:
        """What is told of it."""
        given_up = self.machine.state is AgentState.GIVEN_UP
        return AgentState.STOPPING if self.unended and not given_up else self.machine.state

    @property
    def busy(self) -> asyncio.Lock:
        """Held by whoever starts or stops it, and by who wants nobody to."""
        return self._busy

    def retire(self) -> None:
        """It is not supervised any more: take its tags from the hub."""
        self.gone = True
        self._ingest.withdraw_tags(self._handles)
        self._ingest.end_group(self._group)
        if self._ceasing is not None:
            self._ceasing.cancel()

    @property
    def ready(self) -> bool:
        """It has started, as far as can be told."""
        return True

    @abstractmethod
    def _lateness(self) -> tuple[float, str]:
        """How many seconds it is beyond its patience, and in what. It has its time to start, and to start again."""

    @abstractmethod
    async def _begin(self) -> None:
        """Let it run. It is not running."""

    @abstractmethod
    async def _cease(self) -> None:
        """Let it end; returns when nothing of it is under way."""

    def _specs(self) -> tuple[TagSpec, ...]:
        return supervision_specs(self.rule.path)

    def _values(self) -> list[tuple[float, Quality]]:
        """As the tags stand in `_specs`."""
        now = (self.machine.restarts, self.silence, _STATES.index(self.state))
        return [(float(value), Quality.GOOD) for value in now]

    async def look(self) -> None:
        """Judge its heartbeats, do what follows, and tell how it is. While it is started or stopped, only tell."""
        if self._busy.locked() or self.unended:
            self._tell()
            return
        if self._ceasing is not None:
            await self.forsake()
            log.info(f"{self.noun} has ended after all", **self._named())
            await self._again()
        self.late, why = self._lateness()
        match self.machine.judge(self.late, why, self._clock.monotonic(), ready=self.ready):
            case "restart":
                log.warning(f"{self.noun} is started again", why=self.machine.why, **self._named())
                await self._again()
            case "stop":
                log.error(f"{self.noun} is given up", why=self.machine.why, **self._named())
                await self._stop()
        self._tell()

    def _tell(self) -> None:
        """A batch if something has changed, each time while it is silent and once it is not, else now and then."""
        told = self._values()
        changed = any(told[i] != before for i, before in enumerate(self._told) if i != _SILENCE)
        silent = any(one[_SILENCE][0] > REPEAT for one in (told, self._told or told))
        waited = self._clock.monotonic() - self._told_at
        if changed or not self._told or silent or waited > REPEAT - PERIOD / 2:
            self.publish()

    def publish(self) -> None:
        """One batch of how it is now."""
        told = self._told = self._values()
        self._told_at = self._clock.monotonic()
        values = np.array([value for value, _ in told], np.float64)
        quality = np.array([code for _, code in told], np.uint16)
        self._ingest.publish(seal(self._group, self.published, self._index, values, self._clock.wall_ns(), quality))
        self.published += 1

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """See CommandHandler: nothing may be written."""
        del value, deadline
        raise RefusedError(f"{path} tells how the {self.noun} is; its commands are {', '.join(COMMANDS)}")

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See CommandHandler: start, stop, restart."""
        del deadline
        if name not in COMMANDS:
            raise NotFoundError(f"{self._article()} has no command {name!r}, only {', '.join(COMMANDS)}")
        if name == "start" and self.machine.state in (AgentState.RUNNING, AgentState.STARTING):
            raise RefusedError(f"{self.rule.device} runs already; restart starts it anew")
        self._take(name, arguments)
        self._order = order = (self._order[0] + 1, name)
        if name == "stop":
            why = stopped_words(ASKED_BY.get(), self._clock.wall_ns())
            self.machine.stop(why)
            try:
                await self._remember(why)  # before it has ended: one that hangs is to stay stopped all the same
            finally:
                await self._stop(order)
        else:
            self.machine.start()
            await self._remember("")
            await self._again(order)
        self.publish()

    def _take(self, name: str, arguments: tuple[Any, ...]) -> None:
        """What is given with a command. Raises RefusedError."""
        if arguments:
            raise RefusedError(f"{name} takes no arguments, given: {len(arguments)}")

    def _commands(self) -> tuple[CommandSpec, ...]:
        return tuple(CommandSpec(name=name) for name in COMMANDS)

    def status(self) -> DeviceStatus:
        """As a device."""
        tags = len(self._index)
        group = GroupStatus(
            self.driver, REPEAT, 0.0, tags, self.published, 0, 0, 0.0, 0.0, self._clock.wall_ns(), False
        )
        return DeviceStatus(
            path=self.rule.path,
            driver=self.driver,
            url="",
            state=OperationalState.ENABLED,
            link=LinkState.UP,
            last_error="",
            since=self._since,
            stale_after=_STALE,
            groups=(group,),
            description=f"Watches {self.rule.device}",
            status="; ".join(part for part in (self.machine.why, self._waits(), self._hangs()) if part),
            commands=self._commands(),
        )

    def _waits(self) -> str:
        """What it is waited for, in words; "" when for nothing."""
        return ""

    def _hangs(self) -> str:
        return "it does not end, and still runs" if self.unended else ""

    def _named(self) -> dict[str, str]:
        return {self.noun: self.rule.device}

    def _article(self) -> str:
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    async def _remember(self, why: str) -> None:
        if self._stopped is not None:
            await self._stopped(self.rule.device, why)

    async def _again(self, order: tuple[int, str] | None = None) -> None:
        """Who is told to stop meanwhile stays stopped."""
        async with self._busy:
            self._require(order)
            await self._ended()
            self._require(order)
            if self.resting:
                return
            await self._begin()

    async def _stop(self, order: tuple[int, str] | None = None) -> None:
        async with self._busy:
            self._require(order)
            await self._ended()

    def _require(self, order: tuple[int, str] | None) -> None:
        """Of two people who command it at once the last word counts. Raises RefusedError."""
        if self.gone:
            raise RefusedError(f"{self.rule.device} is no {self.noun} any more")
        if order not in (None, self._order):
            raise RefusedError(f"overtaken by a later {self._order[1]} of {self.rule.device}")

    async def _ended(self) -> None:
        """Raises RefusedError for one that does not end in time; it is waited for all the same, and not started."""
        ceasing = self._ceasing
        if ceasing is None:
            ceasing = self._ceasing = asyncio.create_task(self._cease(), name=f"end of {self.rule.device}")
        try:
            async with self._clock.timeout(_STOP_TIMEOUT):
                await asyncio.shield(ceasing)
        except TimeoutError:
            self._overdue = True
            log.error(f"{self.noun} does not end, and still runs", **self._named())
            raise RefusedError(f"{self.rule.device} does not end within {_STOP_TIMEOUT:g} s, and still runs") from None
        finally:
            if ceasing.done():
                self._ceasing, self._overdue = None, False

    async def forsake(self) -> None:
        """Wait no more for what does not end."""
        ceasing, self._ceasing, self._overdue = self._ceasing, None, False
        if ceasing is not None:
            ceasing.cancel()
            await asyncio.gather(ceasing, return_exceptions=True)


W = TypeVar("W", bound=Supervised)


class Watch(Generic[W]):
    """Looks at each of its `members` (path -> who) once a second, until `run` is cancelled."""

    def __init__(self, members: Mapping[str, W], ingest: IngestPort, clock: Clock) -> None:
        self.members = dict(members)
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._ingest = ingest
        self._clock = clock

    async def run(self) -> None:
        """Look at every one once a second."""
        try:
            while True:
                self._changed.clear()
                for path in [path for path in self.members if path not in self._watches]:
                    self._ingest.report_link(path, LinkState.UP, "")
                    self._ingest.report_state(path, OperationalState.ENABLED)
                    watch = self._watch(self.members[path])
                    self._watches[path] = asyncio.create_task(watch, name=f"supervisor {path}")
                await self._changed.wait()
        finally:
            watches = list(self._watches.values())
            for task in watches:
                task.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            for member in self.members.values():
                await member.forsake()

    def add(self, path: str, member: W) -> None:
        """Watch this one too from now on."""
        self.members[path] = member
        self._changed.set()

    def drop(self, path: str) -> None:
        """Watch it no more, and take its tags from the hub."""
        self.members.pop(path).retire()
        if (watch := self._watches.pop(path, None)) is not None:
            watch.cancel()

    def status(self) -> list[DeviceStatus]:
        """The supervision of each, as devices."""
        return [member.status() for member in self.members.values()]

    async def _watch(self, member: Supervised) -> None:
        """Apart from the others: one that does not end keeps nobody else unwatched."""
        while True:
            await self._look(member)
            await self._clock.sleep(PERIOD)

    async def _look(self, member: Supervised) -> None:
        try:
            await member.look()
        except Exception as error:
            noun = member.noun
            log.exception(f"{noun} could not be looked after", task="supervisor", **{noun: member.rule.device})
            member.machine.give_up(str(error))


def given_up_alarm(path: str, priority: int, *, cause: str, consequence: str, response: str) -> AlarmSpec:
    """The alarm that what is supervised at this path has been given up."""
    return AlarmSpec(
        id=f"{path}/given_up",
        source=f"{path}/state",
        kind=AlarmKind.EXPRESSION,
        inputs=(f"{path}/state",),
        condition=f"{path}/state == '{AgentState.GIVEN_UP}'",
        priority=priority,
        cause=cause,
        consequence=consequence,
        response=response,
    )
