"""What a person puts in place of the plant for a while: a substituted value, a device in maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class OverrideKind(StrEnum):
    """What is overridden: the value of a tag, or the commands to a device."""

    SUBSTITUTION = "substitution"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`path` is a tag (SUBSTITUTION) or a device with all below it (MAINTENANCE); at most one of a kind and path.

    `value` as people see values (label, bool, number, text), None for maintenance. `since`, `expires` ns UTC;
    `expires` 0 = until somebody ends it.
    """

    kind: OverrideKind
    path: str
    reason: str
    actor: str
    since: int
    expires: int = 0
    value: Any = None

    def covers(self, device: str) -> bool:
        """True if `device` is the one overridden or below it."""
        return device == self.path or device.startswith(f"{self.path}/")
