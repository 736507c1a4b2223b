"""Devices and tags of a plant file: their own tables and their driver's, checked and ready to run."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from sereno.app.registry import driver_entries, load_driver
from sereno.client import AlarmSpec
from sereno.device import Driver, DriverTag
from sereno.device.instruments import InstrumentFamily
from sereno.model import Access, Fault, TagSpec, ValueType

from .alarms import limit_alarms
from .derived import NAME as DERIVED
from .derived import DerivedFamily
from .expand import Raw, RawDevice
from .faults import nearest, unknown_keys, validate
from .schema import CounterTable, DeviceTable, GroupTable, TagTable
from .setpoints import setpoint_of
from .units import unit_fault
from .written import WrittenDevice, instrument_device, marks_astray, written_device

DEFAULT_GROUP = "default"
Family: TypeAlias = "type[Driver] | type[DerivedFamily]"
AnyFamily: TypeAlias = "Family | InstrumentFamily"


@dataclass(frozen=True, slots=True)
class PlantTag:
    """A tag ready to run: its declaration, its address, its scan group and where it was declared."""

    driver_tag: DriverTag
    group: str
    where: str
    alarms: tuple[AlarmSpec, ...] = ()
    counter: CounterTable | None = None

    @property
    def spec(self) -> TagSpec:
        """The declaration."""
        return self.driver_tag.spec


@dataclass(frozen=True, slots=True)
class PlantDevice:
    """A device ready to run; `written` where it is a class in Python rather than a driver's."""

    table: DeviceTable
    driver: Family
    config: Any
    groups: dict[str, GroupTable]
    tags: tuple[PlantTag, ...]
    where: str
    written: WrittenDevice | None = None


class Drivers:
    """Drivers of the plant in this folder, each imported once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries = driver_entries()
        self.loaded: dict[str, type[Driver] | InstrumentFamily] = {}

    def get(self, name: str, where: str, faults: list[Fault]) -> AnyFamily | None:
        """The driver of this name; None with a fault where there is none, or it cannot be imported."""
        if name == DERIVED:
            return DerivedFamily
        if name not in self.entries:
            faults.append(Fault(where, f"unknown driver {name!r}", fix=nearest(name, [*self.entries, DERIVED])))
            return None
        if name not in self.loaded:
            try:
                self.loaded[name] = load_driver(self.entries[name])
            except (ImportError, TypeError) as error:
                faults.append(Fault(where, f"driver {name!r} cannot be loaded: {error}"))
                return None
        return self.loaded[name]


def plant_device(raw: RawDevice, drivers: Drivers, faults: list[Fault]) -> PlantDevice | None:
    """One `[[device]]` with its tags; None with the faults that keep it from being one."""
    before = len(faults)
    data, where = raw.table.data, raw.table.where
    label = f"device {data.get('name', '?')!r}"
    if "class" in data:
        written = written_device(raw, drivers.folder, faults)
        return None if written is None else _of_class(written, where())
    if "driver" not in data:
        near = difflib.get_close_matches("driver", [k for k in data if k not in DeviceTable.model_fields], 1)
        found = f"unknown key {near[0]!r} in {label}" if near else f"{label} has no 'driver'"
        faults.append(
            Fault(where(*near), found, 'driver = ... or class = "module:Class"', nearest("", drivers.entries))
        )
        return None
    driver = drivers.get(str(data["driver"]), where("driver"), faults)
    raw.site.complete = raw.site.complete and driver is not None
    if isinstance(driver, InstrumentFamily):
        written = instrument_device(raw, driver, faults)
        return None if written is None else _of_class(written, where())
    own = {k: v for k, v in data.items() if k in DeviceTable.model_fields}
    table = validate(DeviceTable, own, where, label, faults)
    if driver is None:
        return None
    rest = {k: v for k, v in data.items() if k not in DeviceTable.model_fields}
    config = _driver_table(driver.Config, DeviceTable, Raw(rest, where), label, faults)
    if table is None or config is None:
        return None
    groups = {DEFAULT_GROUP: GroupTable(period=table.scan, phase=None), **table.groups}
    tags = _tags(raw.tags, table, driver, groups, faults)
    if len(faults) == before:
        faults += _driver_check(driver, config, tags, where())
    named = driver.named(config) if issubclass(driver, Driver) else None
    faults += [] if named is None else marks_astray(table, named, where, label)
    return PlantDevice(table, driver, config, groups, tuple(tags), where())


def _of_class(written: WrittenDevice, where: str) -> PlantDevice:
    tags = []
    for path, spec in written.specs.items():
        alarm = written.alarms.get(path)
        alarms = tuple(limit_alarms(spec, alarm)) if alarm else ()
        tags.append(PlantTag(DriverTag(spec, None), "", written.where[path], alarms))
    return PlantDevice(written.table, written.driver, written.settings, written.groups, tuple(tags), where, written)


def _driver_table(model: type[BaseModel], house: type[BaseModel], raw: Raw, label: str, faults: list[Fault]) -> Any:
    """The driver's own keys, validated; unknown keys are compared with both vocabularies."""
    fields = _names(model)
    known = [*fields, *_names(house)]
    faults.extend(unknown_keys(raw.data, known, raw.where, label))
    return validate(model, {k: v for k, v in raw.data.items() if k in fields}, raw.where, label, faults)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _tags(
    raws: Iterable[Raw], device: DeviceTable, driver: Family, groups: dict[str, GroupTable], faults: list[Fault]
) -> list[PlantTag]:
    made: dict[str, PlantTag] = {}
    for raw in raws:
        tag = _tag(raw, device, driver, groups, faults)
        if tag is None:
            continue
        if tag.spec.path in made:
            where = raw.where("name")
            faults.append(
                Fault(where, f"duplicate tag {tag.spec.path!r}, declared first at {made[tag.spec.path].where}")
            )
            continue
        made[tag.spec.path] = tag
    return list(made.values())


def _tag(
    raw: Raw, device: DeviceTable, driver: Family, groups: dict[str, GroupTable], faults: list[Fault]
) -> PlantTag | None:
    label = f"tag {raw.data.get('name', '?')!r} of {device.name!r}"
    own = {k: v for k, v in raw.data.items() if k in TagTable.model_fields}
    rest = {k: v for k, v in raw.data.items() if k not in TagTable.model_fields}
    table = validate(TagTable, own, raw.where, label, faults)
    config = _driver_table(driver.TagConfig, TagTable, Raw(rest, raw.where), label, faults)
    if table is None or config is None:
        return None
    group = table.group or DEFAULT_GROUP
    if group not in groups:
        faults.append(Fault(raw.where("group"), f"unknown scan group {group!r} in {label}", fix=nearest(group, groups)))
    if fault := unit_fault(table.unit):
        faults.append(Fault(raw.where("unit"), f"{label}: {fault}"))
    try:
        spec = _spec(table, device, config)
    except ValueError as error:
        faults.append(Fault(raw.where(), f"{label}: {error}"))
        return None
    alarms = limit_alarms(spec, table.alarm) if table.alarm else ()
    return PlantTag(DriverTag(spec, config), group, raw.where(), tuple(alarms), table.counter)


def _spec(table: TagTable, device: DeviceTable, config: Any) -> TagSpec:
    usual: Access = getattr(config, "default_access", Access.READ)
    kind = table.type or ValueType(getattr(config, "default_type", ValueType.FLOAT64))
    return TagSpec(
        path=f"{device.name}/{table.name}",
        type=kind,
        unit=table.unit,
        description=table.description,
        access=table.access or usual,
        shape=tuple(getattr(config, "shape", ())),
        labels=tuple(table.labels) or tuple(getattr(config, "default_labels", ())),
        decimals=table.decimals,
        low=table.low,
        high=table.high,
        deadband=table.deadband,
        deadband_percent=table.deadband_percent,
        clock=table.clock,
        limits=table.alarm.limits() if table.alarm else None,
        setpoint=setpoint_of(table, kind, config),
        was=table.was,
    )


def _driver_check(driver: Family, config: Any, tags: Sequence[PlantTag], where: str) -> list[Fault]:
    found = driver.check(config, [t.driver_tag for t in tags])
    return [Fault(tags[i].where if i >= 0 else where, text) for i, text in found]
