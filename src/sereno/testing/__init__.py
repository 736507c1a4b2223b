"""What tests of a plant, a device or a driver need: virtual time, a network and devices in memory, a recording hub."""

from sereno.device import Conditions, MemoryTransports

from ._clock import EPOCH_NS, JumpingClock
from ._device_test import TESTER, AsyncTestedDevice, DeviceTest, TestedDevice
from ._ingest import LinkReport, RecordingIngest, Sample
from ._leaks import OpenSocket, open_sockets, pending_tasks
from ._loop import DeadlockError, JumpingLoop, jumping, run_jumping
from ._plant import MemoryConfig, MemoryDriver, MemoryLink, MemoryPlant, MemoryTagConfig, MemoryUnit, MemoryWire

__all__ = [
    "EPOCH_NS",
    "TESTER",
    "AsyncTestedDevice",
    "Conditions",
    "DeadlockError",
    "DeviceTest",
    "JumpingClock",
    "JumpingLoop",
    "LinkReport",
    "MemoryConfig",
    "MemoryDriver",
    "MemoryLink",
    "MemoryPlant",
    "MemoryTagConfig",
    "MemoryTransports",
    "MemoryUnit",
    "MemoryWire",
    "OpenSocket",
    "RecordingIngest",
    "Sample",
    "TestedDevice",
    "jumping",
    "open_sockets",
    "pending_tasks",
    "run_jumping",
]
