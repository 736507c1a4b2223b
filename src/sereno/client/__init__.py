"""The public API as ports, and the client that people use. The only door for web, CLI and agents."""

from ._aggregates import AGGREGATES, DEFAULT_AGGREGATES, AggregateRequest, Aggregates, joined_aggregates
from ._alarms import (
    PRIORITIES,
    AlarmEvent,
    AlarmFigures,
    AlarmKind,
    AlarmPort,
    AlarmQuery,
    AlarmSpec,
    AlarmState,
    AlarmStatus,
    NoAlarms,
    alarm_event_json,
    alarm_figures_json,
    alarm_json,
    alarm_spec_json,
    alarm_state_json,
)
from ._analysis import AnalysisPort, NoAnalysis
from ._calendar import Calendar, Every, edges_of
from ._client import Client, Moment
from ._connect import Credential, connect, find_node
from ._described import CommandSpec, ParameterSpec
from ._gevent import GeventClient, connect_gevent
from ._group import Group, GroupReading
from ._guards import GuardPort, GuardStatus, NoGuards, guard_json
from ._json import device_json, iso_time, override_json, reading_json, series_json, spec_json
from ._locks import Lock, LockPort, NoLocks, lock_json
from ._outcome import done
from ._overrides import OverridePort, Substitution, substitution_json
from ._ports import (
    BatchSink,
    CommandHandler,
    CommandPort,
    DevicePort,
    GroupSpec,
    HistoryPort,
    IngestPort,
    LivePort,
    PlannedPort,
    ReadPlan,
    Subscription,
)
from ._proxy import CommandProxy, DeviceProxy, TagProxy, observe, wait_for_value
from ._remote import RemoteClient, RemoteNode
from ._scanning import MovableTag, ReadableTag
from ._stubs import device_stubs
from ._sync import SyncClient, SyncSubscription, connect_sync
from ._tabular import MEDIA_TYPES, Form, aggregates_json, form_of
from ._times import parse_time
from ._values import DeviceStatus, GroupStatus, HistoryRequest, Present, Reading, Series, TraceLine, Update
from ._waiting import NothingWaits, WaitingCommand, WaitingPort, WaitsFor, not_waiting, waiting_json
from ._watching import Terms, Watch

__all__ = [
    "AGGREGATES",
    "DEFAULT_AGGREGATES",
    "MEDIA_TYPES",
    "PRIORITIES",
    "AggregateRequest",
    "Aggregates",
    "AlarmEvent",
    "AlarmFigures",
    "AlarmKind",
    "AlarmPort",
    "AlarmQuery",
    "AlarmSpec",
    "AlarmState",
    "AlarmStatus",
    "AnalysisPort",
    "BatchSink",
    "Calendar",
    "Client",
    "CommandHandler",
    "CommandPort",
    "CommandProxy",
    "CommandSpec",
    "Credential",
    "DevicePort",
    "DeviceProxy",
    "DeviceStatus",
    "Every",
    "Form",
    "GeventClient",
    "Group",
    "GroupReading",
    "GroupSpec",
    "GroupStatus",
    "GuardPort",
    "GuardStatus",
    "HistoryPort",
    "HistoryRequest",
    "IngestPort",
    "LivePort",
    "Lock",
    "LockPort",
    "Moment",
    "MovableTag",
    "NoAlarms",
    "NoAnalysis",
    "NoGuards",
    "NoLocks",
    "NothingWaits",
    "OverridePort",
    "ParameterSpec",
    "PlannedPort",
    "Present",
    "ReadPlan",
    "ReadableTag",
    "Reading",
    "RemoteClient",
    "RemoteNode",
    "Series",
    "Subscription",
    "Substitution",
    "SyncClient",
    "SyncSubscription",
    "TagProxy",
    "Terms",
    "TraceLine",
    "Update",
    "WaitingCommand",
    "WaitingPort",
    "WaitsFor",
    "Watch",
    "aggregates_json",
    "alarm_event_json",
    "alarm_figures_json",
    "alarm_json",
    "alarm_spec_json",
    "alarm_state_json",
    "connect",
    "connect_gevent",
    "connect_sync",
    "device_json",
    "device_stubs",
    "done",
    "edges_of",
    "find_node",
    "form_of",
    "guard_json",
    "iso_time",
    "joined_aggregates",
    "lock_json",
    "not_waiting",
    "observe",
    "override_json",
    "parse_time",
    "reading_json",
    "series_json",
    "spec_json",
    "substitution_json",
    "wait_for_value",
    "waiting_json",
]
