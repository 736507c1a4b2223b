"""Commands in every kind of trouble, and the judgement of what the device really received."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from commanding.child import Child
from commanding.orders import Order, drawn, opening
from commanding.people import People
from commanding.plant import HIGHEST, Witness, marks
from sereno.model import Command, SystemClock
from sereno.sim.faults import FaultKind, ServerFault
from sereno.wire.command import encode_command

AT_ONCE = 8
KILL_EVERY = 120
DISTURB_EVERY = 10
PAUSE = 0.04
"""Seconds at most between two commands: a line that was lost needs some time to come back."""
MARGIN_NS = 250_000_000
"""A write may arrive so much after its expiry: it was sent in time, and this process was busy when it came."""
NOT_SENT = ("refused", "timed_out", "cancelled")
ZERO = (
    "double_writes",
    "late_writes",
    "writes_outside_limits",
    "without_final_state",
    "two_final_states",
    "sent_but_said_not",
    "done_but_not_sent",
    "without_second_person",
    "without_execution",
    "late_executions",
    "writes_nobody_asked_for",
)


@dataclass(slots=True)
class Asked:
    """One command and everything that was told about it."""

    command: Command
    told: list[str] = field(default_factory=list)
    people: People | None = None


class Trial:
    """Sends `count` commands to a node that is killed now and then; the first few one by one and undisturbed."""

    def __init__(self, folder: Path, count: int, seed: int, defect: str = "") -> None:
        self.count = count
        self.kills = self.replays = self.faults = 0
        self._folder, self._defect = folder, defect
        self._random = random.Random(seed)
        self._clock = SystemClock()
        self._asked: dict[int, Asked] = {}
        self._running = asyncio.Event()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """All commands to their end."""
        self.witness = Witness()
        await self.witness.start()
        self._child = Child(self._folder, self.witness.port, self._defect)
        await self._child.start()
        self._running.set()
        orders = opening()[: self.count]
        for number, order in enumerate(orders, 1):
            await self._command(number, order)
        async with asyncio.TaskGroup() as group:
            for number in range(len(orders) + 1, self.count + 1):
                await self._turns.acquire()
                await self._running.wait()
                if number % DISTURB_EVERY == 0:
                    self._disturb()
                if number % KILL_EVERY == 0:
                    await self._kill()
                await self._clock.sleep(self._random.uniform(0.0, PAUSE))
                group.create_task(self._in_turn(number, drawn(self._random)))
        self.witness.clear()
        await self._child.stop()
        await self.witness.close()

    def figures(self) -> dict[str, int]:
        """What happened, and what must be 0."""
        ends = Counter(asked.told[0] if asked.told else "none" for asked in self._asked.values())
        return {
            "commands": len(self._asked),
            **{f"ended_{state}": n for state, n in sorted(ends.items())},
            "writes_received": sum(map(len, self.witness.received.values())),
            "replays": self.replays,
            "faults": self.faults,
            "replies_lost": self.witness.lost,
            "kills": self.kills,
            **self._acts(),
            **self._broken(),
        }

    def _acts(self) -> dict[str, int]:
        people = [asked.people for asked in self._asked.values() if asked.people is not None]
        return {
            "waited_for_people": sum(bool(one.until) for one in people),
            "acts_taken": sum(len(one.taken) for one in people),
            "acts_refused": sum(one.refused for one in people),
        }

    def _broken(self) -> dict[str, int]:
        found: defaultdict[str, int] = defaultdict(int)
        received = self.witness.received
        for asked in self._asked.values():
            when = received.get(asked.command.value, [])
            found["double_writes"] += max(0, len(when) - 1)
            people = asked.people
            expires = asked.command.expires if people is None else people.expires
            found["late_writes"] += sum(t > expires + MARGIN_NS for t in when)
            if people is not None:
                found["without_second_person"] += bool(when) and people.without_second_person
                found["without_execution"] += bool(when) and people.without_execution
                found["late_executions"] += people.late_executions(MARGIN_NS)
            found["without_final_state"] += not asked.told
            found["two_final_states"] += len(set(asked.told)) > 1
            found["sent_but_said_not"] += bool(when) and asked.told[:1] != [] and asked.told[0] in NOT_SENT
            found["done_but_not_sent"] += not when and asked.told[:1] == ["done"]
        found["writes_outside_limits"] = sum(len(t) for value, t in received.items() if not 1 <= value <= HIGHEST)
        known = {asked.command.value for asked in self._asked.values()}
        found["writes_nobody_asked_for"] = sum(len(t) for value, t in received.items() if value not in known)
        return {name: found[name] for name in ZERO}

    async def _in_turn(self, number: int, order: Order) -> None:
        try:
            await self._command(number, order)
        finally:
            self._turns.release()

    async def _command(self, number: int, order: Order) -> None:
        expires = self._clock.wall_ns() + int(order.patience * 1e9)
        command = Command(
            target=order.target,
            value=order.value(number),
            actor=order.actor,
            expected=order.expected,
            expires=expires,
            key=f"command-{number}",
        )
        asked = self._asked[number] = Asked(command)
        if marks(order.target):
            asked.people = People(command, self._child, self._clock, order.steps())
        if order.held_up:
            await self._clock.sleep((expires - self._clock.wall_ns() + MARGIN_NS) / 1e9 + 0.3)
        self.witness.lose += order.lose
        acting = asyncio.create_task(asked.people.act()) if asked.people is not None else None
        await asyncio.gather(*(self._ask(asked) for _ in range(order.clicks)))
        if acting is not None:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
        if order.replay is not None:
            self.replays += 1
            await self._clock.sleep(order.replay)
            await self._ask(asked)

    async def _ask(self, asked: Asked) -> None:
        """Ask, and ask again under the same key when the node died meanwhile, as a page does."""
        envelope = json.loads(encode_command(asked.command))
        for _ in range(10):
            await self._running.wait()
            told = await self._child.ask(asked.command.actor, envelope)
            if told is not None:
                asked.told.append(told["state"])
                return
            self.replays += 1

    def _disturb(self) -> None:
        choice = self._random
        kind = choice.choice((FaultKind.SLOW, FaultKind.SLOW, FaultKind.CUT, FaultKind.GARBAGE, FaultKind.SILENT))
        self.faults += 1
        what = choice.random()
        if what < 0.4:
            self.witness.lose += 1
        elif what < 0.45:
            self.witness.inject(ServerFault(FaultKind.RESTART, 0.2))
        else:
            self.witness.inject(ServerFault(kind, choice.uniform(0.1, 0.6)), requests=1)

    async def _kill(self) -> None:
        self._running.clear()
        await self._child.kill()
        self.kills += 1
        self.witness.clear()
        await self._child.start()
        self._running.set()
