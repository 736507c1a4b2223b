from __future__ import annotations

import sereno.device


def test_public_names_are_these() -> None:
    assert sereno.device.__all__ == [
        "DEFAULT_GROUP",
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
        "RetryConfig",
        "ScanColumns",
        "SocketTransports",
        "Transports",
        "in_words",
    ]
    assert all(hasattr(sereno.device, name) for name in sereno.device.__all__)
