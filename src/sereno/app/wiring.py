"""Joins the rooms: the one screenful where siblings meet. docs/journey.md follows a sample through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sereno.access.accounts import Accounts
from sereno.access.actor import NOBODY
from sereno.agents.guards import Guards
from sereno.agents.jobs.jobs import Jobs, job_alarms
from sereno.agents.simulators import Simulators
from sereno.agents.supervisor import Supervisor
from sereno.alarms.alarms import Alarms
from sereno.client import Client, DevicePort
from sereno.derive.derivation import Derivation
from sereno.derive.totals import Totals
from sereno.device import DeviceSet, Environment
from sereno.historian.historian import Historian
from sereno.hub.execution import Authorise
from sereno.hub.hub import Hub
from sereno.hub.locks import Locks
from sereno.hub.overrides import MaintainedDevices, Overrides
from sereno.hub.router import CommandRouter
from sereno.model import Clock
from sereno.reports.desk import Reports
from sereno.store.alarms import AlarmJournal
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.intents import StoredIntents
from sereno.store.overrides import StoredOverrides

from .agent_logs import AgentLogs
from .agents import Seats, join_agents, supervised, supervision_alarms
from .condition import recording_problems
from .datafolder import DataFolder
from .derived import AllDevices, join_derived
from .device_configs import device_configs_of
from .gateways import Gateway, make_gateways
from .history_acts import HISTORY, HistoryActs
from .host_clock import timekeeping
from .jobs import join_jobs
from .machine import Machine
from .memory import FileMemory
from .no_history import NoHistory
from .node_record import NodeRecord
from .plant.counters import counter_groups
from .plant.load import Plant, live_alarms
from .recording import historian_of
from .reporting import join_reports
from .self_watch import ALARMS as SELF_ALARMS
from .self_watch import SelfWatch
from .simulators.running import SimulatorProcesses, join_simulators
from .telling import Telling, join_telling


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a node is made of, joined and not started. `ended`: its tasks that a defect has ended."""

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
    derivation: Derivation
    locks: Locks
    itself: SelfWatch
    telling: Telling
    reports: Reports
    supervisor: Supervisor
    simulators: Simulators
    processes: SimulatorProcesses
    agent_logs: AgentLogs
    seats: Seats
    jobs: Jobs
    ended: dict[str, str] = field(default_factory=dict)


# long: one line for each part
def join(plant: Plant, store: Store, folder: DataFolder, environment: Environment) -> Parts:
    """Build and connect hub, devices, recorder and router. Opens no link; raises ValueError for taken names."""
    clock = environment.clock
    hub = Hub(clock)
    memory = FileMemory(folder.memorised, clock)
    seats = Seats(plant, folder, clock)
    configs = seats.placed(plant, device_configs_of(plant.linked_devices, memory))
    devices = DeviceSet(configs, hub, replace(environment, plant=seats, folder=folder.path))
    totals = Totals(counter_groups(plant.linked_devices), hub, hub.table.paths.get)
    hub.add_sink(totals)
    record = NodeRecord(plant, store, clock)
    historian = historian_of(plant, folder, hub, clock, record)
    if historian is not None:
        hub.add_sink(historian)
    accounts = Accounts(store, clock, limits=plant.sessions.limits())
    router = _router(hub, devices, _authorise(record, seats), accounts, store)
    if historian is not None:
        router.register(HISTORY, HistoryActs(historian))
    overrides = Overrides(hub, clock, StoredOverrides(store, clock), devices.handlers)
    kept = partial(timekeeping, clock, demo=plant.demo)
    itself = SelfWatch(hub, clock, folder.path, partial(recording_problems, store, historian), kept)
    supervisor = join_agents(plant.agents, devices, hub, router, store)
    seats.unended = supervisor.unended
    simulators, processes = join_simulators(plant, seats.apart.credentials, hub, router)
    everything = AllDevices(devices, itself, supervisor, simulators)
    ports = MaintainedDevices(everything, hub)
    seats.plant = client = Client(
        hub, router, historian or NoHistory(), ports, NOBODY, clock=clock, overrides=overrides
    )
    jobs = join_jobs(plant.jobs, client, hub, router, store)
    declared = [*live_alarms(plant), *job_alarms(plant.jobs), *supervision_alarms(supervisor, simulators), *SELF_ALARMS]
    alarms = Alarms(declared, hub, clock, AlarmJournal(store), hub.out.keys)
    telling = join_telling(plant.notices, (alarms, hub, overrides), accounts, store=store, folder=folder, clock=clock)
    reports = join_reports(plant, (hub, historian, alarms), telling, folder.reports, accounts.audit)
    itself.notices, itself.reports = telling.problem, lambda: reports.problem
    client.notices, client.job = telling.notices, jobs
    guards = Guards(plant.guards, hub, router, clock)
    itself.guards = lambda: guards.problem
    derivation = join_derived(plant, hub, router, clock)
    everything.others += [derivation, jobs]
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
        derivation=derivation,
        locks=Locks(hub, clock, accounts.audit.record, devices.handlers),
        device_port=ports,
        machine=Machine(clock, folder.path),
        gateways=make_gateways(plant, client, hub, AuditLog(store, clock)),
        memory=memory,
        itself=itself,
        telling=telling,
        reports=reports,
        supervisor=supervisor,
        simulators=simulators,
        processes=processes,
        agent_logs=AgentLogs(partial(supervised, supervisor, simulators), clock, lambda: devices.handlers),
        seats=seats,
        jobs=jobs,
    )


def _router(hub: Hub, devices: DeviceSet, authorise: Authorise, accounts: Accounts, store: Store) -> CommandRouter:
    return CommandRouter(
        hub,
        hub.clock,
        authorise=authorise,
        authenticate=accounts.sign,
        renew=accounts.again,
        journal=StoredIntents(store, hub.clock),
        handlers=devices.handlers,
        marked=devices.marks,
    )


def _authorise(record: NodeRecord, seats: Seats) -> Authorise:
    """As is on record, and agents with the rights of the moment, whatever their connection was opened with."""
    return lambda actor, command, rights: record.authorise(seats.now(actor), command, rights)
