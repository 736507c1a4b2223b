"""The public API as ports, and the client that people use. The only door for web, CLI and agents."""

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
from ._values import DeviceStatus, GroupStatus, HistoryRequest, Reading, Series, TraceLine, Update

__all__ = [
    "BatchSink",
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
    "Reading",
    "Series",
    "Subscription",
    "TraceLine",
    "Update",
]
