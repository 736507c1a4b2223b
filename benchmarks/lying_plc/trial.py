"""One trial: episodes of lies, an honest spell after each, and the promises checked from outside all the while."""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.model import SerenoError
from sereno.sim.lying_lies import GREETINGS, names

from .faults import Complaints
from .plant import PLANT, WRITABLE, Unit
from .site import Ground, Site

PROMISES = {
    "wrong_good": "values of good quality that the device did not hold",
    "old_good": "values still good after their group has been silent for longer than stale_after",
    "false_done": "writes taken for done without a valid confirmation",
    "reused": "requests on a connection after a time-out or a lie",
    "leaked_sockets": "connections left open",
    "uncaught": "exceptions that nobody caught",
    "not_recovered": "groups that did not come back after a lie",
}
_VIEWER = Actor("rig", (ROLES["viewer"],))
_ENOUGH = 3
_LONGEST = 30


@dataclass(frozen=True)
class Setting:
    """How long a trial is, and with what. It ends when `until_broken` is; `progress` is told after every episode."""

    ground: Ground
    transactions: int
    seed: int = 0
    units: Sequence[Unit] = PLANT
    lies: Sequence[str] = field(default_factory=names)
    until_broken: str = ""
    progress: Callable[[Trial], None] = lambda _: None


@dataclass(frozen=True)
class Episode:
    """Lies for a while: until `transactions` more and each single lie was told often enough."""

    name: str
    lies: Mapping[str, float]
    transactions: int


class Trial:
    """Runs a setting. `broken` says which promises were broken, and how often."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.site = Site(setting.ground, setting.units, setting.seed)
        self.complaints = Complaints()
        self.counts: Counter[str] = Counter()
        self.slowest = ("", 0.0)
        self.notes: list[str] = []
        self._random = random.Random(setting.seed)
        self._clock, self._pace = setting.ground.clock, setting.ground.pace
        self._lost_for_good = False

    async def run(self) -> None:
        """From the first connection to the last."""
        self.complaints.listen(asyncio.get_running_loop())
        with self.complaints.logged():
            await self.site.start()
            helpers = [asyncio.create_task(self.site.hub.run_freshness()), asyncio.create_task(self._watch())]
            helpers += [asyncio.create_task(self._write(p)) for p, unit in self.site.units.items() if unit.written]
            try:
                for episode in self._episodes():
                    await self._play(episode)
                    self.setting.progress(self)
                    if self._lost_for_good or self.setting.until_broken in self.broken():
                        break
            finally:
                for task in helpers:
                    task.cancel()
                await asyncio.gather(*map(self._ended, helpers))
                self.counts["leaked_sockets"] += await self.site.stop()

    def broken(self) -> dict[str, int]:
        """The promises that were broken, by name."""
        return {name: count for name, count in self._promises().items() if count}

    def _promises(self) -> dict[str, int]:
        counts = {name: self.counts[name] for name in PROMISES}
        counts["wrong_good"] += self.site.found.wrong_good
        counts["reused"] += self.site.witness.counters["reused"]
        counts["uncaught"] += self.complaints.count
        return counts

    def figures(self) -> dict[str, Any]:
        """What was counted."""
        site = self.site
        sums = site.counters()
        return {
            "transactions": site.transactions,
            **self._promises(),
            "undetectable": site.found.undetectable,
            "values_checked": site.found.good,
            "batches": site.found.batches,
            "writes": self.counts["writes"],
            "writes_confirmed": self.counts["writes_confirmed"],
            "episodes": self.counts["episodes"],
            "lies_told": sum(site.liar.told.values()),
            "lies": {name: site.liar.told[name] for name in names()},
            "connections": site.witness.counters["connections"],
            "drops": sums["drops"],
            "reconnects": max(0, sums["connects"] - sums["links"]),
            "timeouts": sums["timeouts"],
            "reordered": sums["reordered"],
            "slowest_recovery_s": round(self.slowest[1], 3),
            "slowest_recovery_after": self.slowest[0],
        }

    def explain(self) -> list[str]:
        """The first examples of what was broken, a line each."""
        wrong = [
            f"wrong_good: {w.tag} showed {w.shown!r}, held {w.held!r}: {w.why} (t={w.t:.3f} s)"
            for w in self.site.found.wrong
        ]
        reused = [f"reused: {r.reason} (t={r.t:.3f} s)" for r in self.site.witness.reused]
        uncaught = [f"uncaught: {text}" for text in self.complaints.texts]
        return [*wrong[:5], *reused[:5], *uncaught[:5], *self.notes[:5]]

    # the episodes

    def _episodes(self) -> Iterator[Episode]:
        """Each lie alone, then mixtures, until there are enough transactions."""
        singles = list(self.setting.lies)
        self._random.shuffle(singles)
        goal = self.setting.transactions
        for name in singles:
            if self.site.transactions >= goal:
                return
            greeting = name in GREETINGS
            lies = {name: 0.7, "reset": 0.1} if greeting else {name: self._random.choice((0.05, 0.1, 0.3))}
            yield Episode(name, lies, 20)
        while self.site.transactions < goal:
            chosen = self._random.sample(list(self.setting.lies), min(len(singles), self._random.randint(1, 6)))
            lies = {name: self._random.choice((0.005, 0.02, 0.1, 0.3)) for name in chosen}
            yield Episode("+".join(sorted(chosen)), lies, self._random.randint(100, 800))

    async def _play(self, episode: Episode) -> None:
        site, clock = self.site, self._clock
        told, goal = Counter(site.liar.told), site.transactions + episode.transactions
        until = clock.monotonic() + _LONGEST * self._pace.patience
        site.liar.set(episode.lies)
        single = episode.name if episode.name in episode.lies else ""

        def enough() -> bool:
            return site.transactions >= goal and (not single or site.liar.told[single] - told[single] >= _ENOUGH)

        while not enough() and clock.monotonic() < until:
            await clock.sleep(self._pace.fast)
        site.liar.honest()
        self.counts["episodes"] += 1
        await self._recover(episode.name)

    async def _recover(self, name: str) -> None:
        """Every group must publish two complete scans again, on one connection a server."""
        clock, checks = self._clock, self.site.checks
        began = clock.monotonic()
        wanted = {(p, g): c.complete[g] + 2 for p, c in checks.items() for g in c.groups}

        def missing() -> list[str]:
            return [f"{p}/{g}" for (p, g), count in wanted.items() if checks[p].complete[g] < count]

        while missing():
            if clock.monotonic() - began > self._pace.recovery:
                self.counts["not_recovered"] += len(missing())
                self.notes.append(f"not_recovered: {', '.join(missing())} after {name}")
                self._lost_for_good = True
                return
            await clock.sleep(self._pace.fast)
        took = clock.monotonic() - began
        self.slowest = max(self.slowest, (name, took), key=lambda pair: pair[1])
        self.counts["leaked_sockets"] += await self.site.surplus(1)

    # beside the episodes

    async def _write(self, path: str) -> None:
        """Set-points all the time, each with a value of its own; what counts as done must have been confirmed."""
        device, unit, port = self.site.device(path), self.site.units[path].unit, self.site.port_of(path)
        number = 0
        while True:
            await self._clock.sleep(self._pace.fast * self._random.uniform(1.0, 4.0))
            number = number % 65535 + 1
            name, kind, address = WRITABLE[number % len(WRITABLE)]
            since = self.site.witness.counters["requests"]
            value, pdu = _write_of(kind, int(address.partition(":")[2]), number)
            self.counts["writes"] += 1
            try:
                await device.write(f"{path}/{name}", value)
            except SerenoError:
                continue
            self.counts["writes_confirmed"] += 1
            if not self.site.witness.confirmed(port, unit, pdu, since):
                self.counts["false_done"] += 1
                self.notes.append(f"false_done: {path}/{name} = {value}")

    async def _watch(self) -> None:
        """What is still good in the live table must have been heard of lately."""
        margin = 6 * self._pace.slack
        while True:
            await self._clock.sleep(self._pace.patience / 2)
            for path, check in self.site.checks.items():
                now, config = self._clock.monotonic(), self.site.device(path).config
                ages = {group: now - t for group, t in check.published.items()}
                old = {group for group, age in ages.items() if age > config.stale_after_of(group) + margin}
                for reading in await self.site.hub.read([f"{path}/*"], _VIEWER) if old else ():
                    if not reading.quality >> 14 and check.group_of.get(reading.tag.path) in old:
                        self.counts["old_good"] += 1

    async def _ended(self, helper: asyncio.Task[None]) -> None:
        try:
            await helper
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever ended a helper is what is looked for
            self.complaints.count += 1
            self.complaints.texts.append(f"{error!r} out of a write or the hub")


def _write_of(kind: str, address: int, number: int) -> tuple[Any, bytes]:
    """A value, and the request that must be confirmed for it (FC 6, 16 or 5)."""
    if kind == "uint16":
        return number, struct.pack(">BHH", 6, address, number)
    if kind == "uint32":
        return number << 8, struct.pack(">BHHBI", 16, address, 2, 4, number << 8)
    return bool(number & 1), struct.pack(">BHH", 5, address, 0xFF00 if number & 1 else 0)
