"""The public API as ports, and the client that people use. The only door for web, CLI and agents."""

from ._client import Client, Moment
from ._connect import Credential, connect, find_node
from ._guards import GuardPort, GuardStatus, NoGuards, guard_json
from ._json import device_json, iso_time, override_json, reading_json, series_json, spec_json
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
from ._remote import RemoteClient, RemoteNode
from ._sync import SyncClient, SyncSubscription, connect_sync
from ._times import parse_time
from ._values import DeviceStatus, GroupStatus, HistoryRequest, Present, Reading, Series, TraceLine, Update
from ._waiting import NothingWaits, WaitingCommand, WaitingPort, WaitsFor, not_waiting, waiting_json

__all__ = [
    "BatchSink",
    "Client",
    "CommandHandler",
    "CommandPort",
    "Credential",
    "DevicePort",
    "DeviceStatus",
    "GroupSpec",
    "GroupStatus",
    "GuardPort",
    "GuardStatus",
    "HistoryPort",
    "HistoryRequest",
    "IngestPort",
    "LivePort",
    "Moment",
    "NoGuards",
    "NothingWaits",
    "OverridePort",
    "PlannedPort",
    "Present",
    "ReadPlan",
    "Reading",
    "RemoteClient",
    "RemoteNode",
    "Series",
    "Subscription",
    "Substitution",
    "SyncClient",
    "SyncSubscription",
    "TraceLine",
    "Update",
    "WaitingCommand",
    "WaitingPort",
    "WaitsFor",
    "connect",
    "connect_sync",
    "device_json",
    "find_node",
    "guard_json",
    "iso_time",
    "not_waiting",
    "override_json",
    "parse_time",
    "reading_json",
    "series_json",
    "spec_json",
    "substitution_json",
    "waiting_json",
]
