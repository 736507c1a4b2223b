"""Writing to every member of a fleet: once each, to whom the last sweep asked, a total only while it is good."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sereno.client import BEFORE_IT_BEGINS
from sereno.drivers.http.driver import HttpDriver
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.drivers.http.writing import orders_of
from sereno.model import Access, NoAnswerError, NotConnectedError, NotFoundError, Quality, RefusedError, TagSpec
from sereno.testing import JumpingClock, jumping
from tests.drivers.http.test_driver import DEVICE, INVENTORY, DriverTag, Site, World, site, tag

TOTAL, GOAL = f"{DEVICE}/total", f"{DEVICE}/goal"


class Told(World):
    """Members that are told something, too: `fates` by address, a status or an exception."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__(clock)
        self.told: list[tuple[str, str, bytes]] = []
        self.fates: dict[str, Any] = {}

    async def tell(self, method: str, url: str, body: bytes, most: int) -> int:
        del most
        self.told.append((method, url, body))
        fate = self.fates.get(url.split("/")[2].partition(".")[0], 200)
        if fate == "never":
            await self.clock.sleep(99.0)
        if isinstance(fate, Exception):
            raise fate
        return int(fate)


def goal(**config: Any) -> DriverTag:
    made = HttpTagConfig.model_validate({"get": "/total", "reduce": "same", "write": "/total", **config})
    spec = TagSpec(path=GOAL, access=made.default_access, shape=made.shape)
    return DriverTag(spec, made)


@asynccontextmanager
async def fleet(clock: JumpingClock, *tags: DriverTag, **config: Any) -> AsyncIterator[tuple[Site, Told]]:
    def build(world: World) -> None:
        for name, value in (("a", 1), ("b", 2), ("c", 4)):
            world.member(name, value)
            world.answers[f"http://{name}.example:8000/total"] = 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.drivers.http.test_driver.World", Told)
        async with site(clock, build, tag("total", "sum"), *tags, **config) as here:
            assert isinstance(here.world, Told)
            yield here, here.world


def written(world: Told) -> list[str]:
    return sorted(url.split("/")[2].partition(".")[0] for _, url, _ in world.told)


@jumping
async def test_a_total_goes_to_everybody_once(clock: JumpingClock) -> None:
    outcome = tag("outcome", "outcome", get="", of="goal")
    async with fleet(clock, goal(total="total"), outcome) as (here, world):
        runner = here.devices.handlers[DEVICE]
        before = runner.status().groups[0].scans
        await runner.write(GOAL, 7.0)
        assert set(world.told) == {("PUT", f"http://{n}.example:8000/total", b'{"value":7}') for n in ("a", "b", "c")}
        await clock.sleep(0.5)
        assert runner.status().groups[0].scans == before + 2, "a readback counts that began after the write"
        assert json.loads(here.sample("outcome").value) == {"a": "ok", "b": "ok", "c": "ok"}


@jumping
async def test_another_value_than_the_present_total_is_refused(clock: JumpingClock) -> None:
    async with fleet(clock, goal(total="total")) as (here, world):
        runner = here.devices.handlers[DEVICE]
        with pytest.raises(RefusedError, match=r"total is 7.0 by now, this is 6"):
            await runner.write(GOAL, 6.0)
        world.answers["http://b.example:8000/v"] = NoAnswerError("status 500")
        await here.sweep()
        with pytest.raises(RefusedError, match=r"total is not good: 1 of 3 did not answer: b"):
            await runner.write(GOAL, 7.0)
        world.inventory = NoAnswerError("status 503")
        await here.sweep()
        with pytest.raises(RefusedError, match="status 503"):
            await runner.write(GOAL, 7.0)
        assert world.told == []


@jumping
async def test_who_appeared_after_the_sweep_is_not_told_its_total(clock: JumpingClock) -> None:
    async with fleet(clock, goal(total="total")) as (here, world):
        world.member("late", 100)
        await here.devices.handlers[DEVICE].write(GOAL, 7.0)
        assert written(world) == ["a", "b", "c"]


@jumping
async def test_who_has_not_had_its_turn_is_not_told_once_it_is_barred(clock: JumpingClock) -> None:
    async with fleet(clock, goal(total="total"), in_flight=1) as (here, world):

        def check() -> None:
            if world.told:
                raise RefusedError("the interlock is false by now")

        token = BEFORE_IT_BEGINS.set(check)
        try:
            with pytest.raises(RefusedError, match=r"1 of 3 took it; b \(the interlock is false by now\), c"):
                await here.devices.handlers[DEVICE].write(GOAL, 7.0)
        finally:
            BEFORE_IT_BEGINS.reset(token)
        assert written(world) == ["a"]


@pytest.mark.parametrize(
    ("fates", "error", "words"),
    [
        ({"b": 409}, RefusedError, r"2 of 3 took it; b \(status 409\)"),
        ({"b": 504}, NoAnswerError, r"b \(status 504\)"),
        ({"b": "never"}, NoAnswerError, r"b \(no answer within 1 s\)"),
        ({"b": NoAnswerError("hung up"), "c": 409}, NoAnswerError, r"1 of 3 took it; b \(hung up\), c"),
        ({n: NotConnectedError("nobody there") for n in "abc"}, NotConnectedError, r"0 of 3 took it"),
        ({"b": NotConnectedError("nobody there")}, RefusedError, r"2 of 3 took it; b \(nobody there\)"),
    ],
)
def test_who_did_not_take_it_is_named(fates: dict[str, Any], error: type[Exception], words: str) -> None:
    @jumping
    async def story(clock: JumpingClock) -> None:
        async with fleet(clock, goal(total="total"), tag("said", "outcome", get="", of="goal")) as (here, world):
            world.fates = fates
            with pytest.raises(error, match=words):
                await here.devices.handlers[DEVICE].write(GOAL, 7.0)
            assert written(world) == ["a", "b", "c"], "never repeated"
            await here.sweep()
            assert json.loads(here.sample("said").value)["b"] != "ok"
            assert here.devices.handlers[DEVICE].status().counters["not_taken"] == len(fates)

    story()


@jumping
async def test_elements_go_one_after_another_up_to_the_first_fault(clock: JumpingClock) -> None:
    legacy = goal(get="", reduce=None, write="/compteur_bille/{i}/{value}", method="GET", length=3)
    assert legacy.spec.access is Access.WRITE
    async with fleet(clock, legacy) as (here, world):
        runner = here.devices.handlers[DEVICE]
        await runner.write(GOAL, (20.0, 21.0, 22.0))
        paths = [url.partition("8000")[2] for method, url, body in world.told if "//a." in url and method == "GET"]
        assert paths == ["/compteur_bille/0/20", "/compteur_bille/1/21", "/compteur_bille/2/22"]
        assert {body for _, _, body in world.told} == {b""}
        world.told.clear()
        world.fates = {"a": 409}
        with pytest.raises(RefusedError, match=r"2 of 3 took it; a \(status 409\)"):
            await runner.write(GOAL, (20.0, 21.0, 22.0))
        assert len(world.told) == 1 + 3 + 3


@jumping
async def test_nothing_is_sent_after_its_time(clock: JumpingClock) -> None:
    async with fleet(clock, goal(total="total"), in_flight=1) as (here, world):
        world.fates = {"a": "never"}
        with pytest.raises(NoAnswerError, match=r"a \(no answer within 1 s\), b \(its time was over before"):
            await here.devices.handlers[DEVICE].write(GOAL, 7.0, deadline=clock.monotonic() + 0.5)
        assert written(world) == ["a"]


@jumping
async def test_commands_are_told_to_everybody_and_a_sweep_is_at_once(clock: JumpingClock) -> None:
    calls = {"disconnect": {"path": "/deconnection", "method": "GET"}}
    async with fleet(clock, calls=calls) as (here, world):
        runner = here.devices.handlers[DEVICE]
        assert [command.name for command in runner.status().commands] == ["sweep", "disconnect"]
        assert await runner.call("disconnect", ()) == {"a": "ok", "b": "ok", "c": "ok"}
        assert {url.partition("8000")[2] for _, url, _ in world.told} == {"/deconnection"}
        world.fates = {"c": 404}
        with pytest.raises(RefusedError, match=r"c \(status 404\)"):
            await runner.call("disconnect", ())
        await here.sweep()
        asked, now = len(world.asked), clock.monotonic()
        await runner.call("sweep", ())
        assert len(world.asked) == asked + 3
        assert clock.monotonic() == pytest.approx(now, abs=0.01)
        with pytest.raises(NotFoundError, match="sweep, disconnect"):
            await runner.call("dance", ())
        with pytest.raises(RefusedError, match="no arguments"):
            await runner.call("sweep", (1,))


@jumping
async def test_what_is_not_the_same_everywhere_has_no_value(clock: JumpingClock) -> None:
    async with fleet(clock, goal()) as (here, world):
        assert (here.sample("goal").value, here.sample("goal").quality) == (0.0, Quality.GOOD)
        world.answers["http://b.example:8000/total"] = 5
        await here.sweep()
        assert here.reason("goal") == "not the same everywhere: b (5), the others 0"
        assert here.sample("goal").quality == Quality.BAD


def test_orders() -> None:
    whole = HttpTagConfig.model_validate({"write": "/totals", "method": "POST", "length": 2, "field": "totals"})
    assert [(one.method, one.path, one.body) for one in orders_of(whole, (1.0, 2.5))] == [
        ("POST", "/totals", b'{"totals":[1,2.5]}')
    ]
    bare = HttpTagConfig.model_validate({"write": "/total/{i}", "length": 2, "field": ""})
    assert [(one.path, one.body) for one in orders_of(bare, (1.0, 2.0))] == [("/total/0", b"1"), ("/total/1", b"2")]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"method": "GET"}, "carries its value in the path"),
        ({"write": "/t/{i}"}, "no length"),
        ({"write": "/t/{value}", "length": 2}, "does not fit into a path"),
        ({"reduce": "sum"}, "read back by reduce"),
        ({"write": "no path"}, "is no path"),
        ({"get": ""}, "go together"),
        ({"write": "", "total": "x"}, "has no write"),
        ({"of": "x"}, "go together"),
    ],
)
def test_faults_of_a_tag_that_is_written(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        HttpTagConfig.model_validate({"get": "/t", "reduce": "same", "write": "/t", **keys})


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (goal(total="nothing"), "no total of this device"),
        (goal(total="count"), "no total of this device"),
        (goal(total="vector"), "another shape"),
        (tag("said", "outcome", get="", of="total"), "no tag with write"),
    ],
)
def test_faults_between_tags(one: DriverTag, words: str) -> None:
    others = [tag("total", "sum"), tag("count", "count"), tag("vector", "sum", length=3)]
    ((at, text),) = HttpDriver.check(HttpConfig.model_validate({"url": INVENTORY}), [*others, one])
    assert (at, words in text) == (3, True), text


@pytest.mark.parametrize("calls", [{"sweep": {"path": "/x"}}, {"two words": {"path": "/x"}}, {"x": {"path": "x"}}])
def test_faults_of_commands(calls: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HttpConfig.model_validate({"url": INVENTORY, "calls": calls})
