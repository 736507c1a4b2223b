from __future__ import annotations

import sereno.device


def test_public_names_are_these() -> None:
    assert sereno.device.__all__ == [
        "DEFAULT_GROUP",
        "STARTUP_TIMEOUT",
        "ClassPlan",
        "Device",
        "DeviceConfig",
        "DeviceRunner",
        "DeviceSet",
        "DeviceTag",
        "Driver",
        "DriverTag",
        "Environment",
        "GroupConfig",
        "Link",
        "LinkKeeper",
        "Listener",
        "Memory",
        "Mock",
        "NoMemory",
        "RetryConfig",
        "RunnerPort",
        "ScanColumns",
        "SocketTransports",
        "Transports",
        "adopt_device",
        "adopt_values",
        "bounds",
        "child",
        "command",
        "default_name",
        "device_configs",
        "driver_of",
        "in_words",
        "mock_of",
        "mocked",
        "on_write",
        "plan_of",
        "scan",
        "setting",
        "tag",
        "tag_specs",
    ]
    assert all(hasattr(sereno.device, name) for name in sereno.device.__all__)
