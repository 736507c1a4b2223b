"""Agents as a port: what each of them, and each other device, has said of late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError

from ._json import iso_time
from ._times import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of an agent's log. `number` grows by line, for all agents of a node; `t` is ns UTC."""

    number: int
    t: int
    level: str
    event: str
    fields: Mapping[str, str] = field(default_factory=dict)


class AgentPort(Protocol):
    """Agents of a node besides what they are as devices."""

    async def log(self, agent: str, actor: Actor, *, after: int = 0, limit: int = 200) -> list[LogLine]:
        """The newest lines with a greater number than `after`, oldest first.

        Raises NotFoundError for what is no agent, simulator or device that the actor may read.
        """


class NoAgents:
    """An AgentPort of a node without agents."""

    async def log(self, agent: str, actor: Actor, *, after: int = 0, limit: int = 200) -> list[LogLine]:
        """Raises NotFoundError."""
        del actor, after, limit
        raise NotFoundError(f"there is no agent {agent!r}; there are none")


def log_line_json(line: LogLine) -> dict[str, Any]:
    """A line."""
    named = {"number": line.number, "t": iso_time(line.t), "level": line.level, "event": line.event}
    return {**named, "fields": dict(line.fields)}


def parse_log_line(data: Mapping[str, Any]) -> LogLine:
    """The other way."""
    return LogLine(
        number=int(data["number"]),
        t=parse_time(data["t"]) if data["t"] else 0,
        level=str(data["level"]),
        event=str(data["event"]),
        fields={str(key): str(value) for key, value in data["fields"].items()},
    )
