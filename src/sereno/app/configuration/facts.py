"""What a plant file says of each thing, as flat facts by key, so that two plants can be compared key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from sereno.access.actor import Right
from sereno.agents.guards import GuardRule
from sereno.agents.jobs.rule import JobRule
from sereno.app.plant.agents import PlantAgent
from sereno.app.plant.devices import PlantDevice, PlantTag
from sereno.app.plant.load import Plant
from sereno.client import AlarmSpec, FieldChange
from sereno.device import Device, plan_of
from sereno.model import TagSpec
from sereno.reports.spec import ReportSpec

Facts = dict[str, Any]
SOFT = frozenset(("unit", "description", "decimals", "deadband", "deadband_percent", "counter"))
"""Keys of a tag that neither its driver nor its scan group looks at; alarm.* and setpoint.* are others."""
SOFT_OF_DEVICE = frozenset(("description", "commands"))
SECTIONS = ("web", "history", "sessions", "native", "gateway", "database", "log")
SIMULATORS = "[[simulator]]"
_HIDDEN = "(not shown)"
_NESTED = {"limits": "alarm", "setpoint": "setpoint"}


def device_facts(device: PlantDevice) -> Facts:
    """All but its tags."""
    table = device.table
    facts: Facts = {
        "driver": table.driver or table.cls,
        "enabled": table.enabled,
        "description": table.description,
        "stale_after": table.stale_after,
        "retry": table.retry.model_dump(),
        "groups": {name: group.model_dump() for name, group in device.groups.items()},
        "commands": {name: marks.model_dump() for name, marks in table.commands.items()},
    }
    settings = device.written.settings if device.written is not None else _dump(device.config)
    return {**facts, **{f"{key}": value for key, value in settings.items()}}


def tag_facts(tag: PlantTag) -> Facts:
    """Declaration, address, group and counter."""
    counter = tag.counter.model_dump() if tag.counter is not None else None
    return {**spec_facts(tag.spec), **_dump(tag.driver_tag.config), "group": tag.group, "counter": counter}


def spec_facts(spec: TagSpec) -> Facts:
    """The keys of a tag's declaration, those of its alarm limits and its set-point with their table's name."""
    facts: Facts = {}
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name in _NESTED:
            nested = asdict(value) if value is not None else {}
            facts.update({f"{_NESTED[field.name]}.{key}": one for key, one in nested.items()})
        elif field.name != "path":
            facts[field.name] = value
    return facts


def rule_facts(rule: AlarmSpec | GuardRule) -> Facts:
    """An alarm or a guard."""
    return {one.name: getattr(rule, one.name) for one in fields(rule) if one.name not in ("id", "name")}


def job_facts(rule: JobRule) -> Facts:
    """A job; its schedule in words, its steps one by one."""
    facts = {one.name: getattr(rule, one.name) for one in fields(rule) if one.name not in ("name", "steps", "schedule")}
    facts["table"] = [asdict(column) for column in rule.table]
    return {**facts, **{f"step {at}": {"do": step.do, **asdict(step)} for at, step in enumerate(rule.steps, 1)}}


def report_facts(spec: ReportSpec) -> Facts:
    """A report; its tables are compared whole."""
    facts = {one.name: getattr(spec, one.name) for one in fields(spec) if one.compare}
    tables = [f"{', '.join(one.tags)}: {', '.join(one.show)}" for one in spec.tables]
    own = {"period": spec.period, "shifts": spec.calendar.shifts, "at": spec.time_of_day}
    whole = [asdict(one) for one in spec.tables]
    gone = ("name", "every", "calendar", "at", "tables")
    return {**own, **{k: v for k, v in facts.items() if k not in gone}, "tables": _Shown(whole, tables)}


def agent_facts(agent: PlantAgent) -> Facts:
    """An agent, in words: what it may do, how it is watched, where it runs."""
    patience = agent.rule.patience
    return {
        "may write": agent.granted(Right.WRITE),
        "may call": agent.granted(Right.CALL),
        "may be silent for": f"{patience.silent:g} s",
        "is restarted": f"{patience.limit} times within {patience.within:g} s",
        "runs": "in a process of its own" if agent.process else "in the node",
    }


def settings_facts(plant: Plant) -> Iterator[tuple[str, Facts]]:
    """The tables that are not of devices. Of simulators, notices and [oidc] only that they are others."""
    yield "[plant]", {k: v for k, v in plant.table.model_dump().items() if k != "include"}
    for name in SECTIONS:
        yield f"[{name}]", _dump(getattr(plant, name))
    yield SIMULATORS, {one.table.name: _Hidden(one.table) for one in plant.simulators}
    yield "[notices]", {"plan": _Hidden(plant.notices)} if plant.notices else {}
    yield "[oidc]", {"provider": _Hidden(plant.provider)} if plant.provider else {}


def is_soft(key: str) -> bool:
    """True if a change of this key of a tag needs no scan to stop."""
    return key in SOFT or key.startswith(("alarm.", "setpoint."))


def field_changes(old: Facts, new: Facts) -> tuple[FieldChange, ...]:
    """The keys that differ, in the order of the new."""
    keys = [key for key in {**new, **old} if old.get(key) != new.get(key)]
    return tuple(FieldChange(key, as_text(old.get(key)), as_text(new.get(key))) for key in keys)


def as_text(value: Any) -> str:
    """A value of a plant file for people; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {as_text(one)}" for key, one in value.items() if one is not None)
    return str(value)


def device_paths(device: PlantDevice) -> list[str]:
    """The device, and for one that is written in Python its children."""
    return [device.table.name] if device.written is None else _family(device.written.cls, device.table.name)


def _family(cls: type[Device], path: str) -> list[str]:
    found = [path]
    for name, (kind, _, _) in plan_of(cls).children.items():
        found += _family(kind, f"{path}/{name}")
    return found


def _dump(config: Any) -> Facts:
    if isinstance(config, BaseModel):
        return config.model_dump()
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


class _Shown:
    """A value that is compared whole, and shown shorter."""

    def __init__(self, value: Any, text: list[str]) -> None:
        self._value, self._text = value, text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shown) and self._value == other._value

    def __str__(self) -> str:
        return "; ".join(self._text)


class _Hidden:
    """A value that is compared and not shown."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden) and self._value == other._value

    def __str__(self) -> str:
        return _HIDDEN
