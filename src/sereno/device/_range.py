"""Range and number checks of a group's rows: a handful of numpy operations per scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.model import Quality, TagSpec

F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]


class RangeCheck:
    """Lowers the quality of rows outside their tag's low..high (uncertain) and of NaN (bad), never raises it."""

    def __init__(self, specs: Sequence[TagSpec]) -> None:
        self._low: F64 = np.array([-np.inf if s.low is None else s.low for s in specs], np.float64)
        self._high: F64 = np.array([np.inf if s.high is None else s.high for s in specs], np.float64)
        self._ranged = any(s.low is not None or s.high is not None for s in specs)
        self._floats = any(s.type.is_float for s in specs)
        self._inside = np.empty(len(specs), np.bool_)
        self._below = np.empty(len(specs), np.bool_)

    def apply(self, values: F64, quality: U16 | int) -> U16 | int:
        """Quality of the rows: what was given where all is well, else a new column."""
        if not self._ranged and not self._floats:
            return quality
        # NaN fails every comparison, so one pass finds both kinds
        inside = np.greater_equal(values, self._low, out=self._inside)
        inside &= np.less_equal(values, self._high, out=self._below)
        if inside.all():
            return quality
        codes = np.full(len(values), quality, np.uint16) if isinstance(quality, int) else quality.astype(np.uint16)
        nan = np.isnan(values)
        codes[~inside & ~nan & (codes < Quality.UNCERTAIN)] = Quality.OUT_OF_RANGE
        codes[nan & (codes < Quality.BAD)] = Quality.NOT_A_NUMBER
        return codes
