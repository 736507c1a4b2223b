"""load_plant: a plant file to checked declarations, all faults at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from sereno.access.oidc import OidcConfig
from sereno.agents.guards import GuardRule
from sereno.agents.jobs.rule import JobRule
from sereno.alarms.notify.plan import NoticePlan
from sereno.app.registry import application_entries, driver_entries, load_driver
from sereno.client import AlarmSpec
from sereno.derive.rule import DerivedRule
from sereno.device import Driver, DriverTag
from sereno.device.instruments import InstrumentFamily
from sereno.expression.compiler import compile_expression
from sereno.expression.errors import ExpressionError
from sereno.model import Access, ConfigurationError, Fault, TagSpec, ValueType, tag_id
from sereno.reports.spec import ReportSpec

from .agents import PlantAgent, plant_agents
from .alarms import check_suppression, limit_alarms, other_alarms, watched
from .counters import totals
from .derived import NAME as DERIVED
from .derived import DerivedFamily, check_calls, derived_rules, function_files
from .expand import Expanded, Raw, RawDevice, expand, plant_table
from .faults import nearest, unknown_keys, validate
from .gateway_schema import GatewayTable
from .guards import guard_rules
from .jobs import job_rules
from .located import Located
from .log_schema import LogTable
from .notices import notice_plan
from .provider import provider_of
from .reports import ReportSources, report_specs
from .schema import (
    CounterTable,
    DatabaseTable,
    DeviceTable,
    GroupTable,
    HistoryTable,
    NativeTable,
    PlantTable,
    SessionsTable,
    TagTable,
    WebTable,
)
from .served import served_faults
from .setpoints import setpoint_of
from .units import unit_fault
from .written import WrittenDevice, instrument_device, written_device

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


@dataclass(frozen=True, slots=True)
class Plant:
    """A checked plant file. `files` are all that it is made of: itself, includes, tag lists, the mimic, modules."""

    path: Path
    table: PlantTable
    web: WebTable
    history: HistoryTable
    devices: tuple[PlantDevice, ...]
    files: tuple[Path, ...]
    database: DatabaseTable = field(default_factory=DatabaseTable)
    log: LogTable = field(default_factory=LogTable)
    guards: tuple[GuardRule, ...] = ()
    alarms: tuple[AlarmSpec, ...] = ()
    sessions: SessionsTable = field(default_factory=SessionsTable)
    native: NativeTable = field(default_factory=NativeTable)
    gateway: GatewayTable = field(default_factory=GatewayTable)
    derived: tuple[DerivedRule, ...] = ()
    provider: tuple[OidcConfig, str] | None = None
    notices: NoticePlan = field(default_factory=NoticePlan)
    agents: tuple[PlantAgent, ...] = ()
    jobs: tuple[JobRule, ...] = ()
    reports: tuple[ReportSpec, ...] = ()

    @property
    def linked_devices(self) -> tuple[PlantDevice, ...]:
        """The devices with a link, those that are not enabled left out."""
        return tuple(d for d in self.devices if d.driver is not DerivedFamily and d.table.enabled)

    @property
    def derived_devices(self) -> tuple[PlantDevice, ...]:
        """The devices without a link: what they show is computed."""
        return tuple(d for d in self.devices if d.driver is DerivedFamily and d.table.enabled)

    @property
    def mimic(self) -> Path | None:
        """The SVG of the overview page, if there is one."""
        return self.path.parent / self.table.mimic if self.table.mimic else None

    @property
    def tag_count(self) -> int:
        """How many tags all devices have."""
        return sum(len(d.tags) for d in self.devices)


def load_plant(path: Path, *, home: Path | None = None) -> Plant:
    """Read and check a plant file with everything that it names. Raises ConfigurationError with every fault.

    `home`: where files with secrets are looked for, as they are not kept with a copy; else beside the plant file.
    """
    faults: list[Fault] = []
    expanded = expand(path, faults)
    main = expanded.main
    table = plant_table(expanded, faults)
    web = _section(WebTable, "web", main, faults)
    native = _section(NativeTable, "native", main, faults)
    gateway = _section(GatewayTable, "gateway", main, faults)
    history = _section(HistoryTable, "history", main, faults)
    sessions = _section(SessionsTable, "sessions", main, faults)
    provider = provider_of(main, faults, home or path.parent)
    database = _section(DatabaseTable, "database", main, faults)
    log = _section(LogTable, "log", main, faults)
    drivers = _Drivers(path.parent)
    devices = [d for raw in expanded.devices if (d := _device(raw, drivers, faults)) is not None]
    if not expanded.devices and not faults:
        faults.append(Fault(main.where(), "no device", "at least one [[device]]"))
    faults += _across(devices)
    specs = {t.spec.path: t.spec for d in devices for t in d.tags}
    specs |= totals([t for d in devices for t in d.tags], specs, faults)
    faults += served_faults(gateway, specs, lambda *key: str(main.where(*key)))
    guards = guard_rules(expanded.guards, specs, faults)
    classes = {d.table.name: d.written.cls if d.written else None for d in devices}
    agents = plant_agents(expanded.agents, classes, faults, apart=_no_apart(web, native))
    alarms = [*_limit_alarms(devices, specs, faults), *other_alarms(expanded.alarms, specs, faults)]
    notices = notice_plan(main, table.name, table.timezone, faults, home or path.parent)
    jobs = job_rules(expanded.jobs, specs, {d.table.name: [*d.table.commands] for d in devices}, notices, faults)
    about = ReportSources(table, notices, specs, home or path.parent, recorded=history.enabled)
    reports = report_specs(expanded.reports, about, faults)
    derived = _derived(devices, specs, path.parent, faults)
    faults += _applications(web, main)
    if table.mimic and not (path.parent / table.mimic).is_file():
        faults.append(Fault(main.where("plant", "mimic"), f"no file {table.mimic!r} beside the plant file"))
    if faults:
        raise ConfigurationError(faults)
    return Plant(
        path=path,
        table=table,
        web=web,
        history=history,
        devices=tuple(devices),
        files=_files(expanded, table.mimic, devices, derived),
        database=database,
        log=log,
        guards=guards,
        alarms=tuple(alarms),
        sessions=sessions,
        native=native,
        gateway=gateway,
        derived=derived,
        provider=provider,
        notices=notices,
        agents=agents,
        jobs=jobs,
        reports=reports,
    )


def _files(
    expanded: Expanded, mimic: str | None, devices: Iterable[PlantDevice], derived: Iterable[DerivedRule]
) -> tuple[Path, ...]:
    """All that a plant is made of."""
    lists = [one for raw in expanded.devices for one in raw.lists]
    drawings = [expanded.main.path.parent / mimic] if mimic else []
    modules = [file for d in devices if d.written for file in d.written.files]
    modules += [file for rule in derived if rule.function for file in function_files(rule.function)]
    return tuple(dict.fromkeys([*(f.path for f in expanded.files), *lists, *drawings, *modules]))


def _limit_alarms(devices: Sequence[PlantDevice], specs: dict[str, TagSpec], faults: list[Fault]) -> list[AlarmSpec]:
    found: list[AlarmSpec] = []
    for tag in (tag for device in devices for tag in device.tags):
        found += tag.alarms
        if tag.alarms:
            check_suppression(tag.alarms[0], lambda *_, where=tag.where: where, specs, faults)
            if not tag.spec.is_row:
                faults.append(Fault(tag.where, f"alarm limits of {tag.spec.path!r}, which is a text or an array"))
    return found


def live_alarms(plant: Plant) -> list[AlarmSpec]:
    """The alarms whose tags are all of devices that are enabled."""
    tags = {tag.spec.path: tag.spec for device in plant.devices if device.table.enabled for tag in device.tags}
    tags |= totals([tag for device in plant.devices if device.table.enabled for tag in device.tags], {}, [])
    return [spec for spec in plant.alarms if watched(spec) <= tags.keys()]


def _derived(
    devices: Sequence[PlantDevice], specs: dict[str, TagSpec], folder: Path, faults: list[Fault]
) -> tuple[DerivedRule, ...]:
    own = [device for device in devices if device.driver is DerivedFamily and device.table.enabled]
    marked = {device.table.name: [*device.table.commands] for device in devices}
    for device in own:
        check_calls(device.table.name, device.config, device.where, marked, faults)
    return derived_rules([(t.driver_tag, t.where) for d in own for t in d.tags], specs, folder, faults)


def _section(model: type[Any], name: str, main: Any, faults: list[Fault]) -> Any:
    data = main.data.get(name, {})
    if not isinstance(data, dict):
        faults.append(Fault(main.where(name), f"{name!r} is not a table", f"[{name}]"))
        return model()
    known = {k: v for k, v in data.items() if k in model.model_fields}

    def where(*key: str | int) -> str:
        return str(main.where(name, *key))

    faults.extend(unknown_keys(data, model.model_fields, where, f"[{name}]"))
    return validate(model, known, where, f"[{name}]", faults) or model()


def _applications(web: WebTable, main: Located) -> Iterator[Fault]:
    known = application_entries()
    for at, name in enumerate(web.pages):
        if name not in known:
            text = f"no installed application {name!r} has pages"
            yield Fault(str(main.where("web", "pages", at)), text, nearest(name, known))


def _no_apart(web: WebTable, native: NativeTable) -> str:
    """Why agents cannot have processes of their own: these talk to the node by its native protocol on this machine."""
    if not native.enabled:
        return "they need the native protocol, [native] enabled = true"
    return "they cannot be had with TLS yet" if web.encrypted else ""


class _Drivers:
    """Drivers of the plant in this folder, each imported once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries = driver_entries()
        self.loaded: dict[str, type[Driver] | InstrumentFamily] = {}

    def get(self, name: str, where: str, faults: list[Fault]) -> AnyFamily | None:
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


def _device(raw: RawDevice, drivers: _Drivers, faults: list[Fault]) -> PlantDevice | None:
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


def _across(devices: Sequence[PlantDevice]) -> list[Fault]:
    """Faults that show only between devices: names taken twice, ids that collide, readbacks and interlocks."""
    faults: list[Fault] = []
    names: dict[str, str] = {}
    tags: dict[str, PlantTag] = {}
    ids: dict[int, str] = {}
    for device in devices:
        if device.table.name in names:
            first = names[device.table.name]
            faults.append(Fault(device.where, f"duplicate device {device.table.name!r}, declared first at {first}"))
        names[device.table.name] = device.where
        for tag in device.tags:
            tags[tag.spec.path] = tag
            birth = tag.spec.was or tag.spec.path
            if tag.spec.was and tag.spec.was in tags:
                faults.append(Fault(tag.where, f"was = {tag.spec.was!r}, but that tag still exists"))
            taken = ids.setdefault(tag_id(birth), tag.spec.path)
            if taken != tag.spec.path:
                faults.append(
                    Fault(tag.where, f"{tag.spec.path!r} and {taken!r} have the same stable id", "different names")
                )
    known = {*tags, *totals(list(tags.values()), {}, [])}
    for tag in tags.values():
        faults += _references(tag, known)
    return faults


def _references(tag: PlantTag, tags: set[str]) -> list[Fault]:
    setpoint = tag.spec.setpoint
    faults = []
    if setpoint.readback != "self" and setpoint.readback not in tags:
        found = f"readback {setpoint.readback!r} of {tag.spec.path!r} is no tag"
        faults.append(Fault(tag.where, found, fix=nearest(setpoint.readback, tags)))
    if setpoint.interlock:
        try:
            expression = compile_expression(setpoint.interlock, str)
        except ExpressionError as error:
            return [*faults, Fault(tag.where, f"interlock of {tag.spec.path!r}: {error}")]
        for path in expression.tags:
            if path not in tags:
                found = f"interlock of {tag.spec.path!r} names no tag {path!r}"
                faults.append(Fault(tag.where, found, fix=nearest(path, tags)))
    return faults
