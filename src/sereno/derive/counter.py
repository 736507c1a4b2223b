"""Counters as columns: readings that start again at zero are turned into totals that do not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNSEEN = -1
"""Reading of a counter that was never read."""


class AfterReset(StrEnum):
    """What a reading behind the last one means when it is no rollover: counted from zero, or from anywhere."""

    ZERO = "zero"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class CounterRule:
    """A counter `source` and the tag of its `total`. Readings are 0 to `modulus` - 1 (0 = 64 bits, never full).

    From one reading to the next it grows by at most `max_step`; what would be more is a reset of the device.
    """

    source: str
    total: str
    modulus: int
    max_step: int
    after_reset: AfterReset = AfterReset.ZERO


class Counters:
    """Readings and totals of counters that are read together, by position."""

    def __init__(self, rules: Sequence[CounterRule]) -> None:
        self.rules = tuple(rules)
        n = len(rules)
        self.reading: I64 = np.full(n, UNSEEN, np.int64)
        self.total: I64 = np.zeros(n, np.int64)
        self._modulus: I64 = np.array([rule.modulus for rule in rules], np.int64)
        self._step: I64 = np.array([rule.max_step for rule in rules], np.int64)
        self._from_zero: Mask = np.array([rule.after_reset is AfterReset.ZERO for rule in rules], np.bool_)

    def count(self, readings: I64, trusted: Mask) -> Mask:
        """Take the next readings where they are `trusted`; which counters were found to be reset.

        The first reading of all counts as nothing. Totals start again at 0 beyond 63 bits.
        """
        trusted = trusted & (readings >= 0)
        known = trusted & (self.reading != UNSEEN)
        grown = readings - self.reading
        behind = grown < 0
        np.add(grown, self._modulus, out=grown, where=behind)
        reset: Mask = known & ((grown > self._step) | (grown < 0))
        grown = np.where(reset, np.where(self._from_zero, readings, 0), grown)
        self.total += np.where(known, grown, 0)
        self.total &= np.iinfo(np.int64).max
        np.copyto(self.reading, readings, where=trusted)
        return reset
