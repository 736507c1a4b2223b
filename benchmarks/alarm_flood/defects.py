"""Mistakes that the rig must find: each is what a careless change might do. Name -> (what breaks, how)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sereno.alarms import evaluator
from sereno.alarms.alarms import Alarms
from sereno.alarms.record import Record


def _drops_rows() -> None:
    take = Record.take
    Record.take = lambda self, rows, entry=None: take(self, rows[: max(1, len(rows) - 1)], entry)  # type: ignore[method-assign]


def _answers_early() -> None:
    async def until(self: Record, count: int) -> None:
        del self, count

    async def never(self: Record) -> None:
        await self._clock.sleep(1e6)

    Record.until = until  # type: ignore[method-assign]
    Record.run = never  # type: ignore[method-assign]


def _forgets() -> None:
    async def load(self: Alarms) -> None:
        del self

    Alarms.load = load  # type: ignore[method-assign]


def _any_order() -> None:
    class Numpy:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        @staticmethod
        def argsort(values: Any, kind: str = "") -> Any:
            del kind
            return np.arange(len(values))

    evaluator.np = Numpy()  # type: ignore[assignment]


DEFECTS: dict[str, tuple[str, Callable[[], None]]] = {
    "rows-dropped": ("lost", _drops_rows),
    "answers-before-durable": ("acknowledgements_lost", _answers_early),
    "restart-forgets": ("announced_twice", _forgets),
    "any-order": ("out_of_order", _any_order),
}
