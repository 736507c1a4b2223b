"""The merging of one import, which gives way to recording when the disk is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sereno.historian.cold.worker import Taken
from sereno.model import OperationError

from .absorbing import Absorption

FIRST = "the disk is full, and recording goes first; import when there is more room"
Absorb = Callable[[Absorption, Callable[[float], None]], Coroutine[Any, Any, Taken]]


class Merging:
    """`absorb` takes `what` in, and `progress` is told how far it is; it begins at once."""

    def __init__(self, absorb: Absorb, what: Absorption, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._share = 0.0
        self._gave_way = False
        self._task = asyncio.create_task(absorb(what, self._told), name="historian merging")

    async def result(self) -> Taken:
        """What it brought. Raises OperationError if it gave way, and what `absorb` raises."""
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self._gave_way:
                raise
            raise OperationError(FIRST) from None

    def give_way(self) -> bool:
        """Give it up, which deletes what it has written; False if it is being finished already."""
        if self._share >= 1.0 or self._task.done():
            return False
        self._gave_way = True
        self._task.cancel()
        return True

    def _told(self, share: float) -> None:
        self._share = share
        self._progress(share)
