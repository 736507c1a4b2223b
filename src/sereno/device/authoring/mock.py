"""A device class without its code: tags hold what a test sets, writes and calls are written down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .declare import MISSING
from .device import Device
from .kinds import Kind
from .plan import HELD, ClassPlan, PlannedCommand, PlannedTag, Rule, plan_of, use_plan


@dataclass(slots=True)
class Mock:
    """What a test sees of a mocked device: `writes` (tag, value) and `calls` (command, arguments), in order.

    `answers` by command or tag: what a call gives, or an exception that the call or write raises.
    """

    device: Device
    writes: list[tuple[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def set(self, name: str, value: Any, **more: Any) -> None:
        """Let the device say this value, as Device.push."""
        self.device.push(name, value, **more)

    def written(self, name: str, value: Any) -> None:
        """Note a write."""
        self.writes.append((name, value))
        self._raise(name)

    def called(self, name: str, arguments: tuple[Any, ...], result: Kind | None) -> Any:
        """Note a call and answer it."""
        self.calls.append((name, arguments))
        self._raise(name)
        if name in self.answers:
            return self.answers[name]
        return None if result is None else result.opened(result.zero)

    def _raise(self, name: str) -> None:
        if isinstance(answer := self.answers.get(name), Exception):
            raise answer


def mocked(cls: type[Device]) -> type[Device]:
    """A class of the same declarations whose code is never called. Raises ConfigurationError as plan_of."""
    plan = plan_of(cls)

    async def nothing(_: Device) -> None:
        return

    mock: type[Device] = type(
        cls.__name__, (cls,), {"startup": nothing, "shutdown": nothing, "__module__": cls.__module__}
    )
    use_plan(mock, _without_code(plan, mock))
    return mock


def mock_of(device: Device) -> Mock:
    """The mock of a device of a mocked class."""
    found: Mock = vars(device).setdefault("_mock", Mock(device))
    return found


def _without_code(plan: ClassPlan, mock: type[Device]) -> ClassPlan:
    return replace(
        plan,
        cls=mock,
        tags={name: _held(tag) for name, tag in plan.tags.items()},
        commands={name: _noted(command) for name, command in plan.commands.items()},
        scans={HELD: plan.scans[HELD]},
        children={name: (mocked(kind), settings, apart) for name, (kind, settings, apart) in plan.children.items()},
    )


def _held(tag: PlannedTag) -> PlannedTag:
    default = tag.options.default
    if default is MISSING:
        default = tag.kind.opened(tag.zero if tag.start is MISSING else tag.start)

    async def write(device: Device, value: Any) -> None:
        mock_of(device).written(tag.name, value)

    rule = Rule(tag.rule.states)
    options = replace(tag.options, default=default, scan="", memorised=False)
    writer = write if tag.spec.access.writable else None
    return replace(tag, method=None, writer=writer, group=HELD, options=options, rule=rule)


def _noted(command: PlannedCommand) -> PlannedCommand:
    async def call(device: Device, *arguments: Any) -> Any:
        return mock_of(device).called(command.name, arguments, command.result)

    return replace(command, method=call, rule=Rule(command.rule.states))
