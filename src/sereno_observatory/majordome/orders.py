"""Orders under way: each a task of its own, so that nobody who has another to give waits for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from .conduct import Order

Begin = Callable[[Order], Coroutine[Any, Any, str]]
"""Gives one order; what became of it, in words."""

DONE = "done"


class Orders:
    """One of a kind at a time. `changed` is called with what is told of the orders that were given last."""

    def __init__(self, changed: Callable[[str], None], log: Any) -> None:
        self._changed = changed
        self._log = log
        self._tasks: dict[Order, asyncio.Task[str]] = {}
        self._words: dict[Order, str] = {}

    def __contains__(self, order: Order) -> bool:
        return order in self._tasks

    @property
    def told(self) -> str:
        """What became of the orders that were given last, or that they are under way."""
        return "; ".join(f"{order.value}: {words}" for order, words in self._words.items())

    def give(self, orders: Iterable[Order], begin: Begin) -> None:
        """Begin them; one that is under way goes on instead. What is given again is told as before until it ends."""
        before, self._words = self._words, {}
        for order in orders:
            known = before.get(order, DONE)
            self._words[order] = "under way" if known == DONE else known
            if order not in self._tasks:
                task = self._tasks[order] = asyncio.create_task(begin(order), name=f"order to {order.value}")
                task.add_done_callback(partial(self._ended, order))

    async def given(self, orders: Iterable[Order], begin: Begin) -> str:
        """The same, and what became of each. Whoever stops waiting stops no order."""
        orders = list(orders)
        self.give(orders, begin)
        tasks = [self._tasks[order] for order in orders]
        await asyncio.wait(tasks)
        return "; ".join(f"{order.value}: {_words(task)}" for order, task in zip(orders, tasks, strict=True))

    async def stop(self) -> None:
        """Wait for the answers no more; what was sent goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, order: Order, task: asyncio.Task[str]) -> None:
        del self._tasks[order]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._log.error("order failed", task=task.get_name(), exc_info=error)
        if order in self._words:
            self._words[order] = _words(task)
            self._changed(self.told)


def _words(task: asyncio.Task[str]) -> str:
    if task.cancelled():
        return "given up"
    return str(task.exception() or task.result())
