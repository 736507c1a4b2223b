"""The jsonplc driver: every value of a PLC by one STATUS, writes by the SET of our extension."""

from __future__ import annotations

import hashlib
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sereno.client import BEFORE_IT_BEGINS
from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns
from sereno.model import NoAnswerError, OperationError, Quality, RefusedError, TagSpec, ValueType

from .going import Going
from .link import JsonPlcLink
from .protocol import ACK, BEAT, SET, STATUS, VALID, Answer, Reading, Value
from .tags import MASTERS, WATCHDOG, JsonPlcConfig, JsonPlcTagConfig

_TRUE = frozenset(("on", "yes", "true", "open", "1"))
_FALSE = frozenset(("off", "no", "false", "closed", "0"))


@dataclass(frozen=True, slots=True)
class PlcPlan:
    """One scan group."""

    rows: tuple[DriverTag, ...]
    objects: tuple[DriverTag, ...]


class JsonPlcDriver(Driver):
    """One PLC that speaks JSON over TCP. A device that it calls not valid has values of bad quality."""

    Config: ClassVar[type[JsonPlcConfig]] = JsonPlcConfig
    TagConfig: ClassVar[type[JsonPlcTagConfig]] = JsonPlcTagConfig

    @classmethod
    def link_key(cls, config: JsonPlcConfig) -> str:
        """See Driver."""
        return config.url

    @classmethod
    def open_link(cls, config: JsonPlcConfig, environment: Environment) -> Link:
        """See Driver."""
        return JsonPlcLink(config.url, config.endpoint, environment)

    @classmethod
    def check(cls, config: JsonPlcConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: arrays, and writes to what the PLC says of a device."""
        del config
        faults: list[tuple[int, str]] = []
        for i, tag in enumerate(tags):
            if tag.spec.shape:
                faults.append((i, f"tag {tag.spec.name!r} is an array, values of this PLC are single ones"))
            if tag.spec.access.writable and tag.config.target == WATCHDOG:
                faults.append(
                    (i, f"tag {tag.spec.name!r}: the watchdog cannot be written, 'beat' of the device sets it")
                )
            if tag.spec.access.writable and tag.config.target == MASTERS:
                faults.append((i, f"tag {tag.spec.name!r}: who commands the PLC cannot be written"))
            if tag.spec.access.writable and tag.config.target[1] == VALID:
                faults.append((i, f"tag {tag.spec.name!r}: whether a device is valid cannot be written"))
        return faults

    def __init__(self, config: JsonPlcConfig, link: Link, environment: Environment) -> None:
        self._clock = environment.clock
        self._going = Going()
        assert isinstance(link, JsonPlcLink)
        self._config = config
        self._link = link
        self._numbers = count(1)
        self._remarks: tuple[str, ...] = ()
        self._name = config.master or _name_of(environment.folder)

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> PlcPlan:
        """See Driver."""
        return PlcPlan(tuple(rows), tuple(objects))

    async def scan(self, plan: PlcPlan) -> ScanColumns:
        """See Driver: one STATUS, with a BEAT beside it where one is configured."""
        commands: list[Mapping[str, Any]] = [{"name": STATUS}]
        number = next(self._numbers)
        if self._config.beat:
            commands.append({"name": BEAT, "id": number, "within": self._config.beat, "master": self._name})
        found = await self._link.ask(commands, self._config.timeout, reads=True)
        if not found.has_status:
            raise OperationError("the answer has no STATUS")
        if still := self._going.stands_for(found.date, self._clock.monotonic()):
            raise NoAnswerError(f"its clock stands still at {found.date:.40} for {still:.0f} s, so what it says is old")
        seconds, lost = self._heard(found, number)
        masters = found.masters.get(number, ())
        versions = (f"firmware {found.firmware}, site {found.site}",) if found.firmware else ()
        self._remarks = (*versions, *lost, *self._besides(masters))
        own = {WATCHDOG: Reading(seconds, "s", True), MASTERS: Reading(len(masters), "", True)}
        return columns(plan, {**found.readings, **own})

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        device, name = tag.config.target
        number = next(self._numbers)
        command = {"name": SET, "id": number, "device": device, "value_name": name, "value": _plain(tag.spec, value)}
        command["master"] = self._name
        answered = await self._link.ask([command], self._config.timeout, deadline, check=BEFORE_IT_BEGINS.get())
        _require(answered, number)

    def _heard(self, answered: Answer, number: int) -> tuple[float, tuple[str, ...]]:
        """Seconds without a BEAT after which the PLC makes itself safe, as it confirms; else 0 and a remark."""
        if not self._config.beat:
            return 0.0, ()
        result, reason = answered.acks.get(number, ("", f"there was no {ACK}"))
        if result == "ok":
            return self._config.beat, ()
        return 0.0, (f"the PLC does not confirm the {BEAT}: {reason or result}",)

    def _besides(self, masters: Sequence[str]) -> tuple[str, ...]:
        """A remark where others command it too. It has the last word: they are told of, nothing is refused for them."""
        others = ", ".join(f"{one:.80}" for one in masters if one != self._name)
        return (f"another master commands this PLC: {others:.300}",) if others else ()

    def remarks(self) -> tuple[str, ...]:
        """See Driver: what the PLC says of itself."""
        return self._remarks


def _name_of(folder: Path) -> str:
    """The same after a restart, another one for another node: its host and its data folder."""
    return f"{socket.gethostname()} {hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:8]}"


def columns(plan: PlcPlan, readings: Mapping[tuple[str, str], Reading]) -> ScanColumns:
    """The columns of one STATUS; what it does not have is bad alone, with the reason."""
    values = np.full(len(plan.rows), math.nan)
    quality: NDArray[np.uint16] = np.zeros(len(plan.rows), np.uint16)
    reasons: dict[str, str] = {}
    for i, tag in enumerate(plan.rows):
        number, code, why = _row(tag, readings.get(tag.config.key))
        values[i], quality[i] = number, code
        if why:
            reasons[tag.spec.name] = why
    objects: list[tuple[int, Any, int]] = []
    for i, tag in enumerate(plan.objects):
        reading = readings.get(tag.config.key)
        code, why = _trust(tag, reading)
        objects.append((i, "" if reading is None else str(reading.value), code))
        if why:
            reasons[tag.spec.name] = why
    return ScanColumns(values=values, quality=quality, objects=tuple(objects), reasons=reasons)


def _trust(tag: DriverTag, reading: Reading | None) -> tuple[int, str]:
    device, name = tag.config.key
    if reading is None:
        return int(Quality.CONFIGURATION_ERROR), f"the PLC does not tell {name} of {device}"
    if not reading.valid:
        return int(Quality.OUT_OF_SERVICE), f"the PLC calls {device} not valid"
    return int(Quality.GOOD), ""


def _row(tag: DriverTag, reading: Reading | None) -> tuple[float, int, str]:
    code, why = _trust(tag, reading)
    if reading is None:
        return math.nan, code, why
    number = _number(tag.spec, reading.value)
    if number is None:
        expected = " or ".join(tag.spec.labels) or tag.spec.type.value
        return math.nan, int(Quality.BAD), f"the PLC says {reading.value!r}, expected {expected}"
    return number, code, why


def _number(spec: TagSpec, value: Value) -> float | None:
    if isinstance(value, str) and spec.type is ValueType.ENUM:
        return float(spec.labels.index(value)) if value in spec.labels else None
    if isinstance(value, str) and spec.type is ValueType.BOOL:
        word = value.lower()
        return 1.0 if word in _TRUE else 0.0 if word in _FALSE else None
    if isinstance(value, str) or (spec.type is ValueType.BOOL and value not in (0, 1)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _plain(spec: TagSpec, value: Any) -> Value:
    """A value as the PLC spells it."""
    if spec.type is ValueType.ENUM and not isinstance(value, str):
        return spec.labels[int(value)]
    if spec.type is ValueType.BOOL:
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    return float(value) if spec.type.is_float else int(value)


def _require(answered: Answer, number: int) -> None:
    if number not in answered.acks:
        raise NoAnswerError(f"the PLC answered without the {ACK} of command {number}")
    result, reason = answered.acks[number]
    if result != "ok":
        raise RefusedError(f"the PLC says {result or 'no'}: {reason or 'without a reason'}")
