"""What the kit needs of a driver under test: a far end that speaks its protocol, and a device there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, Transports
from sereno.model import Clock


class Subject(ABC):
    """A driver with its far end on `transports`. `exempt`: rule -> why it does not hold for this driver."""

    driver: ClassVar[type[Driver]]
    exempt: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def far_end(self, transports: Transports, clock: Clock) -> AbstractAsyncContextManager[int]:
        """Run a server of the protocol that has the device of `config`; its port on 127.0.0.1."""

    @abstractmethod
    def config(self, port: int) -> Any:
        """The configuration of a device at that port, with a time-out of 1 s."""

    @abstractmethod
    def tags(self, device: str) -> Sequence[DriverTag]:
        """Two row tags of the device at this path: `level`, which is read only and holds 1, and `speed`, writable."""

    @abstractmethod
    def put(self, level: int) -> None:
        """Let the far end hold this level."""

    @abstractmethod
    def speed(self) -> int:
        """What the far end holds."""

    @abstractmethod
    def writes(self) -> int:
        """How many writes have reached the far end."""
