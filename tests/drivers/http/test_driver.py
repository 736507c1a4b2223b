"""Sweeps on a jumping clock, over members that answer, fail, lie and change in the middle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.drivers.http import link as module
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import Access, NoAnswerError, Quality, RefusedError, TagSpec, severity
from sereno.testing import JumpingClock, RecordingIngest, Sample, jumping, run_jumping

DEVICE = "fleet/gateways"
INVENTORY = "http://10.0.0.1/inventory"


class World:
    """Members by address. What one does when asked is a function or the bytes that it answers."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.inventory: Any = {}
        self.answers: dict[str, Any] = {}
        self.delays: dict[str, float] = {}
        self.asked: list[str] = []
        self.under_way = self.most_under_way = 0

    def member(self, name: str, answer: Any, delay: float = 0.0, path: str = "/v") -> None:
        host = f"{name}.example"
        self.inventory[name] = host
        self.answers[f"http://{host}:8000{path}"] = answer
        self.delays[f"http://{host}:8000{path}"] = delay

    async def get(self, url: str, most: int) -> bytes:
        if url == INVENTORY:
            if isinstance(self.inventory, Exception):
                raise self.inventory
            return json.dumps(self.inventory).encode()
        self.asked.append(url)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.clock.sleep(self.delays.get(url, 0.0))
        finally:
            self.under_way -= 1
        answer = self.answers.get(url, NoAnswerError("status 404"))
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    async def close(self) -> None:
        return


def tag(name: str, reduce: str, **config: Any) -> DriverTag:
    made = HttpTagConfig.model_validate({"get": "/v", "reduce": reduce, **config})
    return DriverTag(TagSpec(path=f"{DEVICE}/{name}", type=made.default_type, shape=made.shape), made)


class Site:
    def __init__(self, world: World, ingest: RecordingIngest, devices: DeviceSet) -> None:
        self.world, self.ingest, self.devices = world, ingest, devices

    async def sweep(self, seconds: float = 10.0) -> None:
        """Until one that begins from now on is over."""
        await self.world.clock.sleep(seconds)

    def sample(self, name: str) -> Sample:
        found = self.ingest.latest(f"{DEVICE}/{name}")
        assert found is not None
        return found

    def reason(self, name: str) -> str:
        return self.ingest.reasons.get(f"{DEVICE}/{name}", "")


@asynccontextmanager
async def site(
    clock: JumpingClock, build: Callable[[World], None], *tags: DriverTag, **config: Any
) -> AsyncIterator[Site]:
    world, ingest = World(clock), RecordingIngest(clock)
    build(world)
    who = {} if "members" in config else {"url": INVENTORY}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HttpGetter", lambda transports: world)
        device = DeviceConfig(
            path=DEVICE,
            driver=HttpDriver,
            config=HttpConfig.model_validate({"timeout": 1.0, **who, **config}),
            groups={"default": GroupConfig(5.0, 0.0)},
            tags=tuple(DeviceTag(one) for one in tags),
        )
        async with DeviceSet([device], ingest, Environment(clock=clock)) as devices:
            here = Site(world, ingest, devices)
            await here.sweep()
            yield here


def three(world: World) -> None:
    for name, value in (("a", 1), ("b", 2.5), ("c", -4)):
        world.member(name, {"value": value})


@jumping
async def test_totals_when_everybody_answers(clock: JumpingClock) -> None:
    kinds = ("sum", "min", "max", "mean", "count", "missing", "table")
    async with site(clock, three, *(tag(one, one, pick="value") for one in kinds)) as here:
        found = [here.sample(one).value for one in kinds[:-1]]
        assert found == [-0.5, -4.0, 2.5, -0.5 / 3, 3, 0]
        assert json.loads(here.sample("table").value) == {"a": 1.0, "b": 2.5, "c": -4.0}
        assert {here.sample(one).quality for one in kinds} == {0}
        assert here.ingest.batches[-1].complete
        assert here.devices.handlers[DEVICE].status().counters["members"] == 3


@jumping
async def test_vectors_are_reduced_element_by_element(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        world.member("a", [1, 2, 3])
        world.member("b", [10, 20, 30])

    tags = tag("total", "sum", length=3), tag("second", "max", length=3, element=1), tag("all", "table", length=3)
    async with site(clock, build, *tags) as here:
        assert here.sample("total").value == (11.0, 22.0, 33.0)
        assert here.sample("second").value == 20.0
        assert json.loads(here.sample("all").value) == {"a": [1.0, 2.0, 3.0], "b": [10.0, 20.0, 30.0]}


@jumping
async def test_one_that_is_missing_spoils_the_total_and_is_named(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        three(world)
        world.answers["http://b.example:8000/v"] = NoAnswerError("status 500")

    tags = (tag("total", "sum", pick="value"), tag("about", "sum", pick="value", partial="uncertain"),
            tag("count", "count", pick="value"), tag("missing", "missing", pick="value"))  # fmt: skip
    async with site(clock, build, *tags) as here:
        assert severity(here.sample("total").quality) == "bad"
        assert here.reason("total") == "1 of 3 did not answer: b (status 500)"
        assert (here.sample("about").value, here.sample("about").quality) == (-3.0, Quality.SUB_NORMAL)
        assert (here.sample("count").value, here.sample("missing").value) == (2, 1)
        assert here.sample("count").quality == 0
        assert not here.ingest.batches[-1].complete
        here.world.answers["http://b.example:8000/v"] = {"value": 2.5}
        await here.sweep()
        assert (here.sample("total").value, here.sample("total").quality) == (-0.5, 0)
        assert here.reason("total") == ""


@jumping
async def test_a_slow_member_costs_its_own_time_only(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        for n in range(50):
            world.member(f"m{n}", n, delay=100.0 if n < 10 else 0.1)

    async with site(clock, build, tag("count", "count")) as here:
        assert here.sample("count").value == 40
        duration = here.devices.handlers[DEVICE].status().groups[0].last_duration
        assert duration == pytest.approx(1.0, abs=0.01)


@jumping
async def test_only_so_many_are_asked_at_a_time(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        for n in range(30):
            world.member(f"m{n}", n, delay=0.1)

    async with site(clock, build, tag("count", "count"), in_flight=7) as here:
        assert here.world.most_under_way == 7
        assert here.sample("count").value == 30


@jumping
async def test_a_member_that_appears_in_mid_sweep_is_of_the_next_one(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        world.member("a", 1)

        def appear() -> int:
            world.member("b", 10)
            return 1

        world.answers["http://a.example:8000/v"] = appear

    async with site(clock, build, tag("total", "sum"), tag("count", "count")) as here:
        first = here.ingest.batches[0]
        assert sorted(first.values.tolist()) == [1.0, 1.0]
        assert first.complete
        assert (here.sample("total").value, here.sample("count").value) == (11.0, 2)


@jumping
async def test_members_come_and_go_without_a_restart(clock: JumpingClock) -> None:
    async with site(clock, three, tag("count", "count", pick="value"), tag("total", "sum", pick="value")) as here:
        del here.world.inventory["c"]
        await here.sweep()
        assert (here.sample("count").value, here.sample("total").value) == (2, 3.5)
        here.world.inventory.clear()
        await here.sweep()
        assert here.sample("count").value == 0
        assert here.reason("total") == "the inventory names nobody"
        here.world.inventory = NoAnswerError("status 503")
        seen = len(here.ingest.batches)
        await here.sweep()
        assert len(here.ingest.batches) == seen
        assert "status 503" in here.devices.handlers[DEVICE].status().last_error


FATES = ("answer", "fail", "lie", "never")
LIES = (b"", b"null", b"true", b'"7"', b"[1,2]", b"{}", b"1e999", b"NaN", b"[" * 3000, b"<html>", b"7 7")


@jumping
async def test_what_is_no_answer_never_counts(clock: JumpingClock) -> None:
    def build(world: World) -> None:
        world.member("good", 1)
        for n, lie in enumerate(LIES):
            world.member(f"liar{n}", lie)

    async with site(
        clock, build, tag("count", "count"), tag("total", "sum"), tag("sure", "max", partial="uncertain")
    ) as here:
        assert here.sample("count").value == 1
        assert severity(here.sample("total").quality) == "bad"
        assert f"{len(LIES)} of {len(LIES) + 1} did not answer" in here.reason("total")
        assert "and 6 more" in here.reason("total")
        assert here.sample("sure").value == 1.0


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["answer", "fail", "lie", "never"]), st.floats(0, 0.9)), min_size=1, max_size=8)
)
def test_a_total_is_good_if_and_only_if_everybody_answered(fates: list[tuple[str, float]]) -> None:
    """Over all interleavings of answers and failures."""
    values = [2**n for n in range(len(fates))]
    answers = {"fail": NoAnswerError("no"), "lie": b"?", "never": 0}

    def build(world: World) -> None:
        for n, (fate, delay) in enumerate(fates):
            answer = values[n] if fate == "answer" else answers[fate]
            world.member(f"m{n}", answer, delay=99.0 if fate == "never" else delay)

    async def work(clock: JumpingClock) -> None:
        async with site(clock, build, tag("total", "sum"), tag("count", "count")) as here:
            everybody = all(fate == "answer" for fate, _ in fates)
            total = here.sample("total")
            assert (total.quality == 0) is everybody
            if everybody:
                assert total.value == sum(values)
            assert here.sample("count").value == sum(fate == "answer" for fate, _ in fates)

    run_jumping(work)


@jumping
async def test_the_inventory_of_a_file_and_of_the_plant_file(clock: JumpingClock, tmp_path: Path) -> None:
    file = tmp_path / "members.json"
    file.write_text('{"a": "a.example"}', encoding="utf-8")
    count = tag("count", "count", pick="value")
    async with site(clock, three, count, url=f"file:{file}") as here:
        assert here.sample("count").value == 1
    async with site(clock, three, count, members={"a": "a.example", "b": "b.example"}) as here:
        assert here.sample("count").value == 2
    async with site(clock, three, count, url=f"file:{tmp_path / 'none'}") as here:
        assert "cannot be read" in here.devices.handlers[DEVICE].status().last_error


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (DriverTag(TagSpec(path="d/a", access=Access.READ_WRITE), tag("a", "sum").config), "cannot be written"),
        (DriverTag(TagSpec(path="d/a"), tag("a", "table").config), "table gives string"),
    ],
)
def test_faults_that_show_without_members(one: DriverTag, words: str) -> None:
    ((_, text),) = HttpDriver.check(HttpConfig.model_validate({"url": INVENTORY}), [one])
    assert words in text


@pytest.mark.parametrize("keys", [{"get": "x"}, {"get": "//a b"}, {"reduce": "median"}, {"element": 1},
                                  {"element": 3, "length": 3}, {"pick": "a..b"}, {"length": 0}])  # fmt: skip
def test_faults_of_a_tag(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HttpTagConfig.model_validate({"get": "/v", "reduce": "sum", **keys})


@pytest.mark.parametrize("keys", [{"url": "members.json"}, {"url": "ftp://x"}, {"members": {"a": "no host"}}, {},
                                  {"url": INVENTORY, "members": {"a": "host"}}])  # fmt: skip
def test_faults_of_a_fleet(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HttpConfig.model_validate(keys)


@jumping
async def test_nothing_can_be_written(clock: JumpingClock) -> None:
    async with site(clock, three, tag("count", "count")) as here:
        with pytest.raises(RefusedError):
            await here.devices.handlers[DEVICE].write(f"{DEVICE}/count", 1)
    await asyncio.sleep(0)
