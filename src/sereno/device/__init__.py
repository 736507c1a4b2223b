"""The device framework: Device, Driver, Link, scan groups, states, reconnection."""

from ._config import DEFAULT_GROUP, DeviceConfig, DeviceTag, GroupConfig, RetryConfig
from ._device import Device
from ._driver import Driver, DriverTag, Environment, Link, ScanColumns
from ._keeper import LinkKeeper
from ._set import DeviceSet
from ._transport import Listener, SocketTransports, Transports
from ._words import in_words

__all__ = [
    "DEFAULT_GROUP",
    "Device",
    "DeviceConfig",
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
