"""The Tango driver: one device, followed by its events where it has them and read where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

from sereno.client import BEFORE_IT_BEGINS, CommandSpec
from sereno.device import Driver, DriverTag, Environment, Link, RunnerPort, ScanColumns
from sereno.model import DeviceError, OperationalState, OperationError, RefusedError

from .calls import argument_of, command_specs, found
from .columns import Plan, attribute_of
from .link import TangoLink
from .peer import INSTALL, Answer, AttributeInfo, CommandInfo
from .tags import TangoConfig, TangoTagConfig
from .values import plain_value

_ASKED = frozenset((OperationalState.ENABLED, OperationalState.FAULT))
_STATE = ("state", "status")
LEAST_ASKED = 1.0
"""Seconds after which the device is asked although events keep coming."""
NO_EVENTS = "API_AttributePollingNotStarted"
"""What a server says of an attribute that is neither polled by it nor pushes by itself."""


class TangoDriver(Driver):
    """A device of a Tango control system, with a database or without."""

    Config: ClassVar[type[TangoConfig]] = TangoConfig
    TagConfig: ClassVar[type[TangoTagConfig]] = TangoTagConfig
    longest_pause: ClassVar[float] = 1.5

    @classmethod
    def link_key(cls, config: TangoConfig) -> str:
        """See Driver."""
        return config.url

    @classmethod
    def open_link(cls, config: TangoConfig, environment: Environment) -> Link:
        """See Driver."""
        return TangoLink(config, environment)

    @classmethod
    def check(cls, config: TangoConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: the package that is missing, set values and qualities that cannot be written."""
        del config
        faults = [(-1, INSTALL)] if find_spec("tango") is None else []
        for i, tag in enumerate(tags):
            if tag.spec.access.writable and tag.config.part != "value":
                faults.append((i, f"tag {tag.spec.name!r} is the {tag.config.part} of an attribute: write its value"))
        return faults

    def __init__(self, config: TangoConfig, link: Link, environment: Environment) -> None:
        assert isinstance(link, TangoLink)
        self._config = config
        self._link = link
        self._clock = environment.clock
        self._plans: list[Plan] = []
        self._live: set[str] = set()
        self._polled: dict[str, str] = {}
        self._commands: list[CommandInfo] = []
        self._attributes: dict[str, AttributeInfo] = {}
        self._runner: RunnerPort | None = None
        self._said: tuple[Any, Any] = None, None
        link.listen(self._pushed)

    def bind(self, runner: RunnerPort) -> None:
        """See Driver."""
        self._runner = runner

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> Plan:
        """See Driver."""
        plan = Plan(rows, objects)
        self._plans.append(plan)
        return plan

    async def probe(self) -> None:
        """See Driver: what the device has is learned anew with each connection, and its events are asked for."""
        attributes, commands = await self._link.ask("describe", lambda peer: (peer.attributes(), peer.commands()))
        self._attributes = {one.name.lower(): one for one in attributes}
        if commands != self._commands:
            self._commands = commands
            if self._runner is not None:
                self._runner.commands_changed()
        self._live.clear()
        self._polled.clear()
        self._said = None, None
        for plan in self._plans:
            plan.full, plan.pushed = True, False
        names = list(dict.fromkeys(name for plan in self._plans for name in plan.attributes))
        if self._config.events and names:
            await self._link.subscribe(names)

    async def scan(self, plan: Plan) -> ScanColumns:
        """See Driver. What was pushed is published as it is; a turn of the grid asks the device."""
        now = self._clock.monotonic()
        if plan.pushed and not plan.full and now - plan.asked_at < LEAST_ASKED:
            plan.pushed = False
            return plan.sealed(self._clock.wall_ns())
        plan.pushed, plan.asked_at = False, now
        full = plan.full or now - plan.read_at >= self._config.refresh
        names = [name for name in plan.attributes if full or name not in self._live]
        answers = await self._read(plan, names)
        if full:
            plan.full, plan.read_at = False, now
        for name, answer in answers.items():
            if name not in plan.newer:
                plan.take(name, answer)
        plan.newer.clear()
        complete = not any(answer.error for answer in answers.values())
        return plan.sealed(self._clock.wall_ns(), complete=complete)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        name = attribute_of(tag)
        try:
            given = plain_value(tag.spec, value)
        except (TypeError, ValueError) as error:
            raise RefusedError(str(error)) from None
        try:
            await self._link.ask(
                f"write {name} = {given!r:.200}", lambda peer: peer.write(name, given), deadline, BEFORE_IT_BEGINS.get()
            )
        except DeviceError as error:
            raise error.of(tag.spec.path) from None
        for plan in self._plans:
            plan.full, plan.pushed = True, False

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See Driver."""
        command = found(self._commands, name, self._link.key)
        argument = argument_of(command, arguments)
        words = f"call {command.name} {'' if argument is None else repr(argument)[:200]}"
        check = BEFORE_IT_BEGINS.get()
        return await self._link.ask(
            words, lambda peer: peer.call(command.name, argument, command.gives), deadline, check
        )

    def remarks(self) -> tuple[str, ...]:
        """See Driver: attributes whose events could not be had."""
        if not self._polled:
            return ()
        by_reason: dict[str, list[str]] = {}
        for name, reason in self._polled.items():
            by_reason.setdefault(reason, []).append(name)
        return tuple(f"read by polling, {reason}: {', '.join(sorted(names))}" for reason, names in by_reason.items())

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """See Driver."""
        return command_specs(self._commands)

    def allowed(self, name: str, *, call: bool) -> frozenset[OperationalState]:
        """See Driver: also in a fault, which a device of Tango is reset from by a command."""
        del name, call
        return _ASKED

    async def _read(self, plan: Plan, names: Sequence[str]) -> dict[str, Answer]:
        """Answers by attribute; the state of the device is asked for with them."""
        wanted = list(dict.fromkeys((*names, *(_STATE if self._config.state else ()))))
        plan.newer.clear()
        plan.busy = True
        try:
            answers = await self._link.ask(f"read {', '.join(wanted)}", lambda peer: peer.read(wanted))
        finally:
            plan.busy = False
        by_name = dict(zip(wanted, answers, strict=False))
        if self._config.state:
            self._follow(*(by_name[name] for name in _STATE))
        return {name: by_name[name] for name in names}

    def _follow(self, state: Answer, status: Answer) -> None:
        """The device says that it is in a fault, or that it is not; its words go with it."""
        said = state.value, status.value
        if said == self._said or self._runner is None or state.error is not None:
            return
        self._said = said
        ours = OperationalState.FAULT if state.value == "fault" else OperationalState.ENABLED
        first = str(status.value or "").strip()
        self._runner.hold(ours, f"{str(state.value).upper()}: {first}" if first else str(state.value).upper())

    def _pushed(self, news: dict[str, Answer]) -> None:
        """Events, in the loop."""
        for name, answer in news.items():
            if isinstance(answer.error, OperationError) and name not in self._live:
                reason = getattr(answer.error, "reason", "")
                self._polled[name] = "no change events" if reason == NO_EVENTS else str(answer.error)
            elif answer.error is not None:
                self._live.discard(name)
            else:
                self._live.add(name)
                self._polled.pop(name, None)
        for plan in self._plans:
            mine = [name for name in plan.attributes if name in news and news[name].error is None]
            for name in mine:
                plan.take(name, news[name])
            if plan.busy:
                plan.newer.update(mine)
            elif mine and not plan.pushed:
                plan.pushed = True
                self._poke(plan)

    def _poke(self, plan: Plan) -> None:
        if self._runner is not None:
            self._runner.poke(plan.example)
