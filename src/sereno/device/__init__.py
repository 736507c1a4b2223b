"""The device framework: Device, DeviceRunner, Driver, Link, scan groups, states, reconnection."""

from ._config import DEFAULT_GROUP, DeviceConfig, DeviceTag, GroupConfig, RetryConfig
from ._driver import Driver, DriverTag, Environment, Link, RunnerPort, ScanColumns
from ._http import HttpAnswer, HttpClient
from ._keeper import LinkKeeper
from ._memory import Memory, NoMemory
from ._network import Conditions, MemoryTransports
from ._runner import DeviceRunner
from ._set import DeviceSet
from ._transport import Listener, SocketTransports, Transports
from ._words import in_words
from .authoring.declare import bounds, child, command, on_write, scan, setting, tag
from .authoring.device import Device
from .authoring.driver import driver_of
from .authoring.mock import Mock, mock_of, mocked
from .authoring.parts import STARTUP_TIMEOUT, adopt_device, adopt_values, default_name, device_configs, tag_specs
from .authoring.plan import ClassPlan, plan_of

__all__ = [
    "DEFAULT_GROUP",
    "STARTUP_TIMEOUT",
    "ClassPlan",
    "Conditions",
    "Device",
    "DeviceConfig",
    "DeviceRunner",
    "DeviceSet",
    "DeviceTag",
    "Driver",
    "DriverTag",
    "Environment",
    "GroupConfig",
    "HttpAnswer",
    "HttpClient",
    "Link",
    "LinkKeeper",
    "Listener",
    "Memory",
    "MemoryTransports",
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
