"""What befalls agents, round by round."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from .plant import AGENTS, OBSERVER

HOW = ("kill", "hang", "stop", "lose the PLC", "order")


@dataclass(frozen=True, slots=True)
class Round:
    """What befalls whom (no agent: the PLC, or all of them), whether it rains as well, and for how many seconds."""

    how: str
    agent: str = ""
    rain: bool = False
    lasts: float = 4.0
    order: tuple[str, ...] = AGENTS

    def __str__(self) -> str:
        short = self.agent.rpartition("/")[2]
        return " ".join(filter(None, (self.how, short, "in rain" if self.rain else "")))


def rounds(count: int, seed: int) -> Iterator[Round]:
    """So many of them: each way, each agent and each order in turn, the rest by chance."""
    chance = random.Random(seed)
    each = [(how, agent) for how in ("kill", "hang", "stop") for agent in AGENTS]
    ways = [*each, ("lose the PLC", ""), *(("order", "") for _ in permutations(AGENTS))]
    orders = list(permutations(AGENTS))
    for number in range(count):
        if number % len(ways) == 0:
            chance.shuffle(ways)
        how, agent = ways[number % len(ways)]
        order = orders[number % len(orders)]
        yield Round(how, agent, chance.random() < 0.5, round(chance.uniform(2.0, 6.0), 2), order)


def observing_rounds(count: int) -> Iterator[Round]:
    """So many of them: the observer first, then the other agents, each killed and hung, every other time in rain."""
    ways = [(how, agent) for agent in (OBSERVER, *AGENTS) for how in ("kill", "hang")]
    for number in range(count):
        turn, at = divmod(number, len(ways))
        yield Round(*ways[at], rain=(at + turn) % 2 == 1, lasts=3.0)
