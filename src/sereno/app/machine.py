"""What a node says of its process and of the machine that it runs on."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import threading
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from sereno.client import iso_time
from sereno.model import Clock

from .platform import host_memory, load_average, process_memory

COMPONENTS = (
    *("numpy", "uvloop", "uvicorn", "fastapi", "starlette", "websockets", "httpx", "pydantic", "sqlalchemy"),
    *("pyarrow", "duckdb"),
)
DRIVERS = ("pymodbus", "pyserial", "pytango", "redis")
"""What drivers stand on that is not Sereno's own."""
_SAMPLE = 1.0


class Machine:
    """Figures of the process that serves the folder `data`. CPU is a share of one core, over a second or longer."""

    def __init__(self, clock: Clock, data: Path) -> None:
        self._clock = clock
        self.data = data
        self._started = clock.wall_ns()
        self._began = self._sampled = clock.monotonic()
        self._cpu = time.process_time()
        self._share = 0.0

    def status(self) -> dict[str, Any]:
        """As of now; what this system cannot tell is null."""
        own, peak = process_memory()
        total, free = host_memory()
        return {
            "started": iso_time(self._started),
            "uptime_s": round(self._clock.monotonic() - self._began, 3),
            "pid": os.getpid(),
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
            "components": components(),
            "cpu_share": round(self._cpu_share(), 4),
            "cpus": os.cpu_count(),
            "load": load_average(),
            "memory_bytes": own,
            "memory_peak_bytes": peak,
            "host_memory_bytes": total,
            "host_memory_free_bytes": free,
            "threads": threading.active_count(),
            **self._disk(),
        }

    def _cpu_share(self) -> float:
        now = self._clock.monotonic()
        if now - self._sampled >= _SAMPLE:
            used = time.process_time()
            self._share = (used - self._cpu) / (now - self._sampled)
            self._sampled, self._cpu = now, used
        return self._share

    def _disk(self) -> dict[str, Any]:
        try:
            usage = shutil.disk_usage(self.data)
        except OSError:
            return {"data": str(self.data), "disk_bytes": None, "disk_free_bytes": None}
        return {"data": str(self.data), "disk_bytes": usage.total, "disk_free_bytes": usage.free}


@cache
def components() -> dict[str, str]:
    """Versions of what Sereno and its drivers stand on, as far as it is installed, and of other packages' drivers."""
    found = {"sqlite": sqlite3.sqlite_version}
    for name in (*COMPONENTS, *DRIVERS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    others = {entry.dist for entry in entry_points(group="sereno.drivers")}
    return found | {one.name: one.version for one in others if one is not None and one.name != "sereno"}
