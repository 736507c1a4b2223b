"""FileMemory: memorised values in one small JSON file, written soon after a change and whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from sereno.model import Clock, OperationError

from .platform import write_private

log = structlog.get_logger(__name__)
SOON = 0.2
"""Seconds in which changes are gathered before they are written."""


class FileMemory:
    """A Memory. `close` writes what is still to be written."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._values: dict[str, dict[str, Any]] | None = None
        self._dirty = False
        self._task: asyncio.Task[None] | None = None

    async def recall(self, device: str) -> Mapping[str, Any]:
        """See Memory. Raises OperationError for a damaged file."""
        if self._values is None:
            self._values = await asyncio.to_thread(self._load)
        return dict(self._values.get(device, {}))

    def keep(self, device: str, name: str, value: Any) -> None:
        """See Memory."""
        if self._values is None:
            return
        known = self._values.setdefault(device, {})
        if name in known and known[name] == value:
            return
        known[name] = value
        self._dirty = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon(), name="memorised values")

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._write()

    async def _write_soon(self) -> None:
        while self._dirty:
            await self._clock.sleep(SOON)
            await self._write()

    async def _write(self) -> None:
        if not self._dirty:
            return
        self._dirty = False
        data = orjson.dumps(self._values, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
        try:
            await asyncio.to_thread(write_private, self._path, data)
        except OSError as error:
            log.error("memorised values not written", file=str(self._path), error=error.strerror)

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            found: dict[str, dict[str, Any]] = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (orjson.JSONDecodeError, OSError) as error:
            raise OperationError(f"memorised values in {self._path}: {error}; mend it or take it away") from error
        return found
