"""The device framework: DeviceRunner, Driver, Link, scan groups, states, reconnection."""

from ._config import DEFAULT_GROUP, DeviceConfig, DeviceTag, GroupConfig, RetryConfig
from ._driver import Driver, DriverTag, Environment, Link, ScanColumns
from ._keeper import LinkKeeper
from ._runner import DeviceRunner
from ._set import DeviceSet
from ._transport import Listener, SocketTransports, Transports
from ._words import in_words

__all__ = [
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
