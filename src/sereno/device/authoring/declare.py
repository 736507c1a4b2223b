"""What stands in the body of a device class: tags, commands, scans, settings, children."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast, overload

from sereno.model import Limits, OperationalState

if TYPE_CHECKING:
    from .device import Device

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])
Period: TypeAlias = "float | str"
Allowed: TypeAlias = "str | OperationalState | Sequence[str | OperationalState] | Callable[[Any], bool | str]"
"""States in which it is allowed, or a function of the device: True, or False or the reason why not."""

WRITES, COMMAND, SCAN = "__sereno_writes__", "__sereno_command__", "__sereno_scan__"
MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
ENABLED: Allowed = (OperationalState.ENABLED,)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was declared."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def place_of(depth: int = 2) -> Place:
    """Where the caller of the caller is."""
    frame = sys._getframe(depth)
    return Place(frame.f_code.co_filename, frame.f_lineno)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOptions:
    """What `tag` was given; see there."""

    name: str = ""
    unit: str = ""
    description: str = ""
    type: str = ""
    shape: Sequence[int] | None = None
    low: float | None = None
    high: float | None = None
    write: bool | Literal["only"] = False
    write_low: float | None = None
    write_high: float | None = None
    max_step: float | None = None
    max_rate: float | None = None
    tolerance: float = 0.0
    timeout: float = 5.0
    interlock: str = ""
    memorised: bool = False
    default: Any = MISSING
    period: Period | None = None
    scan: str = ""
    deadband: float = 0.0
    deadband_percent: float = 0.0
    decimals: int | None = None
    alarm: Limits | Mapping[str, Any] | None = None
    allowed: Allowed = ENABLED
    was: str = ""


class Tag(Generic[V]):
    """One tag of a device class. Of an instance it is the present value; setting it publishes the new one."""

    def __init__(self, options: TagOptions, place: Place, method: Callable[[Any], V] | None = None) -> None:
        self.options = options
        self.place = place
        self.method = method
        self.writer: Callable[..., Any] | None = None
        self.name = options.name or (method.__name__ if method else "")

    def __call__(self, method: Callable[[Any], V]) -> Tag[V]:
        """As a decorator: the method reads the tag, once per period."""
        return Tag(self.options, Place(method.__code__.co_filename, method.__code__.co_firstlineno), method)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.options.name or name

    @overload
    def __get__(self, device: None, owner: type) -> Tag[V]: ...

    @overload
    def __get__(self, device: Device, owner: type) -> V: ...

    def __get__(self, device: Device | None, owner: type) -> Tag[V] | V:
        if device is None:
            return self
        found: V = device._values.get(self.name)
        return found

    def __set__(self, device: Device, value: V) -> None:
        device._values.set(self.name, value)

    def write(self, method: F) -> F:
        """Decorator for the method that takes what is written to this tag."""
        if method.__name__ != self.name:
            return on_write(self.name)(method)
        both = copy.copy(self)
        both.writer = method
        return cast("F", both)  # it stands for both under one name


@overload
def tag(method: Callable[[Any], V], /) -> Tag[V]: ...


@overload
def tag(*, period: Period, **options: Any) -> Callable[[Callable[[Any], V]], Tag[V]]: ...


@overload
def tag(
    *,
    name: str = "",
    unit: str = "",
    description: str = "",
    type: str = "",
    shape: Sequence[int] | None = None,
    low: float | None = None,
    high: float | None = None,
    write: bool | Literal["only"] = False,
    write_low: float | None = None,
    write_high: float | None = None,
    max_step: float | None = None,
    max_rate: float | None = None,
    tolerance: float = 0.0,
    timeout: float = 5.0,
    interlock: str = "",
    memorised: bool = False,
    default: Any = MISSING,
    scan: str = "",
    deadband: float = 0.0,
    deadband_percent: float = 0.0,
    decimals: int | None = None,
    alarm: Limits | Mapping[str, Any] | None = None,
    allowed: Allowed = ENABLED,
    was: str = "",
) -> Any: ...


def tag(method: Callable[[Any], V] | None = None, /, **options: Any) -> Any:
    """Declare a tag, as `voltage: float = tag(unit="V", write=True)` or before the method that reads it.

    `low`..`high` is where the value is trusted, and what may be written unless `write_low`, `write_high` say so.
    `write` True, or "only" for what cannot be read. `memorised`: set again after a restart. `period` of a method,
    default 1 s; `scan` names the @scan method that sets a tag. `default` stands until it is set. `name` is for a tag
    that has the name of something that every device has, such as "state": people see that, code the attribute.
    """
    if method is not None and not callable(method):
        raise TypeError(f"tag({method!r}): a first value is said as tag(default={method!r})")
    declared = Tag[V](TagOptions(**options), place_of(), None)
    return declared if method is None else declared(method)


def on_write(name: str) -> Callable[[F], F]:
    """Decorator for the method that takes what is written to the tag `name`, already checked.

    Afterwards the tag holds what was written, unless the method has set it, or returned what was really set.
    """

    def mark(method: F) -> F:
        setattr(method, WRITES, name)
        return method

    return mark


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """What `command` was given. `at_once`: it waits for nothing else that the device is at. `reads`: it only reads."""

    allowed: Allowed = ENABLED
    description: str = ""
    at_once: bool = False
    timeout: Period = 0.0
    reads: bool = False


@overload
def command(method: F, /) -> F: ...


@overload
def command(
    *,
    allowed: Allowed = ENABLED,
    description: str = "",
    at_once: bool = False,
    timeout: Period = 0.0,
    reads: bool = False,
) -> Callable[[F], F]: ...


def command(method: Any = None, /, **options: Any) -> Any:
    """Decorator for a method that people may call from outside; its hints say what it takes and gives.

    With `at_once` it begins whatever the device is at, beside its scans and other commands: for what must not wait.
    Only for `async def`, which the loop runs up to its next await undisturbed. Other commands that came before it and
    wait for their turn then are refused. `timeout`: its outcome is called unknown when it has not returned by then.
    With `reads` it changes nothing and asks nothing of the process: whoever may read the device may call it.
    """

    def mark(method: F) -> F:
        setattr(method, COMMAND, CommandOptions(**options))
        return method

    return mark if method is None else mark(method)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What `scan` was given."""

    period: Period = 1.0
    phase: float | None = None


def scan(*, period: Period, phase: float | None = None) -> Callable[[F], F]:
    """Decorator for a method called once per period; it sets the tags that were declared with its name.

    They are published together when it returns, and turn stale when it does not.
    """

    def mark(method: F) -> F:
        setattr(method, SCAN, ScanOptions(period=period, phase=phase))
        return method

    return mark


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number given to a command or a setting may be."""

    low: float | None = None
    high: float | None = None
    unit: str = ""


def bounds(low: float | None = None, high: float | None = None, *, unit: str = "") -> Bounds:
    """For hints of arguments: `rate: Annotated[float, bounds(0, 5, unit="V/s")]`."""
    return Bounds(low, high, unit)


class Setting(Generic[V]):
    """One setting of a device class: its value comes from the configuration and stays."""

    def __init__(self, default: Any, description: str, limits: Bounds, place: Place, site: str = "") -> None:
        self.default = default
        self.description = description
        self.bounds = limits
        self.site = site
        self.place = place
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, device: Device | None, owner: type) -> Any:
        return self if device is None else device._settings[self.name]

    def __set__(self, device: Device, value: Any) -> None:
        raise AttributeError(f"setting {self.name!r} comes from the configuration; a value that changes is a tag")


def setting(
    default: Any = MISSING,
    *,
    description: str = "",
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    site: str = "",
) -> Any:
    """Declare a setting, as `port: str = setting("/dev/ttyS0")`; without a default it must be given.

    `site` is the key of a plant's [site] that it is taken from where the device's own table does not have it.
    """
    return Setting[Any](default, description, Bounds(low, high, unit), place_of(), site)


@dataclass(slots=True)
class Child:
    """One child device of a class."""

    settings: dict[str, Any]
    apart: bool
    place: Place
    name: str = field(default="")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, device: Device | None, owner: type) -> Any:
        return self if device is None else device._children[self.name]


def child(*, apart: bool = False, **settings: Any) -> Any:
    """Declare a child device, as `left: Channel = child(number=1)`, with its settings.

    Calls to it and to its parent are serialised together, unless it is `apart`.
    """
    return Child(settings, apart, place_of())
