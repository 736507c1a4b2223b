"""From a class to its plan: hints, options and methods held against each other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model

from sereno.model import (
    Access,
    ConfigurationError,
    Fault,
    Limits,
    OperationalState,
    Setpoint,
    TagSpec,
    check_path,
    parse_duration,
)

from .arguments import planned_command
from .declare import COMMAND, MISSING, SCAN, WRITES, Allowed, Bounds, Child, Place, Setting, Tag
from .kinds import EXPECTED, Kind, hint_words, kind_of, optional_words
from .plan import HEARTBEAT, HELD, ClassPlan, PlannedScan, PlannedTag, Rule, plan_of

if TYPE_CHECKING:
    from .device import Device

DEFAULT_PERIOD = 1.0
_EVALUATION = (ArithmeticError, AttributeError, ImportError, LookupError, NameError, SyntaxError, TypeError, ValueError)


def collect(cls: type[Device]) -> ClassPlan:
    """See plan_of."""
    faults: list[Fault] = []
    body = Body(cls, faults)
    scans = _scans(body)
    tags = {tag.name: tag for name, one in body.of(Tag) if (tag := _tag(body, name, one, scans)) is not None}
    for name, planned in scans.items():
        if planned.method is not None and all(tag.group != name for tag in tags.values()):
            fix = f'Declare what it sets with scan="{name}": level: float = tag(scan="{name}").'
            body.fault(place(planned.method), f"the scan {name} sets no tag", "at least one", fix)
    _writers(body, tags)
    settings = _settings(body)
    children = _children(body)
    commands = {
        name: made
        for name, method in body.methods(COMMAND)
        if (made := planned_command(body, name, method, rule_of(body, name, getattr(method, COMMAND).allowed)))
        is not None
    }
    _hooks(body)
    if faults:
        raise ConfigurationError(faults)
    taken = {name: declared.site for name, declared in body.of(Setting) if declared.site}
    return ClassPlan(cls, first_line(cls), tags, commands, scans, settings, children, taken)


class Body:
    """A class body: its attributes with those it inherits, their hints, and where they stand."""

    def __init__(self, cls: type[Device], faults: list[Fault]) -> None:
        from .device import Device

        self.cls = cls
        self.faults = faults
        self.reserved = frozenset(name for name in dir(Device) if not name.startswith("_"))
        self.attributes: dict[str, Any] = {}
        for one in reversed([c for c in cls.__mro__ if issubclass(c, Device) and c is not Device]):
            self.attributes.update(vars(one))

    def of(self, kind: type[Any]) -> Iterator[tuple[str, Any]]:
        """Attributes of a kind, with legal names."""
        for name, value in self.attributes.items():
            if isinstance(value, kind) and self._legal(name, place(value)):
                yield name, value

    def methods(self, mark: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Methods that carry a decorator's mark."""
        for name, value in self.attributes.items():
            if (
                inspect.isfunction(value)
                and hasattr(value, mark)
                and (mark == WRITES or self._legal(name, place(value)))
            ):
                yield name, value

    def hint(self, name: str, where: Place, fix: str) -> Any:
        """The hint of an attribute; MISSING if there is none or it cannot be resolved, which is a fault."""
        for one in self.cls.__mro__:
            if name in inspect.get_annotations(one):
                return self.resolve(one, inspect.get_annotations(one)[name], name, where)
        self.fault(where, f"{name} has no type", "a type hint", fix)
        return MISSING

    def resolve(self, owner: Any, hint: Any, name: str, where: Place) -> Any:
        """A hint that may be text as an object."""
        if not isinstance(hint, str):
            return hint
        module = inspect.getmodule(owner)
        known = dict(vars(module)) if module else {}
        known |= getattr(owner, "__globals__", {})
        try:
            return eval(hint, known, dict(self.attributes))  # noqa: S307 - the hint of code that runs anyway
        except _EVALUATION as error:
            self.fault(where, f"the type {hint!r} of {name} cannot be found: {error}", "a name of its module")
            return MISSING

    def fault(self, where: Place, found: str, expected: str = "", fix: str = "") -> None:
        """Note a fault."""
        self.faults.append(Fault(str(where), f"{self.cls.__name__}: {found}", expected, fix))

    def kind(self, hint: Any, what: str, where: Place, *, type_: str = "", shape: Sequence[int] | None = None) -> Any:
        """The kind of a hint, None with a fault noted."""
        try:
            return kind_of(hint, type_=type_, shape=shape)
        except TypeError as error:
            self.fault(where, f"{what}: {error}", EXPECTED, optional_words(hint))
            return None

    def _legal(self, name: str, where: Place) -> bool:
        try:
            check_path(name, segments=1)
        except ValueError as error:
            self.fault(where, str(error))
            return False
        if name in self.reserved:
            self.fault(where, f"{name!r} is a name of every device", "another name", f"{name}_value, for example.")
            return False
        return True


def place(declared: Any) -> Place:
    """Where a tag, setting, child or function was declared."""
    if inspect.isfunction(declared):
        return Place(declared.__code__.co_filename, declared.__code__.co_firstlineno)
    found: Place = declared.place
    return found


def first_line(documented: Any) -> str:
    """The first line of a docstring; empty without one."""
    text = vars(documented).get("__doc__") if isinstance(documented, type) else documented.__doc__
    return (inspect.cleandoc(text).splitlines() or [""])[0] if text else ""


def near(name: str, known: Sequence[str]) -> str:
    """A hint on the likely spelling."""
    found = get_close_matches(name, known, 1)
    return f"Did you mean {found[0]!r}?" if found else f"There are {', '.join(known)}." if known else ""


def rule_of(body: Body, name: str, allowed: Allowed) -> Rule:
    """States and condition of `allowed=`."""
    where = place(body.attributes[name])
    if callable(allowed) and not isinstance(allowed, str):
        return Rule(condition=allowed)
    words = [allowed] if isinstance(allowed, str) else list(allowed)
    states = set()
    for word in words:
        try:
            states.add(OperationalState(word))
        except ValueError:
            known = [str(state) for state in OperationalState]
            body.fault(where, f"{name} is allowed in the state {word!r}", ", ".join(known), near(str(word), known))
    return Rule(frozenset(states))


def _scans(body: Body) -> dict[str, PlannedScan]:
    scans = {HELD: PlannedScan(HELD, HEARTBEAT, 0.0)}
    for name, method in body.methods(SCAN):
        options = getattr(method, SCAN)
        period = _period(body, name, options.period, place(method))
        _takes_nothing(body, name, method, "a scan")
        scans[name] = PlannedScan(name, period, options.phase, method)
    return scans


def _period(body: Body, name: str, given: Any, where: Place) -> float:
    try:
        seconds = parse_duration(given)
    except ValueError as error:
        body.fault(where, f"period of {name}: {error}")
        return DEFAULT_PERIOD
    if seconds <= 0:
        body.fault(where, f"period of {name}: {given!r}", "more than 0 s")
        return DEFAULT_PERIOD
    return seconds


def _takes_nothing(body: Body, name: str, method: Callable[..., Any], what: str) -> None:
    needed = [p for p in list(inspect.signature(method).parameters.values())[1:] if p.default is p.empty]
    if needed:
        found = f"{what} is called with self alone, {name} also takes {', '.join(p.name for p in needed)}"
        body.fault(place(method), found)


def _tag(body: Body, name: str, declared: Tag[Any], scans: dict[str, PlannedScan]) -> PlannedTag | None:
    options, where = declared.options, declared.place
    if declared.method is None:
        hint = body.hint(name, where, f"{name}: float = tag(...)")
    else:
        _takes_nothing(body, name, declared.method, "a method that reads a tag")
        hint = _return_hint(body, name, declared.method)
    if hint is MISSING:
        return None
    kind = body.kind(hint, name, where, type_=options.type, shape=options.shape)
    if kind is None:
        return None
    group = _group(body, name, declared, scans)
    spec = _spec(body, declared.name, declared, kind)
    if spec is None:
        return None
    made = PlannedTag(declared.name, kind, options, spec, group, rule_of(body, name, options.allowed), declared.method,
                      declared.writer, where)  # fmt: skip
    _check_tag(body, made)
    return made


def _return_hint(body: Body, name: str, method: Callable[..., Any]) -> Any:
    hint = inspect.get_annotations(method).get("return", MISSING)
    if hint is MISSING or hint in (None, "None"):
        found = f"{name} reads a tag and does not say of which type"
        body.fault(place(method), found, "a return hint", f"def {name}(self) -> float:")
        return MISSING
    return body.resolve(method, hint, name, place(method))


def _group(body: Body, name: str, declared: Tag[Any], scans: dict[str, PlannedScan]) -> str:
    options = declared.options
    if declared.method is not None:
        if options.scan:
            body.fault(declared.place, f"{name} has a method of its own and scan={options.scan!r}", "one of the two")
        period = _period(body, name, DEFAULT_PERIOD if options.period is None else options.period, declared.place)
        group = f"every_{period:g}s"
        scans.setdefault(group, PlannedScan(group, period))
        return group
    if options.period is not None:
        fix = f"Write @tag(...) before a method that reads {name}, or name a scan with scan=."
        body.fault(declared.place, f"{name} has a period and nothing that reads it", fix=fix)
    known = [scan for scan, planned in scans.items() if planned.method is not None]
    if options.scan and options.scan not in known:
        body.fault(declared.place, f"{name} is set by the scan {options.scan!r}, which is not there",
                   "a method with @scan(period=...)", near(options.scan, known))  # fmt: skip
        return HELD
    return options.scan or HELD


def _spec(body: Body, name: str, declared: Tag[Any], kind: Kind) -> TagSpec | None:
    options = declared.options
    access = Access.WRITE if options.write == "only" else Access.READ_WRITE if options.write else Access.READ
    alarm = options.alarm
    try:
        return TagSpec(
            path=f"device/{name}",
            type=kind.type,
            unit=options.unit,
            description=options.description or (first_line(declared.method) if declared.method else ""),
            access=access,
            shape=kind.shape,
            labels=kind.labels,
            decimals=options.decimals,
            low=options.low,
            high=options.high,
            deadband=options.deadband,
            deadband_percent=options.deadband_percent,
            limits=alarm if alarm is None or isinstance(alarm, Limits) else Limits(**alarm),
            setpoint=Setpoint(
                low=options.low if options.write_low is None else options.write_low,
                high=options.high if options.write_high is None else options.write_high,
                max_step=options.max_step,
                max_rate=options.max_rate,
                tolerance=options.tolerance,
                timeout=options.timeout,
                interlock=options.interlock,
            ),
            was=options.was,
        )
    except (TypeError, ValueError) as error:
        body.fault(declared.place, f"{name}: {error}")
        return None


def _check_tag(body: Body, tag: PlannedTag) -> None:
    options = tag.options
    where = tag.place or _class_place(body.cls)
    if options.memorised and not tag.spec.access.writable:
        body.fault(where, f"{tag.name} is memorised and cannot be written", fix="Add write=True, or give a default.")
    numbers = ("low", "high", "write_low", "write_high", "alarm", "max_step", "max_rate")
    if not (tag.kind.type.is_float or tag.kind.type.startswith(("int", "uint"))):
        given = [key for key in numbers if getattr(options, key) is not None]
        if given:
            body.fault(where, f"{tag.name} is {tag.kind.words} and has {', '.join(given)}", "these for numbers only")
    if options.default is not MISSING:
        try:
            tag.kind.coded(options.default)
        except (TypeError, ValueError) as error:
            body.fault(where, f"default of {tag.name}: {error}", tag.kind.words)


def _writers(body: Body, tags: dict[str, PlannedTag]) -> None:
    """Bind the methods that take writes to their tags."""
    for name, method in body.methods(WRITES):
        target = getattr(method, WRITES)
        if target not in tags:
            if target not in body.attributes:
                body.fault(
                    place(method), f"{name} takes writes to {target!r}, which is no tag", fix=near(target, list(tags))
                )
            continue
        if tags[target].writer not in (None, method):
            body.fault(place(method), f"{name} is a second method that takes writes to {target}", "one")
        tags[target] = replace(tags[target], writer=method)
    for tag in tags.values():
        _check_writer(body, tag)


def _check_writer(body: Body, tag: PlannedTag) -> None:
    where = tag.place or _class_place(body.cls)
    writable = tag.spec.access.writable
    if tag.writer is None:
        if writable and not tag.held:
            found = f"{tag.name} may be written, and no method takes it"
            body.fault(where, found, fix=f'Add a method with @{tag.name}.write or @on_write("{tag.name}").')
        return
    if not writable:
        body.fault(place(tag.writer), f"a method takes writes to {tag.name}, which is read only", fix="Add write=True.")
    parameters = list(inspect.signature(tag.writer).parameters.values())[1:]
    if len(parameters) != 1:
        body.fault(
            place(tag.writer), f"the method that takes writes to {tag.name} has {len(parameters)} parameters", "one"
        )
        return
    hint = inspect.get_annotations(tag.writer).get(parameters[0].name, MISSING)
    if hint is MISSING:
        return
    hint = body.resolve(tag.writer, hint, parameters[0].name, place(tag.writer))
    kind = None if hint is MISSING else body.kind(hint, tag.name, place(tag.writer))
    if kind is not None and (kind.type, len(kind.shape), kind.enum) != _as_hinted(body, tag):
        found = f"{tag.name} is {tag.kind.words}, the method that takes its writes has {hint_words(hint)}"
        body.fault(place(tag.writer), found, "the same type")


def _as_hinted(body: Body, tag: PlannedTag) -> tuple[Any, int, Any]:
    """The tag's kind without what options have narrowed."""
    del body
    type_ = tag.kind.type
    if tag.options.type:
        type_ = kind_of(float if type_.is_float else int).type
    return type_, len(tag.kind.shape), tag.kind.enum


def _settings(body: Body) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, declared in body.of(Setting):
        hint = body.hint(name, declared.place, f"{name}: str = setting(...)")
        if hint is MISSING:
            continue
        limits: Bounds = declared.bounds
        default = ... if declared.default is MISSING else declared.default
        description = " ".join(
            part for part in (declared.description, f"[{limits.unit}]" if limits.unit else "") if part
        )
        fields[name] = (hint, Field(default, ge=limits.low, le=limits.high, description=description or None))
    try:
        return create_model(
            f"{body.cls.__name__}Settings",
            __config__=ConfigDict(extra="forbid", frozen=True, validate_default=True, arbitrary_types_allowed=False),
            __module__=__name__,
            **fields,
        )
    except (PydanticUserError, NameError, TypeError, ValueError) as error:
        body.fault(_class_place(body.cls), f"settings: {error}")
        return BaseModel


def _children(body: Body) -> Mapping[str, tuple[type[Device], dict[str, Any], bool]]:
    from .device import Device

    found = {}
    for name, declared in body.of(Child):
        hint = body.hint(name, declared.place, f"{name}: Channel = child(...)")
        if hint is MISSING:
            continue
        if not (isinstance(hint, type) and issubclass(hint, Device)):
            body.fault(declared.place, f"child {name} is {hint_words(hint)}", "a subclass of Device")
        elif hint is body.cls:
            body.fault(declared.place, f"child {name} is of the class itself", "another class")
        else:
            found[name] = (hint, declared.settings, declared.apart)
            _check_settings(body, name, hint, declared)
    return found


def _check_settings(body: Body, name: str, kind: type[Device], declared: Child) -> None:
    """A child has its settings from here alone; what is wrong with them would else stop the node as it starts."""
    try:
        plan_of(kind).settings(**declared.settings)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where = ".".join(map(str, one["loc"]))
            body.fault(declared.place, f"child {name}: setting {where!r}: {one['msg'].lower()}", "child(SETTING=...)")
    except ConfigurationError as error:
        body.faults += error.faults


def _hooks(body: Body) -> None:
    for name in ("startup", "shutdown"):
        if inspect.isfunction(method := body.attributes.get(name)):
            _takes_nothing(body, name, method, name)
    if inspect.isfunction(method := body.attributes.get("__init__")):
        body.fault(place(method), "a device is made by the framework, with its settings", "no __init__",
                   "Put what it did into startup(self).")  # fmt: skip


def _class_place(cls: type[Any]) -> Place:
    try:
        return Place(inspect.getsourcefile(cls) or cls.__module__, inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):
        return Place(cls.__module__, 1)
