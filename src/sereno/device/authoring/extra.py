"""Extra: what a device has beyond its class, and what of it the framework does not know yet."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from .plan import HEARTBEAT, PlannedCommand, PlannedScan, PlannedTag
from .values import Values


@dataclass(slots=True)
class Changes:
    """What came and went since the framework looked last. `scans` by group name, those of `added` tags."""

    added: list[PlannedTag] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    scans: dict[str, PlannedScan] = field(default_factory=dict)
    commands: bool = False


class Extra:
    """Keeps `tags` and `commands` of a device up. Any thread."""

    def __init__(self, values: Values, tags: dict[str, PlannedTag], commands: dict[str, PlannedCommand]) -> None:
        self._values = values
        self._tags = tags
        self._commands = commands
        self._lock = threading.Lock()
        self._changes = Changes()
        self._rounds = 0

    def add_tag(self, tag: PlannedTag, period: float) -> None:
        """One more, in a group with those that come with it; nothing happens for one that is there as it is."""
        with self._lock:
            known = self._tags.get(tag.name)
            if known is not None:
                if (known.spec, known.options) == (tag.spec, tag.options):
                    self._tags[tag.name] = self._values.renewed(replace(tag, group=known.group))
                    return
                self._remove(tag.name)
            seconds = HEARTBEAT if tag.held else period
            group = f"added_{self._rounds}" if tag.held else f"added_{self._rounds}_every_{period:g}s"
            tag = replace(tag, group=group)
            self._changes.scans[group] = PlannedScan(group, seconds, 0.0 if tag.held else None)
            self._changes.added.append(tag)
            self._tags[tag.name] = tag
            self._values.add(tag)

    def remove_tag(self, name: str) -> None:
        """One less."""
        with self._lock:
            self._remove(name)

    def add_command(self, command: PlannedCommand) -> None:
        """One more, or another under the same name."""
        with self._lock:
            self._commands[command.name] = command
            self._changes.commands = True

    def remove_command(self, name: str) -> None:
        """One less."""
        with self._lock:
            del self._commands[name]
            self._changes.commands = True

    def take(self) -> Changes:
        """What came and went since the last time."""
        with self._lock:
            found, self._changes = self._changes, Changes()
            self._rounds += 1
            return found

    def _remove(self, name: str) -> None:
        del self._tags[name]
        self._values.drop(name)
        waiting = [tag for tag in self._changes.added if tag.name == name]
        if waiting:
            self._changes.added.remove(waiting[0])
        else:
            self._changes.removed.append(name)
