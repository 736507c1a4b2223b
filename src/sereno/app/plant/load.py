"""load_plant: a plant file to checked declarations, all faults at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.access.oidc import OidcConfig
from sereno.agents.guards import GuardRule
from sereno.agents.jobs.rule import JobRule
from sereno.alarms.notify.plan import NoticePlan
from sereno.app.registry import application_entries
from sereno.client import AlarmSpec
from sereno.derive.rule import DerivedRule
from sereno.model import ConfigurationError, Fault, TagSpec
from sereno.reports.spec import ReportSpec

from .across import OF_THE_NODE, faults_across
from .agents import PlantAgent, plant_agents
from .alarms import check_suppression, other_alarms, watched
from .causes import at_their_cause
from .conditions import spec_of
from .counters import totals
from .derived import DerivedFamily, check_calls, derived_rules, function_files
from .devices import Drivers, PlantDevice, plant_device
from .expand import Expanded, expand, plant_table
from .faults import nearest, unknown_keys, validate
from .gateway_schema import GatewayTable
from .guards import Called, guard_rules
from .jobs import job_rules
from .located import Located
from .log_schema import LogTable
from .notices import notice_plan
from .provider import provider_of
from .reports import ReportSources, report_specs
from .schema import (
    DatabaseTable,
    HistoryTable,
    NativeTable,
    PlantTable,
    SessionsTable,
    WebTable,
)
from .served import served_faults
from .simulators import Placed, PlantSimulator, plant_simulators
from .written import commands_of


@dataclass(frozen=True, slots=True)
class Plant:
    """A checked plant file. `files` are all that it is made of: itself, includes, tag lists, the mimic, modules.

    `demo`: it is run as one, so that nothing real goes by its time.
    """

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
    simulators: tuple[PlantSimulator, ...] = ()
    jobs: tuple[JobRule, ...] = ()
    reports: tuple[ReportSpec, ...] = ()
    site: Mapping[str, Any] = field(default_factory=dict)
    placed: Placed = field(default_factory=Placed)
    demo: bool = False

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
    drivers = Drivers(path.parent)
    devices = [d for raw in expanded.devices if (d := plant_device(raw, drivers, faults)) is not None]
    faults += [] if expanded.devices or faults else [Fault(main.where(), "no device", "at least one [[device]]")]
    faults += [*expanded.site.unasked(), *faults_across(devices), *_applications(web, main), *_no_mimic(table, main)]
    specs = {t.spec.path: t.spec for d in devices for t in d.tags}
    specs |= {**totals([t for d in devices for t in d.tags], specs, faults), **OF_THE_NODE}
    faults += served_faults(gateway, specs, lambda *key: str(main.where(*key)))
    guards = guard_rules(expanded.guards, specs, _called(devices), faults)
    classes = {d.table.name: d.written.cls if d.written else None for d in devices}
    agents = plant_agents(expanded.agents, classes, faults, apart=_no_apart(web, native))
    simulators = plant_simulators(expanded.simulators, classes, path.parent, faults, apart=_no_apart(web, native))
    alarms = [*_limit_alarms(devices, specs, faults), *other_alarms(expanded.alarms, specs, faults)]
    notices = notice_plan(main, table.name, table.timezone, faults, home or path.parent)
    jobs = job_rules(expanded.jobs, specs, {d.table.name: d.table.waiting for d in devices}, notices, faults)
    about = ReportSources(table, notices, specs, home or path.parent, recorded=history.enabled)
    reports = report_specs(expanded.reports, about, faults)
    derived = _derived(devices, specs, path.parent, faults)
    if faults:
        raise ConfigurationError(at_their_cause(expanded.site.related(faults)))
    return Plant(
        path=path,
        table=table,
        web=web,
        history=history,
        devices=tuple(devices),
        files=_files(expanded, table.mimic, devices, derived, simulators),
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
        simulators=simulators,
        jobs=jobs,
        reports=reports,
        site=expanded.site.data,
    )


def _called(devices: Iterable[PlantDevice]) -> dict[str, Called]:
    """What guards may call, by device."""
    return {d.table.name: Called(commands_of(d.written) if d.written else None, d.table.waiting) for d in devices}


def _files(
    expanded: Expanded,
    mimic: str | None,
    devices: Iterable[PlantDevice],
    derived: Iterable[DerivedRule],
    simulators: Iterable[PlantSimulator],
) -> tuple[Path, ...]:
    """All that a plant is made of."""
    lists = [one for raw in expanded.devices for one in raw.lists]
    drawings = [expanded.main.path.parent / mimic] if mimic else []
    modules = [file for d in devices if d.written for file in d.written.files]
    modules += [file for rule in derived if rule.function for file in function_files(rule.function)]
    scenarios = [file for one in simulators for file in one.scenarios.values()]
    return tuple(dict.fromkeys([*(f.path for f in expanded.files), *lists, *drawings, *modules, *scenarios]))


def _limit_alarms(devices: Sequence[PlantDevice], specs: dict[str, TagSpec], faults: list[Fault]) -> list[AlarmSpec]:
    found: list[AlarmSpec] = []
    for tag in (tag for device in devices for tag in device.tags):
        found += tag.alarms
        if tag.alarms:
            check_suppression(tag.alarms[0], lambda *_, where=tag.where: where, specs, faults)
            if not tag.spec.is_row:
                faults.append(
                    Fault(
                        tag.where,
                        f"alarm limits of {tag.spec.path!r}, which is a text or an array",
                        misses=spec_of(tag.spec.path),
                    )
                )
    return found


def live_alarms(plant: Plant) -> list[AlarmSpec]:
    """The alarms whose tags are all of devices that are enabled."""
    tags = {tag.spec.path: tag.spec for device in plant.devices if device.table.enabled for tag in device.tags}
    tags |= totals([tag for device in plant.devices if device.table.enabled for tag in device.tags], {}, [])
    return [spec for spec in plant.alarms if watched(spec) <= {*tags, *OF_THE_NODE}]


def _derived(
    devices: Sequence[PlantDevice], specs: dict[str, TagSpec], folder: Path, faults: list[Fault]
) -> tuple[DerivedRule, ...]:
    own = [device for device in devices if device.driver is DerivedFamily and device.table.enabled]
    marked = {device.table.name: device.table.waiting for device in devices}
    for device in own:
        check_calls(device.table, device.config, device.where, marked, faults)
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


def _no_mimic(table: PlantTable, main: Located) -> Iterator[Fault]:
    if table.mimic and not (main.path.parent / table.mimic).is_file():
        yield Fault(str(main.where("plant", "mimic")), f"no file {table.mimic!r} beside the plant file")


def _no_apart(web: WebTable, native: NativeTable) -> str:
    """Why agents cannot have processes of their own: these talk to the node by its native protocol on this machine."""
    if not native.enabled:
        return "they need the native protocol, [native] enabled = true"
    return "they cannot be had with TLS yet" if web.encrypted else ""
