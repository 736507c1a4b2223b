"""One trial: sweeps in which gateways and the inventory lie, and every total that is good checked from outside."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from lying_plc.faults import Complaints
from sereno.device import DriverTag, Environment, Transports
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.inventory import INVENTORY_BYTES
from sereno.drivers.http.link import HttpLink
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import Clock, DeliveryError, RefusedError, SerenoError, TagSpec, severity

from .lies import INVENTORY_LIES, LIES, OWN_OF_INVENTORY
from .world import NUMBER, TOTALS, VECTOR, World

PROMISES = {
    "wrong_total": "good totals that are not what all members of the present inventory said in this sweep",
    "wrong_write": "totals told to a gateway that are not those of the whole sweep it belonged to, or twice",
    "too_much": "answers of which more was read than an answer may have",
    "late_sweeps": "sweeps that took longer than the time-outs of their inventory and of one gateway",
    "uncaught": "exceptions that nobody caught",
    "leaked": "connections left open after a sweep",
    "not_recovered": "honest sweeps without a good total",
}
TIMEOUT = 1.0
MAX_BYTES = 65_536
SLACK = 1 << 20
"""Bytes that are under way when an answer is hung up on, its head and the frames of its chunks among them."""
GRACE = 0.25
COUNT, TOTAL, HOTTEST, MARBLES = "count", "total", "hottest", "marbles"


def _tag(name: str, get: str, reduce: str, **config: Any) -> DriverTag:
    made = HttpTagConfig.model_validate({"get": get, "reduce": reduce, **config})
    return DriverTag(TagSpec(path=f"fleet/gateways/{name}", type=made.default_type, shape=made.shape), made)


ROWS = (
    _tag(COUNT, NUMBER, "count", pick="value"),
    _tag(TOTAL, NUMBER, "sum", pick="value"),
    _tag(HOTTEST, NUMBER, "max", pick="value", partial="uncertain"),
)
TOLD = HttpTagConfig.model_validate(
    {"write": f"{VECTOR}/{{i}}/{{value}}", "method": "GET", "length": 3, "total": MARBLES}
)
WRITTEN = DriverTag(TagSpec(path="fleet/gateways/told", access=TOLD.default_access, shape=TOLD.shape), TOLD)
OBJECTS = (_tag(MARBLES, VECTOR, "sum", length=3), _tag("table", NUMBER, "table", pick="value"))


@dataclass(frozen=True)
class Setting:
    """How long a trial is, and with what. `grace` seconds are for the machine. It ends when `until_broken` is."""

    sweeps: int
    clock: Clock
    transports: Transports
    seed: int = 1
    gateways: int = 12
    grace: float = GRACE
    until_broken: str = ""


@dataclass
class Trial:
    """Runs a setting. `counts` are what was broken and what was done."""

    setting: Setting
    counts: Counter[str] = field(default_factory=Counter)
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=10))

    def __post_init__(self) -> None:
        self._chance = random.Random(self.setting.seed)
        self.world = World(self.setting.gateways, self.setting.clock, self.setting.transports)
        self.complaints = Complaints()
        inventories = [("inventory", lie) for lie in (*INVENTORY_LIES, *OWN_OF_INVENTORY)]
        self._alone = [*(("gateway", lie) for lie in LIES), *inventories]
        self._chance.shuffle(self._alone)

    async def run(self) -> None:
        """All sweeps, every fifth of them honest; first each lie alone, then some of them together."""
        setting = self.setting
        self.complaints.listen(asyncio.get_running_loop())
        with self.complaints.logged():
            await self.world.start()
            environment = Environment(clock=setting.clock, transports=setting.transports)
            config = HttpConfig.model_validate(
                {"url": self.world.url, "timeout": TIMEOUT, "max_bytes": MAX_BYTES, "keep": True}
            )
            link = HttpLink(config, environment)
            await link.connect()
            driver = HttpDriver(config, link, environment)
            plan = driver.compile(ROWS, OBJECTS)
            for number in range(setting.sweeps):
                self._cast(honestly=number % 5 == 4)
                await self._sweep(driver, plan, honestly=number % 5 == 4)
                if self.figures().get(setting.until_broken):
                    break
            await link.close()
            await self.world.close()

    def figures(self) -> dict[str, int]:
        """What was counted."""
        kept = {name: self.counts[name] for name in PROMISES}
        kept["uncaught"] += self.complaints.count
        more = ("sweeps", "good_totals", "doubted", "refused", "mid_sweep_changes")
        more += ("written", "written_in_part", "not_written")
        lies = {"lies": sum(self.world.told.values()), "kinds_of_lies": len(self.world.told)}
        return {
            **kept,
            **{name: self.counts[name] for name in more},
            **lies,
            "longest_answer": self.world.longest["answer"],
        }

    def _cast(self, *, honestly: bool) -> None:
        """Who does what in the next sweep."""
        world, chance = self.world, self._chance
        world.next_sweep()
        world.honest_again()
        everybody = range(len(world.gateways))
        world.present = set(chance.sample(everybody, chance.randint(1, len(world.gateways))))
        if honestly:
            return
        if self._alone:
            who, lie = self._alone.pop()
            if who == "inventory":
                world.inventory_lie = lie
            else:
                liar = world.gateways[chance.choice(sorted(world.present))]
                liar.lie, liar.on = lie, ""
            return
        if chance.random() < 0.3:
            world.changes = set(chance.sample(everybody, chance.randint(1, len(world.gateways))))
            self.counts["mid_sweep_changes"] += 1
        if chance.random() < 0.3:
            world.inventory_lie = chance.choice((*INVENTORY_LIES, *OWN_OF_INVENTORY))
        liars = sorted(world.present)
        for number in chance.sample(liars, min(len(liars), chance.choice((0, 1, 1, 2, 5, 9)))):
            gateway = world.gateways[number]
            gateway.lie, gateway.on = chance.choice(sorted(LIES)), chance.choice(("", VECTOR, NUMBER, TOTALS))

    async def _sweep(self, driver: HttpDriver, plan: Any, *, honestly: bool) -> None:
        clock, world = self.setting.clock, self.world
        began = clock.monotonic()
        self.counts["sweeps"] += 1
        try:
            columns = await driver.scan(plan)
        except DeliveryError:
            columns = None
            self.counts["refused"] += 1
        except Exception as error:  # noqa: BLE001 - what the rig is there to find
            columns = None
            self.counts["uncaught"] += 1
            self.notes.append(f"uncaught: {error!r}")
        took = clock.monotonic() - began
        if took > 2 * TIMEOUT + self.setting.grace:
            self._broken("late_sweeps", f"{took:.2f} s")
        await clock.sleep(0.01)
        if world.open:
            self._broken("leaked", f"{world.open} open after sweep {world.turn}")
        for what, most in (("answer", 8 * MAX_BYTES), ("inventory", INVENTORY_BYTES)):
            if world.longest[what] > most + SLACK:
                self._broken("too_much", f"{world.longest[what]} bytes of an {what}")
                world.longest[what] = 0
        good = columns is not None and self._check(columns)
        if honestly and not good:
            self._broken("not_recovered", f"no good total in the honest sweep {world.turn}")
        await self._write_back(driver)

    async def _write_back(self, driver: HttpDriver) -> None:
        """Tell everybody the sum of what was honestly said, whole or not, and look at who was told what."""
        world = self.world
        expected = self._expected(world.served[-1] if world.served else None).get(MARBLES)
        vectors = [g.said[VECTOR][0] for g in world.gateways if len(g.said[VECTOR]) == 1]
        wanted = expected or tuple(float(sum(column)) for column in zip(*vectors, strict=True)) or (1.0, 2.0, 3.0)
        try:
            await driver.write(WRITTEN, wanted)
            self.counts["written"] += 1
        except RefusedError:
            self.counts["not_written"] += 1
        except SerenoError:
            self.counts["written_in_part"] += 1
        except Exception as error:  # noqa: BLE001 - what the rig is there to find
            self._broken("uncaught", repr(error))
        there = world.served[-1] if world.served else None
        for gateway in world.gateways:
            right = list(enumerate(expected))[: len(gateway.totals)] if expected and there else []
            if gateway.totals and (gateway.totals != right or there is None or gateway.number not in there):
                told = f"gateway {gateway.number} was told {gateway.totals} after sweep {world.turn}"
                self._broken("wrong_write", f"{told}, expected {right or 'nothing'}")

    def _check(self, columns: Any) -> bool:
        """True if there was a good total."""
        world = self.world
        served = world.served[-1] if world.served else None
        expected = self._expected(served)
        shown = {tag.spec.name: (columns.values[i], int(columns.quality[i])) for i, tag in enumerate(ROWS)}
        shown |= {OBJECTS[i].spec.name: (value, quality) for i, value, quality in columns.objects}
        for name, (value, quality) in shown.items():
            if severity(quality) != "good":
                self.counts["doubted"] += 1
            elif name not in expected or not _same(value, expected[name]):
                held = expected.get(name, "nothing that could be known")
                self._broken("wrong_total", f"{name} was {value!r} in sweep {world.turn}, expected {held}")
            else:
                self.counts["good_totals"] += 1
        return severity(shown[MARBLES][1]) == "good"

    def _expected(self, served: frozenset[int] | None) -> dict[str, Any]:
        """What may be good in this sweep: nothing where the inventory lied, no total where one of its members did."""
        if served is None:
            return {}
        members = [self.world.gateways[number] for number in sorted(served)]
        numbers = {g.number: g.said[NUMBER][0]["value"] for g in members if len(g.said[NUMBER]) == 1}
        vectors = [g.said[VECTOR][0] for g in members if len(g.said[VECTOR]) == 1]
        table = {f"gw{g.number:02d}": numbers.get(g.number) for g in members}
        found: dict[str, Any] = {COUNT: len(numbers), "table": json.dumps(table)}
        if len(numbers) == len(members):
            found |= {TOTAL: sum(numbers.values()), HOTTEST: max(numbers.values())}
        if len(vectors) == len(members):
            found[MARBLES] = tuple(float(sum(column)) for column in zip(*vectors, strict=True))
        return found

    def _broken(self, promise: str, words: str) -> None:
        self.counts[promise] += 1
        self.notes.append(f"{promise}: {words}")


def _same(shown: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return tuple(shown) == expected
    return bool(shown == expected)
