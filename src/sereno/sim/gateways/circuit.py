"""Marbles that roll between the gateways of a fleet: their number stays what it is. Pure."""

from __future__ import annotations

import math
import random

LANES = 3


class Circuit:
    """`gateways` stations with three lanes each, and `marbles` of each lane on them."""

    def __init__(self, gateways: int, marbles: int, chance: random.Random) -> None:
        if gateways < 1 or marbles < 0:
            raise ValueError(f"{gateways} gateways with {marbles} marbles a lane, expected 1 or more, and none or more")
        self.connections = [chance.randint(0, 2) for _ in range(gateways)]
        self.totals = [[0] * LANES for _ in range(gateways)]
        self.told = [0] * gateways
        self.t = 0.0
        self._chance = chance
        self._lanes = [[0] * LANES for _ in range(gateways)]
        for lane in range(LANES):
            for _ in range(marbles):
                self._lanes[chance.randrange(gateways)][lane] += 1

    def __len__(self) -> int:
        return len(self._lanes)

    def marbles(self, gateway: int) -> list[int]:
        """How many are at a gateway, by lane."""
        return list(self._lanes[gateway])

    def temperature(self, gateway: int) -> float:
        """Of its PLC, in degrees Celsius."""
        return round(25.0 + gateway % 5 + 4.0 * math.sin(self.t / 20.0 + gateway), 2)

    def tell(self, gateway: int, lane: int, total: int) -> bool:
        """How many there are in a lane of the whole circuit; False for a lane that is none."""
        if not 0 <= lane < LANES:
            return False
        self.totals[gateway][lane] = total
        self.told[gateway] += 1
        return True

    def disconnect(self, gateway: int) -> None:
        """Everybody hangs up on its PLC."""
        self.connections[gateway] = 0

    def roll(self, seconds: float) -> None:
        """A marble of each lane rolls from where there is one to the next gateway."""
        self.t += seconds
        for lane in range(LANES):
            full = [i for i, lanes in enumerate(self._lanes) if lanes[lane]]
            if full:
                at = self._chance.choice(full)
                self._lanes[at][lane] -= 1
                self._lanes[(at + 1) % len(self._lanes)][lane] += 1
        at = self._chance.randrange(len(self._lanes))
        self.connections[at] = self._chance.randint(0, 4)
