"""What agents, simulators and other devices say, kept for who looks: the last lines of each, whatever else is said."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import count
from typing import Any

from sereno.access.actor import Actor, Right
from sereno.client import LogLine
from sereno.model import Clock, NotFoundError

KEPT = 1000
"""Lines of each agent and each simulator."""
KEPT_OF_OTHERS, OTHERS = 100, 256
"""Lines of each other device; how many of these, the ones that spoke last."""
LONGEST = 2000
"""Characters of what is kept of an event or of a field."""
_NAMES = ("agent", "simulator", "device", "link")
_SPOKEN_FOR = ("event", "level", "timestamp", "devices", *_NAMES)


class AgentLogs:
    """Implements AgentPort. `take` is called with every line that the process logs, from any thread.

    `agents` are those of whom most is kept, `devices` all that have a log.
    """

    def __init__(
        self, agents: Callable[[], Sequence[str]], clock: Clock, devices: Callable[[], Container[str]] = lambda: ()
    ) -> None:
        self._agents = agents
        self._devices = devices
        self._clock = clock
        self._lines: dict[str, deque[LogLine]] = {}
        self._others: OrderedDict[str, deque[LogLine]] = OrderedDict()
        self._lock = threading.Lock()
        self._numbers = count(clock.wall_ns() // 1000)  # who asks on after a restart gets what the new run says

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep a line that names an agent or a simulator, a device or several, or a link; below an agent is its own."""
        several = event.get("devices")
        named = several if isinstance(several, list) else [next((event[key] for key in _NAMES if event.get(key)), "")]
        if not any(named):
            return
        fields = {key: str(value)[:LONGEST] for key, value in event.items() if key not in _SPOKEN_FOR}
        line = LogLine(
            number=next(self._numbers),
            t=self._clock.wall_ns(),
            level=str(event.get("level", "info")),
            event=str(event.get("event", ""))[:LONGEST],
            fields=fields,
        )
        for name in named:
            self._keep(str(name), line)

    def _keep(self, named: str, line: LogLine) -> None:
        if agent := _nearest(named, self._agents()):
            self._lines.setdefault(agent, deque(maxlen=KEPT)).append(line)
        elif device := _nearest(named, self._devices()):
            with self._lock:
                self._others.setdefault(device, deque(maxlen=KEPT_OF_OTHERS)).append(line)
                self._others.move_to_end(device)
                while len(self._others) > OTHERS:
                    self._others.popitem(last=False)

    async def log(self, agent: str, actor: Actor, *, after: int = 0, limit: int = 200) -> list[LogLine]:
        """See AgentPort."""
        agents = self._agents()
        if not actor.may(Right.READ, agent) or (agent not in agents and agent not in self._devices()):
            known = [one for one in agents if actor.may(Right.READ, one)]
            raise NotFoundError(f"there is no agent and no device {agent!r}; agents: {', '.join(known) or 'none'}")
        kept = self._lines.get(agent) or self._others.get(agent) or ()
        lines = [line for line in tuple(kept) if line.number > after]
        return lines[-limit:] if limit else []


def _nearest(device: str, known: Container[str]) -> str:
    while device and device not in known:
        device = device.rpartition("/")[0]
    return device
