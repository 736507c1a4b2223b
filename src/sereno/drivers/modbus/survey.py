"""Finding out what a Modbus server holds: which units answer, which addresses can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sereno.device import Environment
from sereno.model import NoAnswerError

from .address import LAST_ADDRESS, READ_FUNCTIONS
from .endpoint import DEFAULT_PORT
from .exchange import ModbusLink
from .layout import GATEWAY
from .peek import connected, device_config
from .protocol import ExceptionReply, Read, exception_text

STEP = 8
_BLOCK = 125

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class UnitAnswer:
    """A unit that answered, and what it said to a first read of register 0 (empty: it gave the value)."""

    unit: int
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ReadableRange:
    """Addresses `first` to `last` of a table can be read."""

    table: str
    first: int
    last: int


async def units(
    host: str,
    *,
    port: int = DEFAULT_PORT,
    candidates: Iterable[int] = range(1, 248),
    timeout: float = 0.5,
    progress: Progress | None = None,
    environment: Environment | None = None,
) -> list[UnitAnswer]:
    """The units that answer anything at all to a read of register 0; a silent one costs `timeout`.

    Raises DeliveryError.
    """
    numbers = list(candidates)
    found: list[UnitAnswer] = []
    config = device_config(host, port, 1, timeout, {})
    async with connected(config, environment) as link:
        for done, unit in enumerate(numbers):
            try:
                reply = await link.request(unit, Read(READ_FUNCTIONS["holding"], 0, 1), timeout)
            except NoAnswerError:
                await link.connect()
            else:
                code = reply.code if isinstance(reply, ExceptionReply) else 0
                if code not in GATEWAY:
                    found.append(UnitAnswer(unit, exception_text(code) if code else ""))
            if progress is not None:
                progress(done + 1, len(numbers))
    return found


async def ranges(
    host: str,
    *,
    port: int = DEFAULT_PORT,
    unit: int = 1,
    tables: Iterable[str] = tuple(READ_FUNCTIONS),
    first: int = 0,
    last: int = 1999,
    timeout: float = 1.0,
    progress: Progress | None = None,
    environment: Environment | None = None,
) -> list[ReadableRange]:
    """What can be read between `first` and `last`, by asking: blocks, and parts of those that are refused.

    A readable stretch of less than `STEP` addresses inside a refused one may be missed. Raises DeliveryError.
    """
    if not 0 <= first <= last <= LAST_ADDRESS:
        raise ValueError(f"addresses {first} to {last}, expected a range within 0 to {LAST_ADDRESS}")
    wanted, size = list(tables), last + 1 - first
    found: list[ReadableRange] = []
    config = device_config(host, port, unit, timeout, {})
    async with connected(config, environment) as link:
        for i, table in enumerate(wanted):
            survey = _Survey(link, unit, table, timeout)
            for start in range(first, last + 1, _BLOCK):
                await survey.block(start, min(_BLOCK, last + 1 - start))
                if progress is not None:
                    progress(i * size + min(start - first + _BLOCK, size), len(wanted) * size)
            found += survey.found
    return found


class _Survey:
    """Finds the readable addresses of one table."""

    def __init__(self, link: ModbusLink, unit: int, table: str, timeout: float) -> None:
        self.found: list[ReadableRange] = []
        self._link = link
        self._unit = unit
        self._table = table
        self._timeout = timeout

    async def block(self, start: int, count: int) -> None:
        """Add what is readable of a block; looks closely only where one end of a stretch of STEP answers."""
        if await self._reads(start, count):
            self._add(start, count)
            return
        for at in range(start, start + count, STEP):
            size = min(STEP, start + count - at)
            if await self._reads(at, 1) or await self._reads(at + size - 1, 1):
                await self._closely(at, size)

    async def _closely(self, start: int, count: int) -> None:
        if await self._reads(start, count):
            self._add(start, count)
        elif count > 1:
            await self._closely(start, count // 2)
            await self._closely(start + count // 2, count - count // 2)

    async def _reads(self, start: int, count: int) -> bool:
        reply = await self._link.request(self._unit, Read(READ_FUNCTIONS[self._table], start, count), self._timeout)
        if isinstance(reply, ExceptionReply) and reply.code in GATEWAY:
            raise NoAnswerError(f"unit {self._unit}: {exception_text(reply.code)}")
        return not isinstance(reply, ExceptionReply)

    def _add(self, start: int, count: int) -> None:
        last = self.found[-1] if self.found else None
        if last is not None and last.last + 1 == start:
            self.found[-1] = ReadableRange(self._table, last.first, start + count - 1)
        else:
            self.found.append(ReadableRange(self._table, start, start + count - 1))
