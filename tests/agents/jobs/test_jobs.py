"""Jobs over real devices on a jumping clock: steps, rights, what is kept, what starts them, never two at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.agents.jobs.jobs import Jobs, job_alarms
from sereno.agents.jobs.machine import Schedule
from sereno.agents.jobs.rule import Call, Check, ColumnRule, JobRule, Notify, Read, Wait, WriteBack
from sereno.app.serve.server import DeviceServer
from sereno.client import Client, JobRun
from sereno.device import DeviceConfig, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.expression.compiler import compile_expression
from sereno.model import Access, AckState, Quality, TagSpec, ValueType
from sereno.store.errors import StoreError
from sereno.testing import JumpingClock, MemoryConfig, MemoryPlant, MemoryTagConfig, jumping

ADMIN = Actor("admin", (ROLES["admin"],))
TOTAL, GOAL, WHO = "fleet/all/total", "fleet/all/goal", "fleet/all/who"
BACK = WriteBack(source=TOTAL, target=GOAL)


class Documents:
    """Kept in memory, as text, as they would be on a disk."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}

    async def load(self, name: str) -> Any:
        return msgspec.json.decode(self.texts[name]) if name in self.texts else None

    async def keep(self, name: str, document: Any) -> None:
        await asyncio.sleep(0)
        self.texts[name] = msgspec.json.encode(document)


def config(plant: MemoryPlant) -> DeviceConfig:
    specs = (
        TagSpec(path=TOTAL),
        TagSpec(path=GOAL, access=Access.READ_WRITE),
        TagSpec(path=WHO, type=ValueType.STRING),
    )
    tags = tuple(DeviceTag(DriverTag(s, MemoryTagConfig(address=s.name)), "default") for s in specs)
    groups = {"default": GroupConfig(1.0)}
    return DeviceConfig(path="fleet/all", driver=plant.driver, config=MemoryConfig(), tags=tags, groups=groups)


@dataclass
class House:
    """A device, its jobs and who looks at them."""

    clock: JumpingClock
    plant: MemoryPlant
    server: DeviceServer
    client: Client
    documents: Documents
    jobs: Jobs

    @property
    def writes(self) -> int:
        return self.plant.unit().log.count(("write", "goal"))

    async def order(self, act: str, name: str = "watch") -> tuple[AckState, str]:
        ack = await self.client.call(f"jobs/{name}", act)
        return ack.state, ack.reason

    async def runs(self, name: str = "watch") -> tuple[JobRun, ...]:
        return (await self.jobs.job(name, ADMIN)).runs

    async def one(self, name: str = "watch") -> JobRun:
        """Ask for a run and wait for its end."""
        before = len(await self.runs(name))
        assert (await self.order("run", name))[0] is AckState.DONE
        while len(await self.runs(name)) == before:
            await self.clock.sleep(0.1)
        return (await self.runs(name))[0]


def rule(*steps: Any, **more: Any) -> JobRule:
    return JobRule(**{"name": "watch", "steps": steps, "writes": (GOAL,), "calls": ("fleet/all",), **more})


@asynccontextmanager
async def house(clock: JumpingClock, *rules: JobRule, documents: Documents | None = None) -> AsyncIterator[House]:
    plant, kept = MemoryPlant(), documents or Documents()
    plant.unit().values = {"total": 7.0, "goal": 0.0, "who": '{"a": 3, "b": null}'}
    async with DeviceServer([config(plant)], Environment(clock=clock)) as server:
        client = server.client(ADMIN)
        jobs = Jobs(rules, client, server.hub, kept)
        for path, handler in jobs.handlers.items():
            server.router.register(path, handler)
        await server.ready(ADMIN)
        await jobs.start()
        try:
            yield House(clock, plant, server, client, kept, jobs)
        finally:
            await jobs.stop()


@jumping
async def test_a_total_is_written_back_and_told_step_by_step(clock: JumpingClock) -> None:
    steps = (Read(tags=(TOTAL, WHO)), Check(that=f"{TOTAL} > 5", inputs=(TOTAL,)), BACK)
    async with house(clock, rule(*steps, table=(ColumnRule(WHO, TOTAL, "Marbles"),))) as site:
        run = await site.one()
        assert (run.outcome, run.reason, run.why, run.by) == ("done", "", "asked", "admin")
        assert [(step.do, step.state) for step in run.steps] == [("read", "ok"), ("check", "ok"), ("write_back", "ok")]
        assert site.plant.unit().values["goal"] == 7.0
        assert "7 of fleet/all/total, sweep at 2026-01-01T00:00:" in run.steps[2].words
        (column,) = (await site.jobs.job("watch", ADMIN)).table
        assert (column.title, column.value, column.by_member) == ("Marbles", 7.0, {"a": 3, "b": None})
        told = {one.tag.name: one.value for one in await site.client.read("jobs/watch")}
        assert (told["runs"], told["outcome"], told["state"]) == (1, "done", "waiting")


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.SUB_NORMAL, Quality.UNCERTAIN])
def test_nothing_is_written_from_a_value_that_is_not_good(quality: int) -> None:
    @jumping
    async def story(clock: JumpingClock) -> None:
        async with house(clock, rule(BACK)) as site:
            site.plant.unit().quality["total"] = quality
            run = await site.one()
            assert (run.outcome, site.writes) == ("failed", 0)
            assert "nothing is written" in run.reason

    story()


@jumping
async def test_a_substituted_value_is_not_written(clock: JumpingClock) -> None:
    async with house(clock, rule(BACK)) as site:
        site.plant.unit().quality["total"] = Quality.SUBSTITUTED
        assert "substituted" in (await site.one()).reason
        assert site.writes == 0


@jumping
async def test_a_value_of_before_the_run_does_not_count(clock: JumpingClock) -> None:
    async with house(clock, rule(replace(BACK, within=5.0))) as site:
        await clock.sleep(3.0)
        site.plant.unit().silent = True
        run = await site.one()
        assert (run.outcome, site.writes) == ("failed", 0)
        assert "no new value within 5 s" in run.reason


@jumping
async def test_what_it_may_not_it_does_not(clock: JumpingClock) -> None:
    async with house(clock, rule(BACK, writes=("fleet/all/other",))) as site:
        run = await site.one()
        assert (run.outcome, site.writes) == ("failed", 0)
        assert "denied" in run.reason


@jumping
async def test_a_step_that_may_fail_warns_and_the_next_is_done(clock: JumpingClock) -> None:
    steps = (Check(that=f"{TOTAL} > 99", inputs=(TOTAL,), warn=True), Wait(seconds=2.0), BACK)
    async with house(clock, rule(*steps)) as site:
        run = await site.one()
        assert run.outcome == "warned"
        assert run.reason == f"step 1 (check): not so: {TOTAL} > 99 ({TOTAL} 7)"
        assert [step.state for step in run.steps] == ["warned", "ok", "ok"]
        assert run.seconds > 2.0


@jumping
async def test_it_waits_for_an_expression(clock: JumpingClock) -> None:
    waiting = Wait(seconds=30.0, until=f"{TOTAL} > 8", inputs=(TOTAL,))
    async with house(clock, rule(waiting)) as site:
        await site.order("run")
        await clock.sleep(10.0)
        assert (await site.client.get("jobs/watch/state")).value == "running"
        assert (await site.jobs.jobs(ADMIN))[0].under_way == 1
        assert await site.order("run") == (
            AckState.FAILED,
            "device refused: watch runs already, and never twice at once",
        )
        site.plant.unit().values["total"] = 9.0
        await clock.sleep(3.0)
        assert [run.outcome for run in await site.runs()] == ["done"]


@jumping
async def test_a_run_has_its_time_and_can_be_stopped(clock: JumpingClock) -> None:
    rules = rule(Wait(seconds=60.0), timeout=10.0), rule(Wait(seconds=60.0), name="long")
    async with house(clock, *rules) as site:
        run = await site.one()
        assert (run.outcome, run.reason) == ("timed_out", "not over within 10 s, it was at step 1 (wait)")
        assert (await site.jobs.jobs(ADMIN))[1].failed == 1
        await site.order("run", "long")
        await clock.sleep(1.0)
        assert (await site.order("stop", "long"))[0] is AckState.DONE
        assert [run.outcome for run in await site.runs("long")] == ["stopped"]
        assert (await site.order("stop", "long"))[0] is AckState.FAILED


@jumping
async def test_on_an_interval_again_and_on_change(clock: JumpingClock) -> None:
    often = Read(tags=(TOTAL,))
    rules = (
        rule(often, schedule=Schedule(every=10.0)),
        rule(often, name="again", schedule=Schedule(again=4.0)),
        rule(often, name="news", on_change=(TOTAL,)),
    )
    async with house(clock, *rules) as site:
        await clock.sleep(35.0)
        assert [(run.why, run.by) for run in await site.runs()] == [("interval", "")] * 4
        assert 5 <= len(await site.runs("again")) <= 9
        assert await site.runs("news") == ()
        site.plant.unit().values["total"] = 8.0
        await clock.sleep(4.0)
        assert [run.why for run in await site.runs("news")] == ["change"]


@jumping
async def test_paused_and_counted_over_a_restart(clock: JumpingClock) -> None:
    documents, plan = Documents(), rule(Read(tags=(TOTAL,)), schedule=Schedule(every=10.0))
    async with house(clock, plan, documents=documents) as site:
        await clock.sleep(15.0)
        assert len(await site.runs()) == 2
        await site.order("pause")
        await clock.sleep(30.0)
        assert len(await site.runs()) == 2
    async with house(clock, plan, documents=documents) as site:
        await clock.sleep(30.0)
        (status,) = await site.jobs.jobs(ADMIN)
        assert (status.state, status.runs, len(await site.runs())) == ("paused", 2, 2)
        await site.order("resume")
        await clock.sleep(12.0)
        assert (await site.jobs.jobs(ADMIN))[0].runs >= 3


class FullOnce(Documents):
    """Cannot keep the first document that says paused."""

    full = True

    async def keep(self, name: str, document: Any) -> None:
        if document["paused"] and self.full:
            self.full = False
            raise StoreError("the disk is full")
        await super().keep(name, document)


@jumping
async def test_a_pause_that_could_not_be_kept_is_none(clock: JumpingClock) -> None:
    """It was said to have failed, and came true with the next run that was kept."""
    documents, plan = FullOnce(), rule(Read(tags=(TOTAL,)), schedule=Schedule(every=10.0))
    async with house(clock, plan, documents=documents) as site:
        state, reason = await site.order("pause")
        assert state is not AckState.DONE
        assert "the disk is full" in reason
        await clock.sleep(25.0)
        assert len(await site.runs()) == 3
        assert (await documents.load("watch"))["paused"] is False


@jumping
async def test_a_run_under_way_is_cut_off_by_the_end_of_the_node(clock: JumpingClock) -> None:
    documents = Documents()
    async with house(clock, rule(Wait(seconds=60.0)), documents=documents) as site:
        await site.order("run")
        await clock.sleep(1.0)
    async with house(clock, rule(Wait(seconds=60.0)), documents=documents) as site:
        (run,) = await site.runs()
        assert (run.outcome, run.reason) == ("cut_off", "the node stopped")


@jumping
async def test_jobs_come_go_and_change_while_it_runs(clock: JumpingClock) -> None:
    first = rule(Read(tags=(TOTAL,)), schedule=Schedule(every=10.0))
    async with house(clock, first) as site:
        await clock.sleep(5.0)
        other = rule(Wait(seconds=1.0), name="other", schedule=Schedule(every=5.0))
        wanted = [replace(first, schedule=Schedule(every=2.0)), other]
        await site.jobs.quiet(wanted)
        site.jobs.put(wanted)
        site.jobs.follow()
        await clock.sleep(10.0)
        assert len(await site.runs()) >= 5
        assert len(await site.runs("other")) == 2
        await site.jobs.quiet([other])
        site.jobs.put([other])
        site.jobs.follow()
        assert [status.name for status in await site.jobs.jobs(ADMIN)] == ["other"]
        assert [spec.path for spec in await site.client.tags("jobs/watch/*")] == []


@jumping
async def test_a_call_and_a_message(clock: JumpingClock) -> None:
    said: list[tuple[str, ...]] = []

    class Ways:
        async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
            said.append((way, person, text, actor.name))
            return "sent"

    steps = (
        Call(device="fleet/all", command="reset", warn=True),
        Notify(way="mail", person="ana", message=f"there are {{{TOTAL}}}"),
    )
    async with house(clock, rule(*steps, ways=("mail",))) as site:
        site.client.notices = Ways()  # type: ignore[assignment]
        run = await site.one()
        assert said == [("mail", "ana", "there are 7", "job/watch")]
        assert run.steps[0].state == "warned"
        assert ("call", "reset") in site.plant.unit().log or "reset" in run.steps[0].words


@jumping
async def test_who_may_not_read_it_does_not_see_it(clock: JumpingClock) -> None:
    async with house(clock, rule(Wait(seconds=1.0))) as site:
        assert await site.jobs.jobs(Actor("nobody")) == []
        assert (await site.order("dance"))[0] is AckState.FAILED


def test_the_alarm_of_a_job_that_fails() -> None:
    (spec,) = job_alarms([rule(BACK, priority=2), rule(BACK, name="quiet")])
    labels = ("none", "done", "warned", "failed", "timed_out", "stopped", "cut_off")
    outcome = TagSpec(path=spec.inputs[0], type=ValueType.ENUM, labels=labels)
    condition = compile_expression(spec.condition, lambda _: outcome)
    assert [label for code, label in enumerate(labels) if condition.evaluate([code], [0])[0]] == ["failed", "timed_out"]


@jumping
async def test_a_run_stopped_before_its_first_step_is_over(clock: JumpingClock) -> None:
    async with house(clock, rule(Wait(seconds=60.0))) as site:
        job = site.jobs.handlers["jobs/watch"]
        await clock.sleep(1.0)
        await job.call("run", ())
        job._look()  # type: ignore[attr-defined]
        await job.call("stop", ())
        assert (await site.jobs.jobs(ADMIN))[0].state == "waiting"
        assert [(run.outcome, run.number) for run in await site.runs()] == [("stopped", 1)]
        assert (await site.order("run"))[0] is AckState.DONE
        await clock.sleep(1.0)
        assert (await site.jobs.jobs(ADMIN))[0].state == "running"


class Slow(Documents):
    """On a disk that takes its time."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__()
        self.clock, self.writing, self.most = clock, 0, 0

    async def keep(self, name: str, document: Any) -> None:
        self.writing += 1
        self.most = max(self.most, self.writing)
        try:
            await self.clock.sleep(3.0)
            await super().keep(name, document)
        finally:
            self.writing -= 1


@jumping
async def test_the_record_of_a_run_is_on_the_disk_before_the_next_and_before_the_end(clock: JumpingClock) -> None:
    documents = Slow(clock)
    async with house(clock, rule(Wait(seconds=1.0), schedule=Schedule(every=2.0)), documents=documents) as site:
        while site.documents.texts == {} or documents.writing == 0 or len(await site.runs()) < 2:
            await clock.sleep(0.1)
    kept = msgspec.json.decode(documents.texts["watch"])
    assert (documents.writing, documents.most) == (0, 1)
    assert kept["count"] == len(kept["runs"]) >= 2


@jumping
async def test_a_run_that_a_kill_ends_has_its_number_and_its_interval(clock: JumpingClock) -> None:
    documents, plan = Documents(), rule(Wait(seconds=20.0), schedule=Schedule(every=600.0))
    async with house(clock, plan, documents=documents):
        await clock.sleep(5.0)
        killed = dict(documents.texts)
    documents.texts = killed
    async with house(clock, plan, documents=documents) as site:
        await clock.sleep(30.0)
        (run,) = await site.runs()
        assert (run.number, run.outcome) == (1, "cut_off")
        assert "without a record" in run.reason
        assert (await site.one()).number == 2


@jumping
async def test_a_node_killed_twice_says_so_once(clock: JumpingClock) -> None:
    documents, plan = Documents(), rule(Wait(seconds=20.0))
    async with house(clock, plan, documents=documents) as site:
        await site.order("run")
        await clock.sleep(5.0)
        killed = dict(documents.texts)
    for _ in range(2):
        documents.texts = dict(killed)
        async with house(clock, plan, documents=documents) as site:
            assert [run.number for run in await site.runs()] == [1]
            await site.order("pause")
            killed = dict(documents.texts)


@jumping
async def test_a_schedule_that_breaks_goes_on(clock: JumpingClock) -> None:
    async with house(clock, rule(Read(tags=(TOTAL,)), schedule=Schedule(every=10.0))) as site:
        await clock.sleep(5.0)
        job: Any = site.jobs.handlers["jobs/watch"]
        sound, broken = job.publish, []

        def publish() -> None:
            if not broken:
                broken.append(1)
                raise ValueError("nobody thought of this")
            sound()

        job.publish = publish
        await clock.sleep(40.0)
        assert broken == [1]
        assert len(await site.runs()) >= 4
