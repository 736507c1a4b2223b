"""What agents say, kept for who looks: the last lines of each, whatever else the node writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

from sereno.access.actor import Actor, Right
from sereno.client import LogLine
from sereno.model import Clock, NotFoundError

KEPT = 1000
"""Lines of each agent."""
LONGEST = 2000
"""Characters of what is kept of an event or of a field."""
_SPOKEN_FOR = ("event", "level", "timestamp", "device", "agent", "link")


class AgentLogs:
    """Implements AgentPort. `take` is called with every line that the process logs, from any thread."""

    def __init__(self, agents: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._agents = agents
        self._clock = clock
        self._lines: dict[str, deque[LogLine]] = {}
        self._numbers = count(clock.wall_ns() // 1000)  # who asks on after a restart gets what the new run says

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep a line that names an agent, a device below one, or its link."""
        agent = self._whose(str(event.get("agent") or event.get("device") or event.get("link") or ""))
        if not agent:
            return
        fields = {key: str(value)[:LONGEST] for key, value in event.items() if key not in _SPOKEN_FOR}
        line = LogLine(
            number=next(self._numbers),
            t=self._clock.wall_ns(),
            level=str(event.get("level", "info")),
            event=str(event.get("event", ""))[:LONGEST],
            fields=fields,
        )
        self._lines.setdefault(agent, deque(maxlen=KEPT)).append(line)

    async def log(self, agent: str, actor: Actor, *, after: int = 0, limit: int = 200) -> list[LogLine]:
        """See AgentPort."""
        known = [one for one in self._agents() if actor.may(Right.READ, one)]
        if agent not in known:
            raise NotFoundError(f"there is no agent {agent!r}; there are: {', '.join(known) or 'none'}")
        lines = [line for line in tuple(self._lines.get(agent, ())) if line.number > after]
        return lines[-limit:] if limit else []

    def _whose(self, device: str) -> str:
        known = set(self._agents())
        while device and device not in known:
            device = device.rpartition("/")[0]
        return device
