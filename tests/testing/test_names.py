from __future__ import annotations

import subprocess
import sys

import sereno.testing


def test_public_names_are_these() -> None:
    assert sereno.testing.__all__ == [
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
    assert all(hasattr(sereno.testing, name) for name in sereno.testing.__all__)


def test_it_can_be_imported_without_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; import sereno.testing"
    subprocess.run([sys.executable, "-c", code], check=True)
