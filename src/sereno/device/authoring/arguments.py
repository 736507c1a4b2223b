"""Parameters of commands: from a method's signature to what is checked before it is called."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from sereno.client import CommandSpec, ParameterSpec
from sereno.model import RefusedError, parse_duration

from .declare import COMMAND, MISSING, Bounds
from .plan import PlannedCommand, Rule, parameter

if TYPE_CHECKING:
    from .collect import Body

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def planned_command(body: Body, name: str, method: Callable[..., Any], rule: Rule) -> PlannedCommand | None:
    """The plan of a command; None with its faults noted."""
    from .collect import first_line, place

    before = len(body.faults)
    hints = inspect.get_annotations(method)
    parameters, kinds = [], []
    for given in list(inspect.signature(method).parameters.values())[1:]:
        made = _parameter(body, name, method, given, hints)
        if made is not None:
            parameters.append(made[0])
            kinds.append(made[1])
    result = None
    hint = hints.get("return")
    if hint not in (None, "None", type(None)):
        hint = body.resolve(method, hint, f"the result of {name}", place(method))
        result = None if hint is MISSING else body.kind(hint, f"the result of {name}", place(method))
    options = getattr(method, COMMAND)
    if options.at_once and (rule.condition is not None or not inspect.iscoroutinefunction(method)):
        expected = "async def, and no function in allowed"
        body.fault(place(method), f"the command {name} is to begin at once", expected)
    if options.reads and result is None and len(body.faults) == before:
        body.fault(place(method), f"the command {name} only reads and gives nothing", "the type of what it gives")
    try:
        timeout = parse_duration(options.timeout) if options.timeout else 0.0
    except ValueError as error:
        body.fault(place(method), f"timeout of {name}: {error}")
    if len(body.faults) > before:
        return None
    spec = CommandSpec(
        name=name,
        description=options.description or first_line(method),
        parameters=tuple(parameters),
        result=parameter("result", result) if result else None,
        allowed=tuple(sorted(str(state) for state in rule.states)),
        reads=options.reads,
    )
    return PlannedCommand(name, spec, method, tuple(kinds), result, rule, at_once=options.at_once, timeout=timeout)


def _parameter(
    body: Body, name: str, method: Callable[..., Any], given: inspect.Parameter, hints: dict[str, Any]
) -> tuple[ParameterSpec, Any] | None:
    from .collect import place

    where, what = place(method), f"parameter {given.name} of {name}"
    if given.kind not in _POSITIONAL:
        body.fault(where, f"{what} is {given.kind.description}", "plain parameters")
        return None
    if given.name not in hints:
        body.fault(where, f"{what} has no type", "a type hint", f"{given.name}: float")
        return None
    hint = body.resolve(method, hints[given.name], given.name, where)
    kind = None if hint is MISSING else body.kind(hint, what, where)
    if kind is None:
        return None
    extra = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    limits = next((e for e in extra if isinstance(e, Bounds)), Bounds())
    optional = given.default is not given.empty
    default = None
    if optional:
        try:
            default = plain(kind, kind.coded(given.default))
        except (TypeError, ValueError) as error:
            body.fault(where, f"default of {what}: {error}", kind.words)
    more = {"unit": limits.unit, "low": limits.low, "high": limits.high, "optional": optional, "default": default}
    return parameter(given.name, kind, **more), kind


def checked(command: PlannedCommand, arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments as the method gets them, without those left to their defaults. Raises RefusedError."""
    parameters = command.spec.parameters
    needed = sum(not p.optional for p in parameters)
    if not needed <= len(arguments) <= len(parameters):
        raise RefusedError(f"{command.spec.signature} got {len(arguments)} argument(s)")
    found = []
    for given, spec, kind in zip(arguments, parameters, command.kinds, strict=False):
        try:
            coded = kind.coded(given)
        except (TypeError, ValueError) as error:
            raise RefusedError(f"{command.name}: {spec.name}: {error}") from None
        if isinstance(coded, int | float) and not isinstance(coded, bool) and not kind.enum:
            _check_bounds(command.name, spec, coded)
        found.append(kind.opened(coded))
    return found


def _check_bounds(command: str, spec: ParameterSpec, value: float) -> None:
    below = spec.low is not None and value < spec.low
    above = spec.high is not None and value > spec.high
    if below or above or value != value:  # noqa: PLR0124 - NaN
        low, high = ("-" if limit is None else f"{limit:g}" for limit in (spec.low, spec.high))
        raise RefusedError(
            f"{command}: {spec.name} takes {low} to {high} {spec.unit}".rstrip() + f", this is {value:g}"
        )


def plain(kind: Any, coded: Any) -> Any:
    """A coded value as it is sent: enum codes as their labels, arrays as lists."""
    if kind.enum and not kind.shape:
        return kind.labels[coded]
    if kind.shape:
        listed = coded.tolist() if hasattr(coded, "tolist") else list(coded)
        return _labelled(kind.labels, listed) if kind.enum else listed
    return coded


def _labelled(labels: tuple[str, ...], value: Any) -> Any:
    return [_labelled(labels, v) for v in value] if isinstance(value, list) else labels[value]
