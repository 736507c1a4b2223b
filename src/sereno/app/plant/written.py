"""Devices written in Python in a plant file: [[device]] class = "module:Class", with the class's settings as keys.

Instruments are such devices too: the family of `driver` has the class for their `kind`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sereno.app.serve.classes import load_class, module_files
from sereno.app.serve.units import unit_faults
from sereno.client import CommandSpec
from sereno.device import ClassPlan, Device, Driver, driver_of, plan_of, tag_specs
from sereno.device.instruments import LOOK, InstrumentFamily
from sereno.model import ConfigurationError, Fault, Limits, Subject, TagSpec

from .alarm_schema import LIMITS, AlarmTable
from .causes import named, of
from .expand import Raw, RawDevice
from .faults import Where, nearest, unknown_keys, validate, whole
from .lost import house_tags, known_name, lost_spec
from .schema import DeviceTable, GroupTable, TagTable

_OF_THE_CLASS = frozenset(("type", "unit", "access", "labels", "group"))
_NOT_OF_DEVICES = ("driver", "scan", "groups")


@dataclass(frozen=True, slots=True)
class WrittenDevice:
    """What a plant file says of a device written in Python, checked. `specs` are all its tags, its children's too.

    `code` tells one state of the class's source from another.
    """

    table: DeviceTable
    cls: type[Device]
    source: str
    driver: type[Driver]
    settings: dict[str, Any]
    groups: dict[str, GroupTable]
    specs: dict[str, TagSpec]
    alarms: dict[str, AlarmTable]
    where: dict[str, str]
    files: tuple[Path, ...]
    code: str


def written_device(raw: RawDevice, folder: Path, faults: list[Fault]) -> WrittenDevice | None:
    """The device of a table with `class`; modules are looked for in `folder` first. None with its faults noted."""
    data, where = raw.table.data, raw.table.where
    label = f"device {data.get('name', '?')!r}"
    faults += [
        Fault(
            where(key),
            f"{label} has a class and {key!r}",
            "one of the two" if key == "driver" else "periods in the class",
        )
        for key in _NOT_OF_DEVICES
        if key in data
    ]
    plan = _plan(str(data["class"]), folder, where("class"), faults)
    raw.site.complete = raw.site.complete and plan is not None
    if plan is None:
        house_tags(raw, faults)
    kept = {key: value for key, value in data.items() if key not in _NOT_OF_DEVICES}
    return None if plan is None else _written(raw, kept, plan, str(data["class"]), faults)


def instrument_device(raw: RawDevice, family: InstrumentFamily, faults: list[Fault]) -> WrittenDevice | None:
    """The device of a table whose driver has a class for each kind of instrument. None with its faults noted."""
    data, where = raw.table.data, raw.table.where
    label, kind = f"device {data.get('name', '?')!r}", data.get("kind")
    if not isinstance(kind, str) or kind not in family.kinds:
        raw.site.complete = False
        house_tags(raw, faults)
        found = f"{label} has no 'kind'" if kind is None else f"unknown kind {kind!r} in {label}"
        fix = nearest(str(kind or ""), family.kinds)
        faults.append(Fault(where(*(["kind"] if "kind" in data else [])), found, "what the instrument is", fix))
        return None
    if "groups" in data:
        faults.append(Fault(where("groups"), f"{label} is an instrument and has 'groups'", "scan = ... alone"))
    plan = plan_of(family.kinds[kind])
    kept = {key: value for key, value in data.items() if key not in ("kind", "groups")}
    made = _written(raw, kept, plan, f"{plan.cls.__module__}:{plan.cls.__name__}", faults)
    if made is None:
        return None
    code = hashlib.sha256(f"{made.source} {made.code}".encode()).hexdigest()
    groups = dict(made.groups)
    if "scan" in made.table.model_fields_set and LOOK in groups:
        groups[LOOK] = GroupTable(period=made.table.scan, phase=None)
    return replace(made, code=code, groups=groups)


def _written(
    raw: RawDevice, data: dict[str, Any], plan: ClassPlan, source: str, faults: list[Fault]
) -> WrittenDevice | None:
    where, label = raw.table.where, f"device {data.get('name', '?')!r}"
    names = [field.alias or name for name, field in DeviceTable.model_fields.items()]
    table = validate(DeviceTable, {k: v for k, v in data.items() if k in names}, where, label, faults)
    rest = {k: v for k, v in data.items() if k not in names}
    faults += unknown_keys(rest, [*plan.settings.model_fields, *names], where, label)
    own = {k: v for k, v in rest.items() if k in plan.settings.model_fields}
    known, at = raw.site.settings(plan, own, where)
    missing = raw.site.missing(plan, known, label)
    faults += missing
    settings = None if missing else validate(plan.settings, known, at, label, faults)
    faults += marks_astray(table, sorted(_names_of_commands(plan)), where, label) if table is not None else []
    specs = tag_specs(plan.cls, known_name(raw))
    places = dict.fromkeys(specs, where())
    alarms = {path: _alarm(spec.limits) for path, spec in specs.items() if spec.limits is not None}
    for tag in raw.tags:
        found: list[Fault] = []
        refined = _refine(tag, known_name(raw), str(data.get("name", "?")), specs, found)
        about = Subject("tag", f"{known_name(raw)}/{named(tag.data)}")
        faults += of(about, found, loses=lost_spec(about.name))
        if refined is not None:
            specs[refined[0].path], places[refined[0].path] = refined[0], tag.where()
            if refined[1] is not None:
                alarms[refined[0].path] = refined[1]
    if table is None or settings is None:
        return None
    groups = {scan.name: GroupTable(period=scan.period, phase=scan.phase) for scan in plan.scans.values()}
    files = tuple(module_files(plan.cls))
    try:
        code = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    except OSError as error:
        fix = "Restart what runs it, or name the class by its file: folder/module.py:Class."
        text = f"{source} was loaded from {error.filename}, which cannot be read any more: {error.strerror}"
        faults.append(Fault(where("class"), text, fix=fix))
        return None
    made = driver_of(plan.cls)
    return WrittenDevice(table, plan.cls, source, made, known, groups, specs, alarms, places, files, code)


def marks_astray(table: DeviceTable, known: Sequence[str], where: Where, label: str) -> list[Fault]:
    """Marks of commands that the device has not: a protection that would not be there."""
    expected = "a command of the device" if known else "no commands: devices of this driver have none"
    return [
        Fault(where("commands", key), f"{label} has no command {key!r}", expected, nearest(key, known))
        for key in table.commands
        if key not in known
    ]


def commands_of(device: WrittenDevice) -> dict[str, CommandSpec]:
    """The commands of its class, by name."""
    return {name: one.spec for name, one in plan_of(device.cls).commands.items()}


def _names_of_commands(plan: ClassPlan) -> list[str]:
    below = {name: _names_of_commands(plan_of(kind)) for name, (kind, _, _) in plan.children.items()}
    return [*plan.commands, *(f"{name}/{one}" for name, names in below.items() for one in names)]


def _plan(name: str, folder: Path, where: str, faults: list[Fault]) -> ClassPlan | None:
    try:
        cls = load_class(name, where=where, folder=folder)
        plan = plan_of(cls)
    except ConfigurationError as error:
        faults += error.faults
        return None
    faults += unit_faults(cls)
    return plan


def _alarm(limits: Limits) -> AlarmTable:
    """Limits that the class declares; a draft where it does not say how urgent they are and what to do."""
    declared = {name: value for name in LIMITS if (value := getattr(limits, name)) is not None}
    return AlarmTable(
        **declared,
        deadband=limits.deadband,
        priority=limits.priority,
        response=limits.response,
        draft=not (limits.priority and limits.response),
    )


def _refine(
    raw: Raw, device: str, called: str, specs: dict[str, TagSpec], faults: list[Fault]
) -> tuple[TagSpec, AlarmTable | None] | None:
    """[[device.tag]]: what this plant says of a tag of the class. `called`: the device's name as it is written."""
    label = f"tag {raw.data.get('name', '?')!r} of {called!r}"
    faults += unknown_keys(raw.data, TagTable.model_fields, raw.where, label)
    known = {k: v for k, v in raw.data.items() if k in TagTable.model_fields}
    table = validate(TagTable, known, raw.where, label, faults)
    if table is None:
        return None
    path = f"{device}/{table.name}"
    if path not in specs:
        names = [p.removeprefix(f"{device}/") for p in specs]
        faults.append(Fault(raw.where("name"), f"{label} is not in its class", fix=nearest(table.name, names)))
        return None
    for key in sorted(table.model_fields_set & _OF_THE_CLASS):
        faults.append(Fault(raw.where(key), f"{key} of {label} is declared by its class", "no such key here"))
    try:
        return _refined(specs[path], table), table.alarm
    except ValueError as error:
        faults.append(Fault(raw.where(), f"{label}: {error}", misses=whole(raw.where)))
        return None


def _refined(spec: TagSpec, table: TagTable) -> TagSpec:
    given = table.model_fields_set - _OF_THE_CLASS - {"name", "alarm", "setpoint"}
    changes: dict[str, Any] = {key: getattr(table, key) for key in given}
    if table.alarm is not None:
        changes["limits"] = table.alarm.limits()
    made = table.setpoint.setpoint()
    set_ = {key: getattr(made, key) for key in table.setpoint.model_fields_set if hasattr(made, key)}
    return replace(spec, **changes, setpoint=replace(spec.setpoint, **set_))
