"""Who waits until what the historian accepted is on the disk."""

from __future__ import annotations

import asyncio

from .queue import QueueCounters


class Durability:
    """Futures of those who wait, by the number of the batch that they wait for."""

    def __init__(self, counters: QueueCounters) -> None:
        self._counters = counters
        self._waiters: list[tuple[int, asyncio.Future[int]]] = []

    async def wait(self) -> int:
        """Until everything accepted so far is durable; returns the number of durable batches."""
        if self._counters.durable >= self._counters.accepted:
            return self._counters.durable
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._counters.accepted, future))
        return await future

    def settle(self, error: Exception | None = None) -> None:
        """Tell those whose batch is durable now, and with `error` the others that it will not be."""
        durable = self._counters.durable
        waiting = self._waiters
        self._waiters = []
        for seq, future in waiting:
            if future.done():
                continue
            if seq <= durable:
                future.set_result(durable)
            elif error is not None:
                future.set_exception(error)
            else:
                self._waiters.append((seq, future))
