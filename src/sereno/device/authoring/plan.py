"""ClassPlan: what a device class declares, checked once; every fault is told at once, with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from sereno.client import CommandSpec, ParameterSpec
from sereno.model import Access, OperationalState, TagSpec

from .declare import MISSING, Place, TagOptions
from .kinds import Kind

if TYPE_CHECKING:
    from .device import Device

HELD = "held"
"""The group of the tags that code sets."""
HEARTBEAT = 1.0
"""Seconds between two confirmations of what code has set."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is allowed: in these states, and if `condition` (a function of the device) says so."""

    states: frozenset[OperationalState] = frozenset((OperationalState.ENABLED,))
    condition: Callable[[Any], bool | str] | None = None


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag of a class: `method` reads it and `writer` takes what is written, both functions of the device."""

    name: str
    kind: Kind
    options: TagOptions
    spec: TagSpec
    group: str
    rule: Rule
    method: Callable[[Any], Any] | None = None
    writer: Callable[..., Any] | None = None
    place: Place | None = None

    @property
    def held(self) -> bool:
        """True if its value is what code or a command has set."""
        return self.method is None

    @property
    def start(self) -> Any:
        """The value, coded, that it has before anything has set it; MISSING if none."""
        if self.options.default is not MISSING:
            return self.kind.coded(self.options.default)
        if not self.held or self.options.scan or self.spec.access is Access.READ:
            return MISSING
        return self.zero

    @property
    def zero(self) -> Any:
        """Nothing, coded; of a number the nearest that may be written."""
        zero, low, high = self.kind.zero, self.spec.setpoint.low, self.spec.setpoint.high
        if isinstance(zero, bool) or not isinstance(zero, int | float) or self.kind.enum:
            return zero
        return type(zero)(max(low if low is not None else zero, min(zero, high if high is not None else zero)))


@dataclass(frozen=True, slots=True)
class PlannedScan:
    """A scan group: a method that sets its tags, or no method: its tags are read one by one or are held."""

    name: str
    period: float
    phase: float | None = None
    method: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """A command of a class; `kinds` are those of its parameters in order, `result` None if it gives nothing.

    `at_once`: it waits for nothing else that the device is at. `timeout` seconds it may take, 0 as long as usual.
    """

    name: str
    spec: CommandSpec
    method: Callable[..., Any]
    kinds: tuple[Kind, ...]
    result: Kind | None
    rule: Rule
    at_once: bool = False
    timeout: float = 0.0


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """A device class, checked. Tags have paths below "device" here; `specs` gives them theirs.

    `site`: setting -> key of [site] that it is taken from.
    """

    cls: type[Device]
    description: str
    tags: Mapping[str, PlannedTag]
    commands: Mapping[str, PlannedCommand]
    scans: Mapping[str, PlannedScan]
    settings: type[BaseModel]
    children: Mapping[str, tuple[type[Device], dict[str, Any], bool]] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)


def parameter(name: str, kind: Kind, **more: Any) -> ParameterSpec:
    """A parameter or result as clients are told of it."""
    return ParameterSpec(name=name, type=kind.type, shape=kind.shape, labels=kind.labels, **more)


_plans: WeakKeyDictionary[type[Any], ClassPlan] = WeakKeyDictionary()


def use_plan(cls: type[Device], plan: ClassPlan) -> None:
    """Let a class have this plan rather than that of its body."""
    _plans[cls] = plan


def plan_of(cls: type[Device]) -> ClassPlan:
    """The plan of a class. Raises ConfigurationError with every fault of its declarations."""
    from .collect import collect

    found = _plans.get(cls)
    if found is None:
        found = _plans[cls] = collect(cls)
    return found


def placed(tag: PlannedTag, path: str) -> TagSpec:
    """A tag's declaration under the path of a device; `was` is a name within it, or a whole path."""
    was = tag.spec.was
    return replace(tag.spec, path=f"{path}/{tag.name}", was=f"{path}/{was}" if was and "/" not in was else was)
