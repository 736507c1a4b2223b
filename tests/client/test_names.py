from __future__ import annotations

import sereno.client


def test_public_names_are_these() -> None:
    assert sereno.client.__all__ == [
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
        "OverridePort",
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
        "connect",
        "connect_sync",
        "device_json",
        "find_node",
        "guard_json",
        "iso_time",
        "override_json",
        "parse_time",
        "reading_json",
        "series_json",
        "spec_json",
        "substitution_json",
    ]
    assert all(hasattr(sereno.client, name) for name in sereno.client.__all__)
