"""Client: what people write against. Sugar over the ports for one actor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypedDict, TypeVar, Unpack

from sereno.access.actor import Actor
from sereno.model import (
    Ack,
    AckState,
    Clock,
    Command,
    NotFoundError,
    Override,
    RefusedError,
    Say,
    SystemClock,
    TagSpec,
    Verb,
    new_key,
)

from ._agents import AgentPort, LogLine, NoAgents
from ._aggregates import DEFAULT_AGGREGATES, AggregateRequest, Aggregates, joined_aggregates
from ._alarms import AlarmEvent, AlarmPort, AlarmQuery, AlarmStatus, NoAlarms
from ._analysis import AnalysisPort, NoAnalysis
from ._configuration import ConfigurationPort, FixedConfiguration
from ._group import Group, call_command, submit_all, write_command
from ._guards import GuardPort, GuardStatus, NoGuards
from ._jobs import JobPort, JobStatus, NoJobs
from ._locks import Lock, LockPort, NoLocks
from ._logbook import LogbookPort, NoLogbook
from ._notices import NoNotices, NoticePort
from ._overrides import OverridePort, Substitution
from ._ports import CommandPort, DevicePort, HistoryPort, LivePort, Subscription
from ._present import present_of
from ._proxy import DeviceProxy, TagProxy
from ._reports import NoReports, ReportPort
from ._statistics import Statistics
from ._times import parse_time
from ._values import DeviceStatus, HistoryRequest, Present, Reading, Series, TraceLine
from ._waiting import NothingWaits, WaitingCommand, WaitingPort
from ._watching import Watching

Moment = int | str | datetime
"""ns UTC, text as `parse_time` takes it ("now-6h", ISO 8601), or a datetime (without a zone: UTC)."""

C = TypeVar("C", bound="Client")


class How(TypedDict, total=False):
    """The options of `Client.write`."""

    expected: Any
    timeout: float
    comment: str
    key: str | None
    origin: str


class Client:
    """The plant as one actor may see and command it. Local over hub and historian, or remote: the same calls.

    Every call raises SerenoError only: NotFoundError, DeniedError, RefusedError, NotConnectedError, NoAnswerError.
    """

    def __init__(
        self,
        live: LivePort,
        commands: CommandPort,
        history: HistoryPort,
        device: DevicePort,
        actor: Actor,
        *,
        clock: Clock | None = None,
        overrides: OverridePort | None = None,
        guards: GuardPort | None = None,
        waiting: WaitingPort | None = None,
    ) -> None:
        self.actor = actor
        self.live = live
        self.commands = commands
        self.history = history
        self.device = device
        self.clock = clock or SystemClock()
        self._overrides = overrides
        self._guards = guards or NoGuards()
        self.alarm: AlarmPort = NoAlarms()
        self.analysis: AnalysisPort = NoAnalysis()
        self.notices: NoticePort = NoNotices()
        self.logbook: LogbookPort = NoLogbook()
        self.job: JobPort = NoJobs()
        self.reports: ReportPort = NoReports()
        self.configuration: ConfigurationPort = FixedConfiguration()
        self.agent_port: AgentPort = NoAgents()
        self._waiting = waiting or NothingWaits()
        self._watching: Watching | None = None
        self.lock_port: LockPort = NoLocks()

    def as_actor(self, actor: Actor) -> Client:
        """The same plant in the eyes of another actor."""
        ports = (self.live, self.commands, self.history, self.device)
        made = Client(*ports, actor, clock=self.clock, overrides=self._overrides, guards=self._guards)
        made._waiting, made.alarm, made.analysis = self._waiting, self.alarm, self.analysis
        made.notices, made.logbook, made.reports = self.notices, self.logbook, self.reports
        made.configuration, made.agent_port = self.configuration, self.agent_port
        made.configuration, made.job = self.configuration, self.job
        return made

    async def tags(self, *globs: str) -> list[TagSpec]:
        """Declarations of the tags that any glob names, by path; without a glob all."""
        return await self.live.tags(globs, self.actor)

    async def read(self, *globs: str) -> list[Reading]:
        """Present values; without a glob all. Raises NotFoundError for a glob that names nothing."""
        return await self.live.read(globs, self.actor)

    async def get(self, path: str) -> Reading:
        """Present value of one tag. Raises NotFoundError."""
        readings = await self.live.read((path,), self.actor)
        for reading in readings:
            if reading.tag.path == path:
                return reading
        below = f"; below it is {readings[0].tag.path!r}" if readings else ""
        raise NotFoundError(f"{path!r} is not a tag{below}")

    async def present(self, *globs: str) -> tuple[tuple[TagSpec, ...], Present]:
        """Present values as columns over the declarations that come with them. See `read`."""
        return await present_of(self.live, globs, self.actor, self.clock)

    def __getitem__(self, device: str) -> DeviceProxy:
        """The device as an object: `await client["lab/ps/1"].voltage.read()`."""
        return DeviceProxy(self, device)

    def tag(self, path: str) -> TagProxy:
        """A tag as an object."""
        return TagProxy(self, path)

    def group(self, *globs: str) -> Group:
        """Tags of many devices as one object: `await client.group("lab/ps/*").read()`."""
        return Group(self, globs)

    @property
    def watching(self) -> Watching:
        """The watches of single tags, made by `TagProxy.subscribe`."""
        if self._watching is None:
            self._watching = Watching(self)
        return self._watching

    async def subscribe(self, *globs: str, min_interval: float = 0.0, lossless: bool = False) -> Subscription:
        """A snapshot, then what changes. See LivePort.subscribe."""
        return await self.live.subscribe(globs, self.actor, min_interval=min_interval, lossless=lossless)

    async def write(
        self,
        path: str,
        value: Any,
        *,
        expected: Any = None,
        timeout: float = 10.0,
        comment: str = "",
        key: str | None = None,
        origin: str = "",
    ) -> Ack:
        """Set a tag and return the final ack: its state says whether it was done, refused, failed or is unknown.

        `timeout` seconds after which the command is not sent any more. `expected` is the value that you saw;
        another one refuses. The same `key` again is the same command. One that is to be selected first is executed
        as soon as it is; where a second person or a signature is asked for, this waits until there is an end.
        """
        command = self._command(
            path, value, expected=expected, timeout=timeout, comment=comment, key=key, origin=origin
        )
        return await self.final(command)

    async def select(self, path: str, value: Any, **how: Unpack[How]) -> Ack:
        """As `write`, up to the moment when it waits for somebody (state SELECTED); else its final ack.

        `execute` lets it go, `waiting` says what it waits for. Its `timeout` begins anew when it is let go.
        """
        return await self._selected(self._command(path, value, **how))

    async def call(self, device: str, name: str, *arguments: Any, timeout: float = 10.0, comment: str = "") -> Ack:
        """Execute a command of a device; the final ack carries its result."""
        return await self.final(self._call(device, name, arguments, timeout, comment))

    async def select_call(
        self, device: str, name: str, *arguments: Any, timeout: float = 10.0, comment: str = ""
    ) -> Ack:
        """As `call`, up to the moment when it waits for somebody; else its final ack. See `select`."""
        return await self._selected(self._call(device, name, arguments, timeout, comment))

    async def write_many(self, values: Mapping[str, Any], *, timeout: float = 10.0, comment: str = "") -> list[Ack]:
        """Set many tags, of any devices, at the same time; the final acks in their order."""
        return await submit_all(self, [write_command(self, p, v, timeout, comment) for p, v in values.items()])

    async def call_many(self, devices: Sequence[str], name: str, *arguments: Any, timeout: float = 10.0) -> list[Ack]:
        """Execute a command of many devices at the same time; the final acks in their order."""
        return await submit_all(self, [call_command(self, d, name, arguments, timeout) for d in devices])

    def _call(self, device: str, name: str, arguments: tuple[Any, ...], timeout: float, comment: str) -> Command:
        return Command(
            target=device,
            verb=Verb.CALL,
            name=name,
            arguments=arguments,
            comment=comment,
            origin=self.actor.origin,
            actor=self.actor.name,
            expires=self._expires(timeout),
        )

    async def _selected(self, command: Command) -> Ack:
        async for ack in self.commands.submit(command, self.actor):
            if ack.state is AckState.SELECTED or ack.state.final:
                return ack
        return self._lost(command)

    async def final(self, command: Command) -> Ack:
        """How a command ends; one that is to be selected first is executed as soon as it is."""
        last: Ack | None = None
        async for ack in self.commands.submit(command, self.actor):
            last = ack
            if ack.state is AckState.SELECTED:
                await self.go_on(command.key)
        return last if last is not None and last.state.final else self._lost(command)

    async def go_on(self, key: str) -> None:
        """Execute a selected command that waits for nothing else."""
        for one in await self._waiting.waiting(self.actor):
            if one.key == key and Say.EXECUTE in one.may and not one.sign:
                with suppress(RefusedError, NotFoundError):  # then its acks say how it ended
                    await self._waiting.execute(key, self.actor)

    def submit(self, command: Command) -> AsyncIterator[Ack]:
        """Acks of a command as they come, the last one final."""
        return self.commands.submit(command, self.actor)

    async def acks(self, key: str) -> list[Ack]:
        """Acks so far of the command with this key. Raises NotFoundError."""
        return await self.commands.acks(key, self.actor)

    async def waiting(self) -> list[WaitingCommand]:
        """Commands that wait for people, the one that waits longest first. See WaitingPort, for the acts too."""
        return await self._waiting.waiting(self.actor)

    async def execute(self, key: str, *, password: str = "", meaning: str = "") -> None:
        """Let one's own command go."""
        await self._waiting.execute(key, self.actor, password=password, meaning=meaning)

    async def approve(self, key: str, *, password: str = "", meaning: str = "", comment: str = "") -> None:
        """Agree to the command of somebody else."""
        await self._waiting.approve(key, self.actor, password=password, meaning=meaning, comment=comment)

    async def decline(self, key: str, *, reason: str) -> None:
        """Refuse the command of somebody else."""
        await self._waiting.decline(key, self.actor, reason=reason)

    async def cancel(self, key: str) -> None:
        """Withdraw one's own command."""
        await self._waiting.cancel(key, self.actor)

    async def query(
        self, *tags: str, start: Moment = "now-1h", end: Moment = "now", points: int | None = None
    ) -> list[Series]:
        """History of tags in [start, end): every sample, or `points` buckets of mean, extremes and count."""
        request = HistoryRequest(tags, self._ns(start), self._ns(end), points)
        return await self.history.query(request, self.actor)

    def pieces(self, *tags: str, start: Moment = "now-1h", end: Moment = "now") -> AsyncGenerator[Series]:
        """Every sample of tags in [start, end), of any range, piece by piece. See AnalysisPort."""
        return self.analysis.pieces(HistoryRequest(tags, self._ns(start), self._ns(end)), self.actor)

    async def aggregate(
        self,
        *tags: str,
        every: str,
        aggregates: Sequence[str] = DEFAULT_AGGREGATES,
        start: Moment = "now-7d",
        end: Moment = "now",
        timezone: str = "",
    ) -> list[Aggregates]:
        """Aggregates (see AGGREGATES) of each tag in buckets of the calendar: `every` "1h", "1d", "1mo", "shift".

        `timezone` "" = that of the node's plant. Raises ValueError.
        """
        request = AggregateRequest(tags, self._ns(start), self._ns(end), every, tuple(aggregates), timezone)
        found: list[list[Aggregates]] = []
        async for piece in self.analysis.aggregate(request, self.actor):
            if not found or piece.t[0] <= found[-1][-1].t[0]:  # the next tag begins
                found.append([])
            found[-1].append(piece)
        return [joined_aggregates(pieces) for pieces in found]

    async def statistics(self, *tags: str, start: Moment = "now-1d", end: Moment = "now", bins: int = 20) -> Statistics:
        """Figures, histograms, limits of an individuals chart and correlations of number tags in [start, end)."""
        return await self.analysis.statistics(HistoryRequest(tags, self._ns(start), self._ns(end), bins), self.actor)

    async def devices(self) -> list[DeviceStatus]:
        """All devices, by path."""
        return await self.device.devices(self.actor)

    def trace(self, device: str) -> AsyncIterator[TraceLine]:
        """Raw frames of the device's link from now on."""
        return self.device.trace(device, self.actor)

    @property
    def overrides(self) -> OverridePort:
        """Substituted values and maintenance. Raises RefusedError if this client was made without."""
        if self._overrides is None:
            raise RefusedError("this client has no way to substituted values and maintenance")
        return self._overrides

    async def substitute(self, tag: str, value: Any, *, reason: str, seconds: float) -> Override:
        """Let `value` stand for the tag's own for so many seconds. See OverridePort."""
        return await self.overrides.substitute(tag, value, self.actor, reason=reason, seconds=seconds)

    async def end_substitution(self, tag: str) -> Override:
        """Show the tag's own value again. See OverridePort."""
        return await self.overrides.end_substitution(tag, self.actor)

    async def substitutions(self) -> list[Substitution]:
        """What is substituted, by path."""
        return await self.overrides.substitutions(self.actor)

    async def tag_out(self, device: str, *, reason: str, seconds: float = 0.0) -> Override:
        """Have commands to a device refused; 0 s = until `tag_in`. See OverridePort."""
        return await self.overrides.tag_out(device, self.actor, reason=reason, seconds=seconds)

    async def tag_in(self, device: str) -> Override:
        """Let commands to a device through again. See OverridePort."""
        return await self.overrides.tag_in(device, self.actor)

    async def lock(self, device: str, *, seconds: float = 0.0) -> Lock:
        """Keep a device's commands for this actor; 0 s = until `unlock` or the connection ends. See LockPort."""
        return await self.lock_port.lock(device, self.actor, seconds=seconds)

    async def unlock(self, device: str, *, force: bool = False) -> Lock:
        """Give a device back; `force` takes away somebody else's lock. See LockPort."""
        return await self.lock_port.unlock(device, self.actor, force=force)

    async def locks(self) -> list[Lock]:
        """Devices that are locked, by path."""
        return await self.lock_port.locks(self.actor)

    async def guards(self) -> list[GuardStatus]:
        """Guards, by name."""
        return await self._guards.guards(self.actor)

    async def agent_log(self, agent: str, *, after: int = 0, limit: int = 200) -> list[LogLine]:
        """What an agent has said of late. See AgentPort."""
        return await self.agent_port.log(agent, self.actor, after=after, limit=limit)

    async def jobs(self) -> list[JobStatus]:
        """Jobs, by name."""
        return await self.job.jobs(self.actor)

    async def alarms(self) -> list[AlarmStatus]:
        """Alarms, by id."""
        return await self.alarm.alarms(self.actor)

    async def acknowledge(self, *ids: str, note: str = "") -> list[AlarmStatus]:
        """Say that alarms have been seen. See AlarmPort."""
        return await self.alarm.acknowledge(ids, self.actor, note=note)

    async def shelve(self, *ids: str, reason: str, seconds: float) -> list[AlarmStatus]:
        """Do not show alarms for so many seconds. See AlarmPort."""
        return await self.alarm.shelve(ids, self.actor, reason=reason, seconds=seconds)

    async def unshelve(self, *ids: str, note: str = "") -> list[AlarmStatus]:
        """Show alarms again. See AlarmPort."""
        return await self.alarm.unshelve(ids, self.actor, note=note)

    async def alarm_journal(
        self, alarm: str = "", *, start: Moment | None = None, end: Moment | None = None, limit: int = 100
    ) -> list[AlarmEvent]:
        """The newest rows of the alarm journal, newest first; `alarm` may be a glob."""
        first, last = (None if moment is None else self._ns(moment) for moment in (start, end))
        return await self.alarm.journal(AlarmQuery(alarm, (), first, last, None, limit), self.actor)

    async def close(self) -> None:
        """Free what the client holds."""
        if self._watching is not None:
            await self._watching.close()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _expires(self, timeout: float) -> int:
        return self.clock.wall_ns() + int(timeout * 1e9)

    def _ns(self, moment: Moment) -> int:
        if isinstance(moment, int):
            return moment
        if isinstance(moment, str):
            return parse_time(moment, self.clock)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return parse_time(aware.isoformat(), self.clock)

    def _command(
        self, path: str, value: Any, *, timeout: float = 10.0, key: str | None = None, origin: str = "", **more: Any
    ) -> Command:
        return Command(
            target=path,
            value=value,
            key=key or new_key(),
            origin=origin or self.actor.origin,
            actor=self.actor.name,
            expires=self._expires(timeout),
            **more,
        )

    def _lost(self, command: Command) -> Ack:
        reason = "the acks ended without a final one"
        return Ack(key=command.key, state=AckState.UNKNOWN, t=self.clock.wall_ns(), reason=reason)
