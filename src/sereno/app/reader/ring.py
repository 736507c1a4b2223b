"""Ring: the last values, first in, first out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Read:
    """One value as it was read: time in ns UTC, and whether it may be trusted; NaN where nothing came."""

    value: float
    t_ns: int
    good: bool = True


class Ring:
    """Keeps the last `length` values; `seen` counts all of them."""

    def __init__(self, length: int) -> None:
        self.seen = 0
        self._reads: deque[Read] = deque(maxlen=length)

    def add(self, read: Read) -> None:
        """One more; the oldest goes when it is full."""
        self.seen += 1
        self._reads.append(read)

    def __len__(self) -> int:
        return len(self._reads)

    @property
    def last(self) -> Read | None:
        """The newest."""
        return self._reads[-1] if self._reads else None

    def columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds before the newest (0 for itself), and values; NaN where they may not be trusted."""
        times = np.array([read.t_ns for read in self._reads], np.int64)
        values = np.array([read.value if read.good else np.nan for read in self._reads])
        return (times - times[-1]) / 1e9 if times.size else np.empty(0), values
