"""What a driver writes: Link (one wire or socket, shared) and Driver (one family of devices)."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from sereno.client import Client, CommandSpec, TraceLine
from sereno.model import Clock, ExactBlock, LinkState, OperationalState, RefusedError, SystemClock, TagSpec

from ._transport import SocketTransports, Transports

if TYPE_CHECKING:
    from ._config import DeviceTag, GroupConfig

_ENABLED = frozenset((OperationalState.ENABLED,))


def _no_plant(device: str) -> Client:
    raise RefusedError(f'device {device!r} is no agent of a node; declare it: [[agent]] device = "{device}"')


@dataclass(frozen=True, slots=True)
class Environment:
    """What is injected into links and drivers: time, connections, randomness.

    `plant` is for agents: the whole plant as the device of this path may see and command it. Raises RefusedError.
    `folder` is where devices keep files of their own: the data folder of the node.
    """

    clock: Clock = field(default_factory=SystemClock)
    transports: Transports = field(default_factory=SocketTransports)
    random: random.Random = field(default_factory=random.Random)
    plant: Callable[[str], Client] = _no_plant
    folder: Path = Path()


class Link(ABC):
    """One wire or socket. Devices with the same `key` share it; the framework connects and reconnects it.

    A subclass calls `lost(error)` when the connection ends by itself, and `trace(...)` for every raw
    frame while `taps` is not empty. `counters` are shown on the device page. Requests that are under way when
    the connection ends fail at once. A subclass whose wire carries one request at a time puts them in order
    itself (a command may come while a scan is under way); one that keeps several under way sets `pipelines`,
    then scans are neither queued nor held back for commands.
    """

    def __init__(self, key: str, environment: Environment) -> None:
        self.key = key
        self.environment = environment
        self.state = LinkState.DOWN
        self.pipelines = False
        self.counters: dict[str, int] = {}
        self.taps: set[Callable[[TraceLine], None]] = set()
        self.on_lost: Callable[[str], None] | None = None

    @abstractmethod
    async def connect(self) -> None:
        """Connect once. Raises DeliveryError or OSError; the framework decides when to try again."""

    @abstractmethod
    async def close(self) -> None:
        """Close; `lost` is not called. May be called when not connected."""

    def lost(self, error: str) -> None:
        """The connection is gone, with the reason in words."""
        self.state = LinkState.DOWN
        if self.on_lost is not None:
            self.on_lost(error)

    def trace(self, direction: str, data: bytes, text: str) -> None:
        """Hand one frame to every tap. Call it only while `taps` is not empty."""
        line = TraceLine(self.environment.clock.wall_ns(), self.key, direction, bytes(data), text)
        for tap in list(self.taps):
            tap(line)


@dataclass(frozen=True, slots=True)
class DriverTag:
    """A tag with its address as plain data: `config` is an instance of the driver's `TagConfig`."""

    spec: TagSpec
    config: Any


@dataclass(slots=True)
class ScanColumns:
    """What one scan of a plan brought: columns in the plan's order of row tags, given away to the framework.

    `quality` a column or one code for all; `t_source` ns UTC per row, or None = the time of receipt.
    `exact` as in SampleBatch. `objects` are (position among the plan's object tags, value, quality).
    `complete`: every request of the plan was answered. `reasons` say by tag name why a value is not good.
    `fresh`: the times are of this scan, and show how the device's clock goes; False where values may be of before.
    """

    values: NDArray[np.float64]
    quality: NDArray[np.uint16] | int
    complete: bool = True
    exact: ExactBlock | None = None
    objects: tuple[tuple[int, Any, int], ...] = ()
    t_source: NDArray[np.int64] | None = None
    reasons: Mapping[str, str] | None = None
    fresh: bool = True


class RunnerPort(Protocol):
    """What a driver may tell the device that runs it, in the loop."""

    @property
    def state(self) -> OperationalState:
        """The operational state."""

    def poke(self, path: str) -> None:
        """Scan the group of a tag out of turn, as soon as possible."""

    def extend(self, tags: Sequence[DeviceTag], groups: Mapping[str, GroupConfig]) -> None:
        """Scan these tags too, in groups of names not used before."""

    def shrink(self, paths: Sequence[str]) -> None:
        """These tags are no more."""

    def commands_changed(self) -> None:
        """Commands came or went."""

    def data_ready(self, path: str, count: int) -> None:
        """New data can be read in the tag of this path."""

    def hold(self, state: OperationalState, status: str) -> None:
        """The device says itself that it is in this state, at most ENABLED, with words."""


class Driver(ABC):
    """One device of a family. Built once per device; `compile` once per scan group, `scan` every period.

    `Config` holds the keys of [[device]] that are the family's own, `TagConfig` those of a tag. Both are
    frozen pydantic models with extra="forbid". `longest_pause` seconds between attempts to connect, where the plant
    file does not say.
    """

    Config: ClassVar[type[BaseModel]]
    TagConfig: ClassVar[type[BaseModel]]
    longest_pause: ClassVar[float] = 30.0

    @classmethod
    @abstractmethod
    def link_key(cls, config: Any) -> str:
        """Devices with equal keys share a Link. By convention the url."""

    @classmethod
    @abstractmethod
    def open_link(cls, config: Any, environment: Environment) -> Link:
        """A link, not yet connected."""

    @classmethod
    def link_settings(cls, config: Any) -> Any:
        """What of a device's config its link is opened with: while that stays, other devices keep the link too."""
        return config

    @classmethod
    @abstractmethod
    def check(cls, config: Any, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """Faults that show without a connection: (position in `tags`, or -1 for the device; text)."""

    @classmethod
    def named(cls, config: Any) -> tuple[str, ...] | None:
        """The commands that a device of this config has; None where only the device itself knows, once it is there."""
        del config
        return None if cls.call is not Driver.call else ()

    @abstractmethod
    def __init__(self, config: Any, link: Link, environment: Environment) -> None:
        """Bind to a link."""

    @abstractmethod
    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> Any:
        """A scan plan for one group: `rows` in column order, `objects` beside them."""

    @abstractmethod
    async def scan(self, plan: Any) -> ScanColumns:
        """One scan. Raises DeliveryError when the device did not answer at all, OperationError when it cannot."""

    @abstractmethod
    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """Send one value in engineering units; what still waits for the wire at monotonic time `deadline` is not sent.

        Raises RefusedError, ExpiredError, NotConnectedError, NoAnswerError.
        """

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """Execute a named command of the device, as `write`. Raises NotFoundError where there is none."""
        from sereno.model import NotFoundError

        del deadline
        raise NotFoundError(f"this device has no command {name!r} (arguments {arguments!r})")

    def remarks(self) -> tuple[str, ...]:
        """What was found out about the device that people should know, a line each."""
        return ()

    def counters(self) -> Mapping[str, int]:
        """Counts of this device for its page and the metrics, beside those of its link."""
        return {}

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """The commands that people may call, as far as the driver knows."""
        return ()

    def allowed(self, name: str, *, call: bool) -> frozenset[OperationalState]:
        """The states in which a command, or a write to the tag of this path, is sent at all."""
        del name, call
        return _ENABLED

    def at_once(self, name: str) -> bool:
        """True for a command that waits for no turn: it runs beside whatever else the device is at."""
        del name
        return False

    def reads(self, name: str) -> bool:
        """True for a command that changes nothing and asks nothing of the process, as the driver's own code knows.

        Never what the device says of itself: whoever may read may call it.
        """
        del name
        return False

    def timeouts(self) -> Mapping[str, float]:
        """Seconds that commands may take, by name, of those that say so."""
        return {}

    def bind(self, runner: RunnerPort) -> None:  # noqa: B027 - optional: most drivers speak only when asked
        """Called in the loop before the first scan."""

    async def probe(self) -> None:  # noqa: B027 - optional: devices without a hello answer by their first scan
        """Ask the device whether it is there, after each connect. Raises as `scan`."""
