"""Which lines of the logs are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
ABOUT = ("agent", "simulator", "actor", "device", "guard", "gateway", "listener", "task", "job", "tag", "path")
"""Keys that say whom a line is about."""


@dataclass(frozen=True, slots=True)
class WantedLines:
    """Empty = all. `module`: sereno.alarms or alarms, with those below it. `about`: one that a line names, by its whole
    name the last part of it or the first. `since`: ISO 8601 UTC as the lines have it."""

    module: str = ""
    about: str = ""
    level: str = ""
    since: str = ""
    text: str = ""

    def takes(self, entry: Mapping[str, Any], line: str) -> bool:
        """True if a line is one of them."""
        return (
            (not self.module or self._of_module(str(entry.get("logger", ""))))
            and (not self.about or any(map(self._is_about, _named(entry))))
            and (not self.level or _rank(str(entry.get("level", ""))) >= _rank(self.level))
            and (not self.since or str(entry.get("timestamp", "")) >= self.since)
            and (not self.text or self.text.lower() in line.lower())
        )

    def _of_module(self, logger: str) -> bool:
        names = (self.module, f"sereno.{self.module}")
        return any(logger == name or logger.startswith(f"{name}.") for name in names)

    def _is_about(self, name: str) -> bool:
        return name == self.about or name.endswith(f"/{self.about}") or name.startswith(f"{self.about}/")


def _named(entry: Mapping[str, Any]) -> list[str]:
    devices = entry.get("devices")
    return [str(entry[key]) for key in ABOUT if key in entry] + (devices if isinstance(devices, list) else [])


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)
