"""Joins the rooms: the one screenful where siblings meet. docs/journey.md follows a sample through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from ssl import SSLContext

from sereno.access.accounts import Accounts
from sereno.access.actor import NOBODY
from sereno.access.oidc import Provider
from sereno.agents.guards import Guards
from sereno.agents.supervisor import Supervisor, agent_alarms
from sereno.alarms.alarms import Alarms
from sereno.client import Client, DevicePort, HistoryPort
from sereno.derive.totals import Totals
from sereno.device import DeviceSet, Environment
from sereno.gateways.native.alarmnews import alarm_news
from sereno.gateways.native.door import AccountsDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.historian.cold.keeper import in_own_process
from sereno.historian.historian import Historian
from sereno.hub.hub import Hub
from sereno.hub.locks import Locks
from sereno.hub.overrides import MaintainedDevices, Overrides
from sereno.hub.router import CommandRouter
from sereno.model import Clock
from sereno.store.alarms import AlarmJournal
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.intents import StoredIntents
from sereno.store.overrides import StoredOverrides
from sereno.web.context import SiteInfo, WebContext

from .agents import Seats, join_agents
from .analysis import analysis_of
from .condition import history_figures, not_ready, recording_problems, warnings
from .datafolder import DataFolder
from .derived import AllDevices, join_derived
from .device_configs import device_configs_of
from .gateways import Gateway, make_gateways
from .history_acts import HISTORY, HistoryActs
from .host_clock import clock_figures
from .machine import Machine
from .memory import FileMemory
from .no_history import NoHistory
from .node_record import NodeRecord
from .plant.counters import counter_groups
from .plant.load import Plant, live_alarms
from .self_watch import ALARMS as SELF_ALARMS
from .self_watch import SelfWatch
from .telling import Telling, join_telling


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a node is made of, joined and not started."""

    clock: Clock
    store: Store
    accounts: Accounts
    hub: Hub
    devices: DeviceSet
    historian: Historian | None
    router: CommandRouter
    record: NodeRecord
    overrides: Overrides
    guards: Guards
    alarms: Alarms
    device_port: DevicePort
    gateways: Mapping[str, Gateway]
    machine: Machine
    memory: FileMemory
    totals: Totals
    locks: Locks
    itself: SelfWatch
    telling: Telling
    supervisor: Supervisor
    seats: Seats


def join(plant: Plant, store: Store, folder: DataFolder, environment: Environment) -> Parts:
    """Build and connect hub, devices, recorder and router. Opens no link; raises ValueError for taken names."""
    clock = environment.clock
    hub = Hub(clock)
    memory = FileMemory(folder.memorised, clock)
    seats = Seats(plant, folder)
    configs = seats.placed(device_configs_of(plant.linked_devices, memory))
    devices = DeviceSet(configs, hub, replace(environment, plant=seats))
    totals = Totals(counter_groups(plant.linked_devices), hub, hub.table.paths.get)
    hub.add_sink(totals)
    record = NodeRecord(plant, store, clock)
    historian = _historian(plant, folder, hub, clock, record)
    if historian is not None:
        hub.add_sink(historian)
    accounts = Accounts(store, clock, limits=plant.sessions.limits())
    router = CommandRouter(
        hub,
        clock,
        authorise=record.authorise,
        authenticate=accounts.sign,
        renew=accounts.again,
        journal=StoredIntents(store, clock),
        handlers=devices.handlers,
    )
    if historian is not None:
        router.register(HISTORY, HistoryActs(historian))
    overrides = Overrides(hub, clock, StoredOverrides(store, clock), devices.handlers)
    guards = Guards(plant.guards, hub, router, clock)
    itself = SelfWatch(hub, clock, folder.path, partial(recording_problems, store, historian))
    supervisor = join_agents(plant.agents, devices, hub, router, clock)
    declared = [*live_alarms(plant), *agent_alarms(supervisor.rules), *SELF_ALARMS]
    alarms = Alarms(declared, hub, clock, AlarmJournal(store), hub.out.keys)
    telling = join_telling(plant.notices, (alarms, hub, overrides), accounts, store=store, folder=folder, clock=clock)
    itself.notices = telling.problem
    ports = MaintainedDevices(AllDevices(devices, join_derived(plant, hub, router, clock), itself, supervisor), hub)
    client = Client(hub, router, historian or NoHistory(), ports, NOBODY, clock=clock, overrides=overrides)
    seats.plant = client
    return Parts(
        clock=clock,
        store=store,
        accounts=accounts,
        hub=hub,
        devices=devices,
        historian=historian,
        router=router,
        record=record,
        overrides=overrides,
        guards=guards,
        alarms=alarms,
        totals=totals,
        locks=Locks(hub, clock, accounts.audit.record, devices.handlers),
        device_port=ports,
        machine=Machine(clock, folder.path),
        gateways=make_gateways(plant, client, hub, AuditLog(store, clock)),
        memory=memory,
        itself=itself,
        telling=telling,
        supervisor=supervisor,
        seats=seats,
    )


def _historian(plant: Plant, folder: DataFolder, hub: Hub, clock: Clock, record: NodeRecord) -> Historian | None:
    settings = plant.history
    if not settings.enabled:
        return None
    return Historian(
        folder.history,
        clock,
        hub,
        commit_interval=settings.commit_interval,
        max_bytes=settings.max_bytes or None,
        max_age=settings.days * 86400.0 or None,
        keep=[rule.rule() for rule in settings.keep],
        keep_free=settings.keep_free,
        when_full=settings.when_full,
        removed=record.removed,
        compactor=in_own_process,
    )


def web_context(plant: Plant, parts: Parts, installation: str, hosts: tuple[str, ...]) -> WebContext:
    """What the web room is given."""
    history: HistoryPort = parts.historian or NoHistory()
    oidc, called = plant.provider or (None, "")
    return WebContext(
        live=parts.hub,
        commands=parts.router,
        waiting=parts.router.consent,
        history=history,
        analysis=analysis_of(plant, parts.historian, parts.accounts.audit),
        devices=parts.device_port,
        overrides=parts.overrides,
        guards=parts.guards,
        accounts=parts.accounts,
        oidc=Provider(oidc, parts.clock) if oidc else None,
        clock=parts.clock,
        site=SiteInfo(plant.table.name, plant.table.timezone, version("sereno"), plant.web.banner, called),
        installation=installation,
        secure=plant.web.encrypted,
        hosts=hosts,
        mimic=plant.mimic,
        alarms=parts.alarms,
        notices=parts.telling.notices,
        logbook=parts.telling.logbook,
        ready=lambda: not_ready(parts),
        machine=parts.machine.status,
        warnings=lambda: warnings(parts),
        figures={
            "hub": parts.hub.statistics,
            "router": parts.router.statistics,
            "audit": parts.store.figures,
            "historian": lambda: history_figures(parts),
            "alarms": parts.alarms.statistics,
            "notices": parts.telling.figures,
            **{f"gateway_{name}": gateway.figures for name, gateway in parts.gateways.items()},
            "totals": parts.totals.statistics,
            "host": clock_figures,
        },
    )


def native_server(plant: Plant, parts: Parts, pages: str, tls: SSLContext | None) -> NativeServer:
    """The native protocol for the same plant and the same tokens; `pages` is the address of the web room."""
    ports = NativePorts(
        live=parts.hub,
        commands=parts.router,
        devices=parts.device_port,
        door=parts.seats.apart.door(AccountsDoor(parts.accounts, parts.clock)),
        clock=parts.clock,
        history=parts.historian or NoHistory(),
        locks=parts.locks,
        events={"alarm": alarm_news(parts.alarms)},
        node=plant.table.name,
        pages=lambda: pages,
    )
    return NativeServer(ports, plant.native.host, plant.native.port, tls)
