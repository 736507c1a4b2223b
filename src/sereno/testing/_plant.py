"""MemoryPlant: devices that live in a dictionary, with a driver of their own and faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns
from sereno.model import (
    ExactBlock,
    ExpiredError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    Quality,
    RefusedError,
)


@dataclass(slots=True, eq=False)
class MemoryUnit:
    """One device of a plant: its values by address, and how it behaves. All of it may be changed at any time.

    `duration` seconds per scan, write or call. `silent`: nothing answers, NoAnswerError after `timeout` seconds.
    `error` is raised by every scan, `write_error` by every write. `quality` by address, good where absent.
    An address without a value is bad (refused by the device) and makes the scan incomplete.
    `log` keeps what was asked: ("scan", ""), ("write", address), ("call", name), in order.
    """

    values: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, int] = field(default_factory=dict)
    duration: float = 0.0
    timeout: float = 1.0
    silent: bool = False
    error: Exception | None = None
    write_error: Exception | None = None
    compile_error: Exception | None = None
    probe_error: Exception | None = None
    log: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class MemoryWire:
    """What the link of a url is like: `refuse` (the error in words) and `connect_time` for attempts.

    `attempts` are the monotonic times of all attempts. A wire that does not pipeline serves one request at a time.
    """

    refuse: str = ""
    connect_time: float = 0.0
    pipelines: bool = False
    attempts: list[float] = field(default_factory=list)
    link: MemoryLink | None = None

    def cut(self, error: str = "connection reset by the other side") -> None:
        """The connection ends by itself."""
        if self.link is not None:
            self.link.cut(error)


class MemoryConfig(BaseModel):
    """Keys of a memory device: `url` names the wire, `unit` the device on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = "memory://plant"
    unit: str = "1"


class MemoryTagConfig(BaseModel):
    """Keys of a memory tag."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    address: str


class MemoryPlant:
    """A plant without sockets: `unit(name)` holds values, `wire(url)` is the way there, `driver` reads them.

    Give `driver` (a Driver class bound to this plant) and `MemoryConfig` to DeviceConfig.
    """

    def __init__(self) -> None:
        self._units: dict[tuple[str, str], MemoryUnit] = {}
        self._wires: dict[str, MemoryWire] = {}
        self.driver: type[MemoryDriver] = type("MemoryDriver", (MemoryDriver,), {"plant": self})

    def unit(self, unit: str = "1", url: str = "memory://plant") -> MemoryUnit:
        """The device of that name on that wire."""
        return self._units.setdefault((url, unit), MemoryUnit())

    def wire(self, url: str = "memory://plant") -> MemoryWire:
        """The wire of that url."""
        return self._wires.setdefault(url, MemoryWire())


class MemoryLink(Link):
    """A link to a wire of a plant."""

    def __init__(self, key: str, environment: Environment, wire: MemoryWire) -> None:
        super().__init__(key, environment)
        self.wire = wire
        self.pipelines = wire.pipelines
        self.counters = {"requests": 0}
        self._one = asyncio.Lock()
        self._alive: asyncio.Future[None] | None = None
        wire.link = self

    async def connect(self) -> None:
        """See Link."""
        clock = self.environment.clock
        self.wire.attempts.append(clock.monotonic())
        await clock.sleep(self.wire.connect_time)
        if self.wire.refuse:
            raise NotConnectedError(self.wire.refuse)
        self._alive = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """See Link."""
        if self._alive is not None and not self._alive.done():
            self._alive.set_result(None)

    def cut(self, error: str) -> None:
        """End the connection from the other side."""
        if self._alive is not None and not self._alive.done():
            self._alive.set_result(None)
            self.lost(error)

    async def request(self, unit: MemoryUnit, what: str, name: str, deadline: float | None = None) -> None:
        """Wait for the unit's answer. Raises NotConnectedError, ExpiredError, NoAnswerError."""
        if self.pipelines:
            await self._request(unit, what, name, deadline)
        else:
            async with self._one:
                await self._request(unit, what, name, deadline)

    async def _request(self, unit: MemoryUnit, what: str, name: str, deadline: float | None) -> None:
        if deadline is not None and self.environment.clock.monotonic() >= deadline:
            raise ExpiredError(f"its time was over while it waited for {self.key}")
        if self._alive is None or self._alive.done():
            raise NotConnectedError(f"{self.key} is not connected")
        self.counters["requests"] += 1
        unit.log.append((what, name))
        if self.taps:
            self.trace("tx", f"{what} {name}".strip().encode(), what)
        lasts = unit.timeout if unit.silent else unit.duration
        if lasts > 0 and await self._ended_within(lasts):
            raise NoAnswerError(f"{self.key} was disconnected during a {what}")
        if unit.silent:
            raise NoAnswerError(f"no answer within {unit.timeout:g} s")
        if self.taps:
            self.trace("rx", b"ok", what)

    async def _ended_within(self, seconds: float) -> bool:
        assert self._alive is not None
        try:
            async with self.environment.clock.timeout(seconds):
                await asyncio.shield(self._alive)
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Plan:
    rows: tuple[DriverTag, ...]
    objects: tuple[DriverTag, ...]


class MemoryDriver(Driver):
    """Reads and sets the values of a MemoryUnit. `call(name, ...)` returns the value kept under "name()"."""

    Config = MemoryConfig
    TagConfig = MemoryTagConfig
    plant: ClassVar[MemoryPlant]

    @classmethod
    def link_key(cls, config: MemoryConfig) -> str:
        """See Driver."""
        return config.url

    @classmethod
    def open_link(cls, config: MemoryConfig, environment: Environment) -> Link:
        """See Driver."""
        return MemoryLink(config.url, environment, cls.plant.wire(config.url))

    @classmethod
    def check(cls, config: MemoryConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:  # noqa: ARG003
        """See Driver: an address must not be empty."""
        return [(i, "empty address") for i, tag in enumerate(tags) if not tag.config.address]

    def __init__(self, config: MemoryConfig, link: Link, environment: Environment) -> None:  # noqa: ARG002
        assert isinstance(link, MemoryLink)
        self._link = link
        self.unit = self.plant.unit(config.unit, config.url)

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> _Plan:
        """See Driver."""
        if self.unit.compile_error is not None:
            raise self.unit.compile_error
        return _Plan(tuple(rows), tuple(objects))

    async def probe(self) -> None:
        """See Driver."""
        if self.unit.probe_error is not None:
            raise self.unit.probe_error

    async def scan(self, plan: _Plan) -> ScanColumns:
        """See Driver."""
        await self._link.request(self.unit, "scan", "")
        if self.unit.error is not None:
            raise self.unit.error
        known = self.unit.values
        found = [known.get(tag.config.address) for tag in plan.rows]
        quality = [self._quality(tag) for tag in plan.rows]
        exact = [i for i, tag in enumerate(plan.rows) if tag.spec.type.is_exact and found[i] is not None]
        objects = tuple(
            (i, known[tag.config.address], self._quality(tag))
            for i, tag in enumerate(plan.objects)
            if tag.config.address in known
        )
        return ScanColumns(
            values=np.array([np.nan if value is None else float(value) for value in found], np.float64),
            quality=np.array(quality, np.uint16),
            complete=None not in found and len(objects) == len(plan.objects),
            exact=self._exact(exact, found) if exact else None,
            objects=objects,
        )

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        await self._link.request(self.unit, "write", tag.config.address, deadline)
        if self.unit.write_error is not None:
            raise self.unit.write_error
        if tag.config.address not in self.unit.values:
            raise RefusedError(f"the device has no address {tag.config.address!r}")
        self.unit.values[tag.config.address] = value

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See Driver."""
        if f"{name}()" not in self.unit.values:
            raise NotFoundError(f"the device has no command {name!r} (arguments {arguments!r})")
        await self._link.request(self.unit, "call", name, deadline)
        return self.unit.values[f"{name}()"]

    def _quality(self, tag: DriverTag) -> int:
        address = tag.config.address
        if address not in self.unit.values:
            return int(Quality.REFUSED_BY_DEVICE)
        return self.unit.quality.get(address, int(Quality.GOOD))

    @staticmethod
    def _exact(rows: list[int], found: list[Any]) -> ExactBlock:
        values = np.array([int(found[i]) & (2**64 - 1) for i in rows], np.uint64).view(np.int64)
        return ExactBlock(np.array(rows, np.int32), values)
