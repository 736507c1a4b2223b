"""The Modbus driver: one unit behind a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import structlog

from sereno.client import BEFORE_IT_BEGINS
from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns
from sereno.model import NoAnswerError, RefusedError

from .address import BIT_TABLES, READ_FUNCTIONS, WRITABLE_TABLES, Area
from .encode import masked, write_request
from .endpoint import SerialEndpoint
from .exchange import Exchange, ModbusLink
from .fields import Field, field_of, overlaps
from .layout import GATEWAY, REFUSED, Layout, ScanPlan
from .link import TcpLink
from .pipelining import Pipelining
from .plan import Refusals, join_areas
from .protocol import (
    ILLEGAL_FUNCTION,
    MAX_WRITE_BITS,
    MAX_WRITE_REGISTERS,
    READ_HOLDING,
    DataReply,
    ExceptionReply,
    MaskWrite,
    Read,
    Reply,
    Request,
    exception_text,
)
from .tags import ModbusConfig, ModbusTagConfig
from .words import request_text

IN_DOUBT = (5, 11)
"""Exceptions after which a write may still be executed: acknowledge, and no reply behind a gateway."""

log = structlog.get_logger(__name__)


class ModbusDriver(Driver):
    """One Modbus unit, over TCP or a serial line."""

    Config: ClassVar[type[ModbusConfig]] = ModbusConfig
    TagConfig: ClassVar[type[ModbusTagConfig]] = ModbusTagConfig

    @classmethod
    def link_key(cls, config: ModbusConfig) -> str:
        """See Driver."""
        return config.url

    @classmethod
    def open_link(cls, config: ModbusConfig, environment: Environment) -> Link:
        """See Driver."""
        endpoint = config.endpoint
        if isinstance(endpoint, SerialEndpoint):
            from .rtu import SerialLink

            return SerialLink(endpoint, environment)
        return TcpLink(endpoint, environment)

    @classmethod
    def link_settings(cls, config: ModbusConfig) -> str:
        """See Driver."""
        return config.url

    @classmethod
    def check(cls, config: ModbusConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: types that do not fit their address, read-only tables, areas that overlap in part."""
        faults: list[tuple[int, str]] = []
        placed: list[tuple[int, Field]] = []
        for i, tag in enumerate(tags):
            try:
                placed.append((i, field_of(config, tag)))
            except ValueError as error:
                faults.append((i, f"tag {tag.spec.name!r}: {error}"))
        faults += [(i, text) for i, field in placed if (text := _write_fault(tags[i], field))]
        for a, b in overlaps([field for _, field in placed]):
            (i, first), (j, second) = placed[a], placed[b]
            if not (tags[i].config.overlap or tags[j].config.overlap):
                both = f"tag {second.name!r} ({second.area}) overlaps {first.name!r} ({first.area}) in part"
                faults.append((j, f"{both}; one of them is wrong, or say overlap = true"))
        return faults

    def __init__(self, config: ModbusConfig, link: Link, environment: Environment) -> None:
        assert isinstance(link, ModbusLink)
        self._config = config
        self._link = link
        self._clock = environment.clock
        self._depth, self._found = _pipelining(config, link)
        self._refusals = Refusals()
        self._connects = -1
        self._accepted = False
        self._ask_again = 0.0
        self._told: set[Area] = set()

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> ScanPlan:
        """See Driver."""
        return ScanPlan([field_of(self._config, t) for t in rows], [field_of(self._config, t) for t in objects])

    async def scan(self, plan: ScanPlan) -> ScanColumns:
        """See Driver. A refused block is split until it is known which tags the device refuses; this is remembered
        until the next connection, or for `retry_refused`.
        """
        now = self._clock.monotonic()
        self._forget_in_time(now)
        while True:
            layout = self._layout(plan)
            if not layout.blocks:
                return await self._ask_one(plan, layout)
            await self._link.run(exchange := self._exchange(layout))
            if self._found is not None:
                self._found.answered(min(exchange.depth, layout.requests.count))
            exceptions = exchange.exceptions
            if not exceptions:
                self._accepted = True
                self._refusals.settle()
                return layout.columns(exceptions)
            if not self._learn(layout, exceptions) or self._clock.monotonic() >= now + self._config.timeout:
                break
        if len(exceptions) < len(layout.blocks):
            self._accepted = True
        else:
            self._complain(layout.blocks[0].area, exceptions)
        return layout.columns(exceptions)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        field = field_of(self._config, tag)
        if field.area.table not in WRITABLE_TABLES:
            raise RefusedError(f"{tag.spec.name}: a {field.area.table} is read-only by its nature")
        request = write_request(field, value, single=self._config.single_write)
        if isinstance(request, MaskWrite) and not self._config.mask_write:
            request = await self._merged(request, deadline)
        await self._ask(request, deadline)

    def remarks(self) -> tuple[str, ...]:
        """See Driver: what was found out about requests on the way at once."""
        return () if self._found is None else (self._found.words(),)

    def _exchange(self, layout: Layout) -> Exchange:
        """One run of a layout, with as many requests on the way as the device may be given now."""
        depth = self._depth if self._found is None else self._found.depth
        return Exchange(layout.requests, layout.payload, self._config.timeout, depth)

    def _layout(self, plan: ScanPlan) -> Layout:
        """The layout in force, made anew after the device was found to refuse something."""
        if plan.layout is None or plan.generation != self._refusals.generation:
            blocks = join_areas(plan.areas, self._config, self._refusals)
            plan.layout = Layout(plan.rows, plan.objects, blocks, self._config.unit)
            plan.generation = self._refusals.generation
        return plan.layout

    def _learn(self, layout: Layout, exceptions: Mapping[int, int]) -> bool:
        """Remember what was refused; False if nothing was (the device is only busy, or away)."""
        refused = [(layout.blocks[i], code) for i, code in exceptions.items() if code in REFUSED]
        for block, code in refused:
            if not self._refusals.areas:
                self._ask_again = self._clock.monotonic() + self._config.retry_refused
            if len(block.members) == 1 and block.area not in self._told:
                self._told.add(block.area)
                log.warning(
                    "the device refuses an address",
                    link=self._link.key, unit=self._config.unit, area=str(block.area), reason=exception_text(code),
                )  # fmt: skip
            self._refusals.learn(block)
        return bool(refused)

    def _forget_in_time(self, now: float) -> None:
        connects = self._link.counters["connects"]
        if connects != self._connects or now >= self._ask_again:
            self._accepted = self._accepted and connects == self._connects
            self._connects = connects
            self._ask_again = now + self._config.retry_refused
            self._refusals.forget()

    async def _ask_one(self, plan: ScanPlan, layout: Layout) -> ScanColumns:
        """Everything is refused: one request tells whether the device is there at all, and still refuses."""
        area = min(plan.areas, default=Area("holding", 0, 1))
        request = Read(READ_FUNCTIONS[area.table], area.start, area.count)
        reply = await self._link.request(self._config.unit, request, self._config.timeout)
        if isinstance(reply, ExceptionReply):
            self._complain(area, {0: reply.code})
        else:
            self._refusals.forget()
        return layout.columns({})

    def _complain(self, area: Area, exceptions: Mapping[int, int]) -> None:
        """Every request was answered with an exception. Raises where that says something about the whole device."""
        unit, said = self._config.unit, exception_text(exceptions[0])
        if set(exceptions.values()) <= set(GATEWAY):
            raise NoAnswerError(f"unit {unit}: {said}")
        if not self._accepted and set(exceptions.values()) <= set(REFUSED):
            raise RefusedError(f"unit {unit} refuses everything, the first is {area}: {said}; is the unit right?")

    async def _merged(self, request: MaskWrite, deadline: float | None) -> Request:
        """A mask write by reading and writing back; what the device changes in between is lost."""
        reply = await self._ask(Read(READ_HOLDING, request.address, 1), deadline)
        assert isinstance(reply, DataReply)
        return masked(int.from_bytes(reply.data, "big"), request)

    async def _ask(self, request: Request, deadline: float | None) -> Reply:
        """One request of a write. Raises as `write`."""
        try:
            check = BEFORE_IT_BEGINS.get()
            reply = await self._link.request(self._config.unit, request, self._config.timeout, deadline, check)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        if not isinstance(reply, ExceptionReply):
            return reply
        text = f"device says {exception_text(reply.code)} for {request_text(request)}, unit {self._config.unit}"
        if reply.code in IN_DOUBT:
            raise NoAnswerError(text)
        if reply.code == ILLEGAL_FUNCTION and isinstance(request, MaskWrite):
            text += "; where it does not know function 22, say mask_write = false"
        raise RefusedError(text)


def _pipelining(config: ModbusConfig, link: ModbusLink) -> tuple[int, Pipelining | None]:
    """The depth that is configured, or what finds it out; that is shared by the devices of the link that ask for it."""
    if config.pipelining != "auto":
        return config.pipelining, None
    link.pipelining = link.pipelining or Pipelining()
    return 1, link.pipelining


def _write_fault(tag: DriverTag, field: Field) -> str | None:
    if not tag.spec.access.writable:
        return None
    table, count = field.area.table, field.area.count
    if table not in WRITABLE_TABLES:
        return f"tag {field.name!r} cannot be written: a {table} is read-only by its nature"
    limit = MAX_WRITE_BITS if table in BIT_TABLES else MAX_WRITE_REGISTERS
    return (
        f"tag {field.name!r} is too long to write: {count}, at most {limit} in one request" if count > limit else None
    )
