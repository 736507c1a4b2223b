"""The udp driver: sensors that send datagrams by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, Environment, Link, RunnerPort, ScanColumns
from sereno.model import RefusedError, ValueType

from .feed import Feed, FeedRow
from .link import Sensor, UdpLink
from .tags import UdpConfig, UdpTagConfig, read_key

MOST_NAMED = 20
"""Sensors of a device whose counts are all shown; of more, those that are not 0."""


class UdpDriver(Driver):
    """Some of the sensors that one socket hears."""

    Config: ClassVar[type[UdpConfig]] = UdpConfig
    TagConfig: ClassVar[type[UdpTagConfig]] = UdpTagConfig

    @classmethod
    def link_key(cls, config: UdpConfig) -> str:
        """See Driver: devices at one address hear the same senders, or one of them cannot listen."""
        return f"{config.url} from {', '.join(config.allow)}"

    @classmethod
    def open_link(cls, config: UdpConfig, environment: Environment) -> Link:
        """See Driver."""
        return UdpLink(config, environment)

    @classmethod
    def check(cls, config: UdpConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: tags that are no numbers or writable, counts without a value, two values of a sensor."""
        del config
        faults: list[tuple[int, str]] = []
        values: dict[tuple[str, str], str] = {}
        for i, tag in enumerate(tags):
            name = f"tag {tag.spec.name!r}"
            if tag.spec.type in (ValueType.STRING, ValueType.BOOL, ValueType.ENUM):
                faults.append((i, f"{name} is of type {tag.spec.type}, sensors send numbers"))
            if tag.spec.access.writable:
                faults.append((i, f"{name} cannot be written: a sensor only sends"))
            if tag.config.count is None:
                first = values.setdefault(tag.config.identity, tag.spec.name)
                if first != tag.spec.name:
                    faults.append((i, f"{name} and {first!r} are values of the same sensor; give each its `sensor`"))
        for i, tag in enumerate(tags):
            if tag.config.identity not in values:
                faults.append((i, f"tag {tag.spec.name!r} counts for a sensor whose value is no tag of this device"))
        return faults

    def __init__(self, config: UdpConfig, link: Link, environment: Environment) -> None:
        assert isinstance(link, UdpLink)
        self._config = config
        self._link = link
        self._clock = environment.clock
        self._runner: RunnerPort | None = None
        self._sensors: dict[tuple[str, str], Sensor] = {}

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> Feed:
        """See Driver. Raises RefusedError for a key that is not there."""
        del objects
        made = [self._row(tag) for tag in rows]
        return Feed(made, self._clock, partial(self._wanted, rows[0].spec.path), self._crowded)

    async def scan(self, plan: Feed) -> ScanColumns:
        """See Driver."""
        return plan.take()

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver: nothing can be written."""
        del value, deadline
        raise RefusedError(f"{tag.spec.name}: a sensor only sends")

    def bind(self, runner: RunnerPort) -> None:
        """See Driver."""
        self._runner = runner

    def counters(self) -> Mapping[str, int]:
        """See Driver: what became of each sensor's datagrams."""
        few = len(self._sensors) <= MOST_NAMED
        return {
            f"{sensor.words} {name}": number
            for sensor in self._sensors.values()
            for name, number in sensor.tally.counts().items()
            if few or (number and name != "received")
        }

    def _row(self, tag: DriverTag) -> FeedRow:
        config: UdpTagConfig = tag.config
        sensor = self._sensors[config.identity] = self._link.sensor(*config.identity)
        if config.rate is not None:
            sensor.tally.period = 1.0 / config.rate
        if config.key is not None:
            sensor.key = self._key(config.key)
        silence = self._config.silence if config.rate is None else sensor.tally.silent_after
        return FeedRow(tag.spec.name, sensor, config.count, silence)

    def _key(self, named: str) -> bytes:
        try:
            return read_key(named)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def _wanted(self, path: str) -> None:
        if self._runner is not None:
            self._runner.poke(path)

    def _crowded(self) -> None:
        self._link.counters["crowded_out"] += 1
