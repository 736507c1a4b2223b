"""The device framework: Device, Driver, Link, scan groups, states, reconnection."""

from ._driver import Driver, DriverTag, Environment, Link, ScanColumns
from ._transport import Listener, SocketTransports, Transports

__all__ = [
    "Driver",
    "DriverTag",
    "Environment",
    "Link",
    "Listener",
    "ScanColumns",
    "SocketTransports",
    "Transports",
]
