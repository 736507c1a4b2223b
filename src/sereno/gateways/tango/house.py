"""What the threads of Tango and the event loop share: devices, present values, and what is to be pushed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sereno.client import Reading
from sereno.model import OperationalState

from .shown import Device

log = logging.getLogger(__name__)


class Served(Protocol):
    """A Tango device as it runs. Called in the thread that pushes."""

    def push(self, path: str) -> None:
        """Send the present value of a tag to who has subscribed."""

    def push_state(self) -> None:
        """Take over the present state, and send it to who has subscribed."""

    def become(self, device: Device) -> None:
        """Let attributes and commands come and go."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How a device is: None = the node does not say."""

    state: OperationalState | None = None
    words: str = "no connection to the node"


@dataclass(slots=True)
class Figures:
    """Counters since the start."""

    pushed: int = 0
    writes: int = 0
    calls: int = 0
    refused: int = 0


class House:
    """Readings by path and conditions by device; any thread may look. One thread pushes, newest values only.

    What a device has to push waits while a command of it runs: Tango lets nobody into it meanwhile, and the others
    are not to wait.
    """

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self.devices = dict(devices)
        self.by_name = {device.name: device for device in devices.values()}
        self.readings: dict[str, Reading] = {}
        self.conditions: dict[str, Condition] = {}
        self.figures = Figures()
        self._served: dict[str, Served] = {}
        self._changed = threading.Condition()
        self._work: dict[tuple[str, str], Callable[[Served], None]] = {}
        self._busy: dict[str, int] = {}

    def serve(self, path: str, served: Served) -> None:
        """This is the device from now on."""
        self._served[path] = served

    def served(self, path: str) -> Served | None:
        """The device if it is served already."""
        return self._served.get(path)

    def take(self, readings: Mapping[str, Reading]) -> None:
        """New values by path."""
        self.readings.update(readings)
        for path in readings:
            self._later(path.rpartition("/")[0], path, lambda served, path=path: served.push(path))  # type: ignore[misc]

    def conditions_are(self, conditions: Mapping[str, Condition]) -> None:
        """How all devices are now."""
        for path, condition in conditions.items():
            if self.conditions.get(path) != condition:
                self.conditions[path] = condition
                self._later(path, "", lambda served: served.push_state())

    def become(self, devices: Mapping[str, Device]) -> None:
        """The same devices with other attributes or commands."""
        for path, device in devices.items():
            if self.devices[path] != device:
                self.devices[path] = device
                self._later(path, " ", lambda served, device=device: served.become(device))  # type: ignore[misc]

    @contextmanager
    def working(self, path: str) -> Iterator[None]:
        """A command of the device runs."""
        with self._changed:
            self._busy[path] = self._busy.get(path, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._busy[path] -= 1
                self._changed.notify()

    def run(self) -> None:
        """Push for ever: the work of one thread."""
        while True:
            for (path, what), work in self._next().items():
                try:
                    work(self._served[path])
                except Exception:
                    log.exception("not pushed, task tango events: %s %s", path, what)

    def _later(self, path: str, what: str, work: Callable[[Any], None]) -> None:
        with self._changed:
            self._work[path, what] = work
            self._changed.notify()

    def _next(self) -> dict[tuple[str, str], Callable[[Served], None]]:
        with self._changed:
            while True:
                ready = {key: work for key, work in self._work.items() if self._is_free(key[0])}
                if ready:
                    self._work = {key: work for key, work in self._work.items() if key not in ready}
                    return ready
                self._changed.wait()

    def _is_free(self, path: str) -> bool:
        return path in self._served and not self._busy.get(path)
