"""[log]: what is logged, and how long it is kept."""

from __future__ import annotations

import logging
from typing import Literal

from pydantic import Field

from sereno.app.logfiles.writer import LogRules

from .durations import Duration
from .schema import Table


class LogTable(Table):
    """[log]: lines go to standard error, and to numbered files in the data folder unless `files` is false.

    A new file is begun when `max_bytes` are reached or `every` is over; the last `keep` of them stay, 0 = all.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    files: bool = True
    max_bytes: int = Field(16 << 20, ge=1 << 16, le=1 << 40)
    every: Duration = Field(86400.0, ge=60.0)
    keep: int = Field(64, ge=0, le=1_000_000)

    @property
    def number(self) -> int:
        """The level as the standard library counts."""
        return logging.getLevelNamesMapping()[self.level.upper()]

    def rules(self) -> LogRules:
        """As the value that the files are written with."""
        return LogRules(self.max_bytes, self.every, self.keep)
