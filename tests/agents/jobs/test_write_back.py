"""Write-back never happens on partial data: a job over a fleet, all interleavings of answers, failures and changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor
from sereno.agents.jobs import steps as job_steps
from sereno.agents.jobs.jobs import Jobs
from sereno.agents.jobs.machine import Schedule
from sereno.agents.jobs.rule import JobRule, WriteBack
from sereno.app.serve.server import DeviceServer
from sereno.device import DeviceConfig, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.http import aggregate
from sereno.drivers.http import driver as driver_module
from sereno.drivers.http import link as link_module
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import NoAnswerError, NotConnectedError, Quality, TagSpec
from sereno.testing import JumpingClock, run_jumping

ADMIN = Actor("admin", (ROLES["admin"],))
DEVICE = "fleet/gateways"
INVENTORY = "http://10.0.0.1/inventory"
BACK = WriteBack(source=f"{DEVICE}/total", target=f"{DEVICE}/goal", within=3.0)


@dataclass(frozen=True)
class Fate:
    """What a member does in one sweep: whether it belongs, answers, when, and how it takes what it is told."""

    belongs: bool
    answers: str
    delay: float
    takes: str


FATES = st.builds(
    Fate,
    belongs=st.sampled_from([True, True, True, False]),
    answers=st.sampled_from(["yes", "yes", "yes", "no", "never", "lie"]),
    delay=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
    takes=st.sampled_from(["yes", "yes", "no", "never"]),
)
STORIES = st.lists(st.lists(FATES, min_size=3, max_size=3), min_size=2, max_size=8)


@dataclass
class Gateways:
    """The members as they are told by a story, one chapter a sweep. They remember what they were told."""

    clock: JumpingClock
    story: list[list[Fate]]
    sweep: int = -1
    wrong: list[str] = field(default_factory=list)
    told: int = 0

    @property
    def fates(self) -> list[Fate]:
        return self.story[min(max(self.sweep, 0), len(self.story) - 1)]

    def value(self, sweep: int, member: int) -> int:
        """No two sets of members in any sweeps have the same sum."""
        return 1000 * (sweep + 1) + 2**member

    def right(self) -> dict[int, set[str]]:
        """Every total of a whole sweep so far, with who belonged to it."""
        found: dict[int, set[str]] = {}
        for number in range(self.sweep + 1):
            fates = self.story[min(number, len(self.story) - 1)]
            there = [n for n, fate in enumerate(fates) if fate.belongs]
            if there and all(fates[n].answers == "yes" for n in there):
                found[sum(self.value(number, n) for n in there)] = {f"m{n}" for n in there}
        return found

    async def get(self, url: str, most: int) -> bytes:
        del most
        if url == INVENTORY:
            self.sweep += 1
            return json.dumps({f"m{n}": f"m{n}.example" for n, f in enumerate(self.fates) if f.belongs}).encode()
        sweep, number = self.sweep, int(url.split("//m")[1][0])
        fate = self.fates[number]
        await self.clock.sleep(99.0 if fate.answers == "never" else fate.delay)
        if fate.answers == "no":
            raise NoAnswerError("status 500")
        return b'"7"' if fate.answers == "lie" else json.dumps(self.value(sweep, number)).encode()

    async def tell(self, method: str, url: str, body: bytes, most: int) -> int:
        del method, most
        self.told += 1
        name, value = url.split("/")[2].partition(".")[0], json.loads(body)["value"]
        if name not in self.right().get(value, set()):
            self.wrong.append(f"{name} was told {value}")
        takes = self.fates[int(name[1:])].takes
        if takes == "never":
            await self.clock.sleep(99.0)
        if takes == "no":
            raise NotConnectedError("nobody there")
        return 200

    async def close(self) -> None:
        return


def fleet() -> DeviceConfig:
    total = HttpTagConfig.model_validate({"get": "/v", "reduce": "sum", "partial": "uncertain"})
    goal = HttpTagConfig.model_validate({"write": "/goal", "total": "total"})
    tags = (
        DriverTag(TagSpec(path=f"{DEVICE}/total"), total),
        DriverTag(TagSpec(path=f"{DEVICE}/goal", access=goal.default_access), goal),
    )
    return DeviceConfig(
        path=DEVICE,
        driver=HttpDriver,
        config=HttpConfig.model_validate({"url": INVENTORY, "timeout": 1.0}),
        groups={"default": GroupConfig(0.5, 0.0)},
        tags=tuple(DeviceTag(one) for one in tags),
    )


def told(story: list[list[Fate]], defect: Callable[[pytest.MonkeyPatch], None] | None = None) -> Gateways:
    """What the members were told while a job wrote back as often as it can."""

    async def work(clock: JumpingClock) -> Gateways:
        world = Gateways(clock, story)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link_module, "HttpGetter", lambda transports: world)
            if defect is not None:
                defect(patch)
            async with DeviceServer([fleet()], Environment(clock=clock)) as server:
                rule = JobRule(name="back", steps=(BACK,), schedule=Schedule(again=0.05), writes=(BACK.target,))
                jobs = Jobs([rule], server.client(ADMIN), server.hub, Nothing())
                await jobs.start()
                await clock.sleep(1.5 * len(story) + 3.0)
                await jobs.stop()
        return world

    return run_jumping(work)


class Nothing:
    """Remembers nothing."""

    async def load(self, name: str) -> Any:
        del name

    async def keep(self, name: str, document: Any) -> None:
        del name, document
        await asyncio.sleep(0)


@settings(max_examples=60)
@given(STORIES)
def test_nobody_is_ever_told_a_total_that_is_not_one_of_a_whole_sweep(story: list[list[Fate]]) -> None:
    assert told(story).wrong == []


def test_a_whole_fleet_is_told() -> None:
    """That the test above sees something: where everybody answers, everybody is told."""
    fine = Fate(belongs=True, answers="yes", delay=0.0, takes="yes")
    world = told([[fine, fine, fine]] * 4)
    assert (world.wrong, world.told >= 9) == ([], True)


def _missing_count_as_nothing(patch: pytest.MonkeyPatch) -> None:
    """A total is called good whoever answered."""
    sorted_out = aggregate._sorted_out
    patch.setattr(aggregate, "_sorted_out", lambda config, answers: (sorted_out(config, answers)[0], {}))


def _uncertain_is_good_enough(patch: pytest.MonkeyPatch) -> None:
    """Job and driver both take the sum of those who answered."""
    for module in (job_steps, driver_module):
        patch.setattr(module, "Quality", type("Lax", (), {"GOOD": Quality.SUB_NORMAL, "WAITING": Quality.WAITING}))


@pytest.mark.parametrize("defect", [_missing_count_as_nothing, _uncertain_is_good_enough])
def test_planted_defects_are_caught(defect: Callable[[pytest.MonkeyPatch], None]) -> None:
    rules = settings(max_examples=200, phases=[Phase.generate], database=None)
    worst = find(STORIES, lambda story: bool(told(story, defect).wrong), settings=rules)
    assert told(worst).wrong == [], "and without it all is well"
