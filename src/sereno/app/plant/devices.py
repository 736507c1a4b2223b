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
from sereno.model import Access, Fault, Subject, TagSpec, ValueType

from .alarms import limit_alarms
from .causes import Unread, named, of
from .counters import counter_faults
from .derived import NAME as DERIVED
from .derived import DerivedFamily
from .expand import Raw, RawDevice
from .faults import missing_key, nearest, unknown_keys, validate, whole
from .lost import house_tags, known_name, lost_below, lost_spec, lost_tag, lost_with
from .schema import DEVICE_LISTS, CounterTable, DeviceTable, GroupTable, TagTable
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

    def lists(self, name: object) -> bool:
        """Whether all tags of a device of this driver are in the file: it is known, and no instrument's."""
        return name == DERIVED or isinstance(self.loaded.get(str(name)), type)


def plant_device(raw: RawDevice, drivers: Drivers, faults: list[Fault]) -> PlantDevice | None:
    """One `[[device]]` with its tags; None with the faults that keep it from being one."""
    found: list[Fault] = []
    device = _device(raw, drivers, found)
    subject = Subject("device", named(raw.table.data))
    listed = drivers.lists(raw.table.data.get("driver"))
    faults += of(subject, found, loses=lost_with(raw, listed) if device is None else lost_below(raw, found))
    return device


def _device(raw: RawDevice, drivers: Drivers, faults: list[Fault]) -> PlantDevice | None:
    before = len(faults)
    data, where = raw.table.data, raw.table.where
    raw.site.complete = raw.site.complete and raw.complete
    label = f"device {data.get('name', '?')!r}"
    for key in ("class", "driver", "kind"):
        if isinstance(unread := data.get(key), Unread):
            faults.append(Fault(where(key), f"{key} of {label} is not known", misses=unread.subject))
            return None
    if "class" in data:
        written = written_device(raw, drivers.folder, faults)
        return None if written is None else _of_class(written, where())
    if "driver" not in data:
        raw.site.complete = False
        strange = [key for key in data if key not in DeviceTable.model_fields]
        near = [one for key in ("driver", "class") for one in difflib.get_close_matches(key, strange, 1)][:1]
        found = f"unknown key {near[0]!r} in {label}" if near else f"{label} has no 'driver'"
        faults.append(
            Fault(where(*near), found, 'driver = ... or class = "module:Class"', nearest("", drivers.entries))
        )
        return None
    if not isinstance(data["driver"], str):
        raw.site.complete = False
        faults.append(Fault(where("driver"), f"driver = {data['driver']!r} in {label}", "the name of a driver"))
        return None
    driver = drivers.get(data["driver"], where("driver"), faults)
    raw.site.complete = raw.site.complete and driver is not None
    if isinstance(driver, InstrumentFamily):
        written = instrument_device(raw, driver, faults)
        return None if written is None else _of_class(written, where())
    own = {k: v for k, v in data.items() if k in DeviceTable.model_fields}
    table = validate(DeviceTable, own, where, label, faults)
    groups = {DEFAULT_GROUP: GroupTable(period=table.scan, phase=None), **table.groups} if table is not None else {}
    if driver is None:
        house_tags(raw, faults)
        return None
    rest = {k: v for k, v in data.items() if k not in DeviceTable.model_fields}
    config = _driver_table(driver.Config, DeviceTable, Raw(rest, where), label, faults)
    tags = _tags(
        raw.tags,
        _Above(known_name(raw), str(data.get("name", "?")), driver, groups, missing_key(where, "groups")),
        faults,
    )
    if table is None or config is None:
        return None
    if len(faults) == before and raw.complete:
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
    known = [*fields, *_names(house), *(DEVICE_LISTS if house is DeviceTable else ())]
    faults.extend(unknown_keys(raw.data, known, raw.where, label))
    return validate(model, {k: v for k, v in raw.data.items() if k in fields}, raw.where, label, faults)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@dataclass(frozen=True, slots=True)
class _Above:
    """What tags are read with; no groups where the device's own table cannot be read."""

    device: str
    label: str
    driver: Family
    groups: dict[str, GroupTable]
    groups_of: Subject


def _tags(raws: Iterable[Raw], above: _Above, faults: list[Fault]) -> list[PlantTag]:
    made: dict[str, PlantTag] = {}
    for raw in raws:
        found: list[Fault] = []
        tag = _tag(raw, above, found)
        about = Subject("tag", f"{above.device}/{named(raw.data)}")
        faults += of(about, found, loses=lost_spec(about.name) if tag is not None else lost_tag(above.device, raw))
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


def _tag(raw: Raw, above: _Above, faults: list[Fault]) -> PlantTag | None:
    driver, groups = above.driver, above.groups
    label = f"tag {raw.data.get('name', '?')!r} of {above.label!r}"
    own = {k: v for k, v in raw.data.items() if k in TagTable.model_fields}
    rest = {k: v for k, v in raw.data.items() if k not in TagTable.model_fields}
    table = validate(TagTable, own, raw.where, label, faults)
    config = _driver_table(driver.TagConfig, TagTable, Raw(rest, raw.where), label, faults)
    if table is None or config is None:
        return None
    group = table.group or DEFAULT_GROUP
    if groups and group not in groups:
        found, fix = f"unknown scan group {group!r} in {label}", nearest(group, groups)
        faults.append(Fault(raw.where("group"), found, fix=fix, misses=above.groups_of))
    if fault := unit_fault(table.unit):
        faults.append(Fault(raw.where("unit"), f"{label}: {fault}"))
    try:
        spec = _spec(table, above.device, config)
    except ValueError as error:
        faults.append(Fault(raw.where(), f"{label}: {error}", misses=whole(raw.where)))
        return None
    alarms = limit_alarms(spec, table.alarm) if table.alarm else ()
    tag = PlantTag(DriverTag(spec, config), group, raw.where(), tuple(alarms), table.counter)
    faults += counter_faults(tag, raw.where("counter"))
    return tag


def _spec(table: TagTable, device: str, config: Any) -> TagSpec:
    usual: Access = getattr(config, "default_access", Access.READ)
    kind = table.type or ValueType(getattr(config, "default_type", ValueType.FLOAT64))
    return TagSpec(
        path=f"{device}/{table.name}",
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
