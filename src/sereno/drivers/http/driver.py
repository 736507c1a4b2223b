"""The http driver: a fleet of members behind HTTP, asked all at once, and totals over them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns
from sereno.model import NoAnswerError, RefusedError, ValueType

from .aggregate import Total, doubted, total_of
from .asking import Getter, Sweep
from .getting import HttpGetter
from .inventory import InventorySource
from .tags import FACTS, HttpConfig, HttpTagConfig


class HttpLink(Link):
    """Up as long as the node wants it: members come and go by themselves."""

    def __init__(self, config: HttpConfig, environment: Environment) -> None:
        super().__init__(
            config.url or (f"{len(config.members)} members" if config.members else "an inventory in a database"),
            environment,
        )
        self.pipelines = True
        self.counters = {"sweeps": 0, "asked": 0, "unanswered": 0}
        self.getter: Getter | None = None
        self.inventory = InventorySource(config, environment.clock)

    async def connect(self) -> None:
        """See Link."""
        self.getter = _Watched(HttpGetter(self.environment.transports), self)

    async def close(self) -> None:
        """See Link."""
        getter, self.getter = self.getter, None
        if getter is not None:
            await getter.close()
        self.inventory.close()


class _Watched:
    """A Getter whose questions and answers pass the taps of its link."""

    def __init__(self, getter: Getter, link: HttpLink) -> None:
        self._getter = getter
        self._link = link

    async def get(self, url: str, most: int) -> bytes:
        """See Getter."""
        if not self._link.taps:
            return await self._getter.get(url, most)
        self._link.trace("tx", url.encode(), f"GET {url}")
        body = await self._getter.get(url, most)
        self._link.trace("rx", body, f"{url}: {body[:80].decode('ascii', 'replace')}")
        return body

    async def close(self) -> None:
        """See Getter."""
        await self._getter.close()


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What one sweep asks for."""

    rows: tuple[DriverTag, ...]
    objects: tuple[DriverTag, ...]

    @property
    def paths(self) -> list[str]:
        """Each path once."""
        return list(dict.fromkeys(tag.config.get for tag in (*self.rows, *self.objects)))


class HttpDriver(Driver):
    """One fleet. A sweep reads the inventory anew and asks exactly those whom it names then."""

    Config: ClassVar[type[HttpConfig]] = HttpConfig
    TagConfig: ClassVar[type[HttpTagConfig]] = HttpTagConfig

    @classmethod
    def link_key(cls, config: HttpConfig) -> str:
        """See Driver."""
        return f"http {config!r}"

    @classmethod
    def open_link(cls, config: HttpConfig, environment: Environment) -> Link:
        """See Driver."""
        return HttpLink(config, environment)

    @classmethod
    def check(cls, config: HttpConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: types that do not fit, tags that would be written."""
        del config
        faults: list[tuple[int, str]] = []
        for i, tag in enumerate(tags):
            name, kind = f"tag {tag.spec.name!r}", tag.spec.type
            if tag.spec.access.writable:
                faults.append((i, f"{name} cannot be written: it is made of what all members say"))
            if (kind is ValueType.STRING) is not (tag.config.reduce == "table"):
                faults.append((i, f"{name} is of type {kind}, and {tag.config.reduce} gives {tag.config.default_type}"))
        return faults

    def __init__(self, config: HttpConfig, link: Link, environment: Environment) -> None:
        assert isinstance(link, HttpLink)
        self._config = config
        self._link = link
        self._clock = environment.clock
        self._members = 0

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> FleetPlan:
        """See Driver."""
        return FleetPlan(tuple(rows), tuple(objects))

    async def scan(self, plan: FleetPlan) -> ScanColumns:
        """See Driver: one sweep. Raises NoAnswerError when nobody can say who belongs to the fleet."""
        getter = self._link.getter
        if getter is None:
            raise NoAnswerError("the link is closed")
        inventory, doubt = await self._link.inventory.now(getter)
        self._members = len(inventory)
        config = self._config
        sweep = Sweep(getter, self._clock, timeout=config.timeout, most=config.max_bytes, at_once=config.in_flight)
        paths = plan.paths
        found = await asyncio.gather(*(sweep.answers(inventory.members.items(), path) for path in paths))
        answers = dict(zip(paths, found, strict=True))
        self._count(answers)
        return _columns(plan, answers, doubt)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver: nothing can be written."""
        del value, deadline
        raise RefusedError(f"{tag.spec.name} is made of what all members say")

    def counters(self) -> Mapping[str, int]:
        """See Driver."""
        return {"members": self._members}

    def _count(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        counters = self._link.counters
        counters["sweeps"] += 1
        for one in answers.values():
            counters["asked"] += len(one)
            counters["unanswered"] += sum(isinstance(answer, Exception) for answer in one.values())


def _columns(plan: FleetPlan, answers: Mapping[str, Mapping[str, Any]], doubt: str) -> ScanColumns:
    """`doubt`: why it is not known who belongs to the fleet now."""
    rows = [doubted(total_of(tag.config, answers[tag.config.get]), doubt) for tag in plan.rows]
    objects = [doubted(total_of(tag.config, answers[tag.config.get]), doubt) for tag in plan.objects]
    named = list(zip((*plan.rows, *plan.objects), (*rows, *objects), strict=True))
    totals = [total for tag, total in named if tag.config.reduce not in FACTS]
    return ScanColumns(
        np.array([total.value for total in rows], np.float64),
        np.array([total.quality for total in rows], np.uint16),
        complete=all(total.quality == 0 for total in totals),
        objects=tuple(_object(i, total) for i, total in enumerate(objects)),
        reasons={tag.spec.name: total.reason for tag, total in named if total.reason},
    )


def _object(position: int, total: Total) -> tuple[int, Any, int]:
    return position, total.value, total.quality
