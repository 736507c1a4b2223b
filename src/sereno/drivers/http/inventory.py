"""InventorySource: who belongs to a fleet, read anew for each sweep from a URL, a file or a database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from sereno.model import Clock, DeliveryError, NoAnswerError

from .asking import Getter
from .protocol import AnswerError, Inventory, base_of, parse_inventory
from .query import InventoryQuery
from .tags import HttpConfig

INVENTORY_BYTES = 4 << 20
_log = structlog.get_logger(__name__)


class InventorySource:
    """Asks for the inventory; keeps the last one where it is to be used when nobody can say."""

    def __init__(self, config: HttpConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._query = InventoryQuery(config) if config.query else None
        self._keeps = config.keep if config.keep is not None else bool(config.query)
        self._last: Inventory | None = None
        self._since = 0.0
        self._failing = False

    async def now(self, getter: Getter) -> tuple[Inventory, str]:
        """All who belong to it, and why that is doubted: "" if it was read now. Raises NoAnswerError without one."""
        try:
            found = await self._read(getter)
        except DeliveryError as error:
            if self._last is None or not self._keeps:
                raise
            age = self._clock.monotonic() - self._since
            if not self._failing:
                self._failing = True
                _log.warning("the inventory cannot be read, that of before is used", error=str(error))
            return self._last, f"the inventory is {age:.0f} s old: {error}"
        if self._failing:
            self._failing = False
            _log.info("the inventory is read again", members=len(found))
        self._last, self._since = found, self._clock.monotonic()
        return found, ""

    def close(self) -> None:
        """Hang up."""
        if self._query is not None:
            self._query.close()

    async def _read(self, getter: Getter) -> Inventory:
        config = self._config
        if config.members:
            return Inventory({name: base_of(address, config.port) for name, address in config.members.items()})
        try:
            async with self._clock.timeout(config.timeout):
                if self._query is not None:
                    return await self._query.inventory()
                return parse_inventory(await _bytes(getter, config.url), config.port)
        except AnswerError as error:
            raise NoAnswerError(str(error)) from None
        except TimeoutError:
            source = config.url or "the database"
            raise NoAnswerError(f"no inventory within {config.timeout:g} s from {source}") from None


async def _bytes(getter: Getter, source: str) -> bytes:
    if not source.startswith("file:"):
        return await getter.get(source, INVENTORY_BYTES)
    path = Path(source.removeprefix("file:"))
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise NoAnswerError(f"the inventory {path} cannot be read: {error.strerror}") from None
