"""Tags and commands that a device gets while it runs, declared and checked as those of a class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from sereno.model import ConfigurationError, Fault

from .declare import COMMAND, CommandOptions, Place, Tag, TagOptions
from .device import Device
from .plan import PlannedCommand, PlannedTag, plan_of


def dynamic_tag(
    name: str,
    hint: Any,
    read: Callable[[], Any] | None,
    on_write: Callable[[Any], Any] | None,
    options: Mapping[str, Any],
) -> tuple[PlannedTag, float]:
    """A tag, and the period of its group in seconds. Raises ConfigurationError as a class would."""
    place = Place(f"add_tag({name!r})", 0)
    method = None if read is None else _reader(name, hint, read)
    declared: Tag[Any] = Tag(TagOptions(**options), place, method)
    if on_write is not None:
        declared.writer = _writer(on_write)
    plan = plan_of(_body(name, {name: declared, "__annotations__": {name: hint}}))
    found = plan.tags[name]
    return found, plan.scans[found.group].period


def dynamic_command(name: str, method: Callable[..., Any], options: Mapping[str, Any]) -> PlannedCommand:
    """A command whose hints are those of `method`, which is called without the device. Raises ConfigurationError."""
    plan = plan_of(_body(name, {name: _caller(name, method, options)}))
    return plan.commands[name]


def not_declared_twice(device: Device, name: str, names: Mapping[str, Any]) -> None:
    """Raises ConfigurationError if the class has this name already."""
    if name in names:
        raise ConfigurationError([Fault(f"add {name!r}", f"{type(device).__name__} has it already", "another name")])


def _body(name: str, namespace: dict[str, Any]) -> type[Device]:
    return type(f"Added_{name}", (Device,), {**namespace, "__module__": __name__})


def _reader(name: str, hint: Any, read: Callable[[], Any]) -> Callable[[Any], Any]:
    async def waiting(_: Device) -> Any:
        return await read()

    def plain(_: Device) -> Any:
        return read()

    method: Any = waiting if inspect.iscoroutinefunction(read) else plain
    method.__name__ = name
    method.__annotations__ = {"return": hint}
    found: Callable[[Any], Any] = method
    return found


def _writer(on_write: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    async def waiting(_: Device, value: Any) -> Any:
        return await on_write(value)

    def plain(_: Device, value: Any) -> Any:
        return on_write(value)

    method: Any = waiting if inspect.iscoroutinefunction(on_write) else plain
    method.__annotations__ = {}  # what it gets is of the tag's kind, whatever it says
    found: Callable[[Any, Any], Any] = method
    return found


def _caller(name: str, method: Callable[..., Any], options: Mapping[str, Any]) -> Callable[..., Any]:
    async def waiting(_: Device, *arguments: Any) -> Any:
        return await method(*arguments)

    def plain(_: Device, *arguments: Any) -> Any:
        return method(*arguments)

    signature = inspect.signature(method)
    device = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    call: Any = waiting if inspect.iscoroutinefunction(method) else plain
    call.__signature__ = signature.replace(parameters=[device, *map(_by_position, signature.parameters.values())])
    call.__name__, call.__doc__, call.__module__ = name, method.__doc__, method.__module__
    call.__annotations__ = dict(inspect.get_annotations(method, eval_str=True))
    setattr(call, COMMAND, CommandOptions(**options))
    found: Callable[..., Any] = call
    return found


def _by_position(parameter: inspect.Parameter) -> inspect.Parameter:
    movable = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    return parameter.replace(kind=parameter.POSITIONAL_ONLY) if movable else parameter
