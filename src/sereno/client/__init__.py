"""The public API as ports, and the client that people use. The only door for web, CLI and agents."""

from ._client import Client, Moment
from ._json import device_json, iso_time, reading_json, series_json, spec_json
from ._ports import (
    BatchSink,
    CommandHandler,
    CommandPort,
    DevicePort,
    GroupSpec,
    HistoryPort,
    IngestPort,
    LivePort,
    Subscription,
)
from ._times import parse_time
from ._values import DeviceStatus, GroupStatus, HistoryRequest, Reading, Series, TraceLine, Update

__all__ = [
    "BatchSink",
    "Client",
    "CommandHandler",
    "CommandPort",
    "DevicePort",
    "DeviceStatus",
    "GroupSpec",
    "GroupStatus",
    "HistoryPort",
    "HistoryRequest",
    "IngestPort",
    "LivePort",
    "Moment",
    "Reading",
    "Series",
    "Subscription",
    "TraceLine",
    "Update",
    "device_json",
    "iso_time",
    "parse_time",
    "reading_json",
    "series_json",
    "spec_json",
]
