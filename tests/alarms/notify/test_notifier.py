"""Notices over real alarms and a real database, on the test clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.alarms.notify.desk import NoticeDesk
from sereno.alarms.notify.heartbeat import HeartbeatSpec
from sereno.alarms.notify.links import Links
from sereno.alarms.notify.notifier import Notifier
from sereno.alarms.notify.pipeline import PipelineSpec, StepSpec
from sereno.alarms.notify.plan import DeclaredWay, NoticePlan
from sereno.alarms.notify.roster import Roster, Shift
from sereno.alarms.notify.way import Message, WayConfig
from sereno.client import AlarmState, RosterSwap
from sereno.model import Clock, DeniedError, NotFoundError, OperationError, RefusedError
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.notices import NoticeStore
from sereno.testing import JumpingClock, jumping
from tests.alarms.rig import EVA, LEVEL, OLGA, VERA, Bench, at_work, limit_alarms

HI, HIHI = f"{LEVEL}.hi", f"{LEVEL}.hihi"
PEOPLE = {"olga": OLGA, "eva": EVA}
TWO = PipelineSpec(
    name="urgent",
    steps=(StepSpec(by=("mail",), to=("operators",)), StepSpec(by=("mail", "horn"), to=("eva",), after=300.0)),
    alarms=("*.hi",),
    group=0.0,
)


@dataclass
class FakeWay:
    """A way that keeps what it was given; it fails, or hangs, as told."""

    addressed: bool = True
    Config: Any = WayConfig
    taken: list[Message] = field(default_factory=list)
    fault: Exception | None = None
    hangs: bool = False

    async def send(self, message: Message) -> str:
        self.taken.append(message)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        return "taken"


@dataclass
class Desk:
    notifier: Notifier
    desk: NoticeDesk
    bench: Bench
    mail: FakeWay
    horn: FakeWay

    def told(self) -> list[tuple[str, str]]:
        """(person, first alarm) of every mail."""
        return [(m.person, m.alarms[0]["alarm"] if m.alarms else m.kind) for m in self.mail.taken]


def plan(mail: FakeWay, horn: FakeWay, *pipelines: PipelineSpec, **more: Any) -> NoticePlan:
    shifts = (Shift(people=("olga",), start=time(0), end=time(12)), Shift(people=("eva",), start=time(12), end=time(0)))
    return NoticePlan(
        **{
            "plant": "Works",
            "url": "https://scada.example.org",
            "people": {
                "olga": {"mail": "olga@x.example"},
                "eva": {"mail": "eva@x.example"},
                "zoe": {"mail": "z@x.example"},
            },
            "rosters": {"operators": Roster(name="operators", timezone="UTC", shifts=shifts)},
            "ways": {
                "mail": DeclaredWay(name="mail", kind="fake", way=mail),
                "horn": DeclaredWay(name="horn", kind="fake", way=horn),
            },
            "pipelines": pipelines or (TWO,),
            **more,
        }
    )


async def renew(actor: Actor) -> Actor:
    found = PEOPLE.get(actor.name)
    if found is None:
        raise DeniedError(f"{actor.name} is gone")
    return Actor(found.name, found.roles, origin=actor.origin)


@asynccontextmanager
async def telling(bench: Bench, store: Store, clock: Clock, made: NoticePlan) -> AsyncIterator[Desk]:
    notifier = Notifier(made, bench.alarms, NoticeStore(store), clock, links=Links(bytes(32)), renew=renew)
    await notifier.load()
    task = asyncio.create_task(notifier.run())
    mail, horn = (made.ways[name].way for name in ("mail", "horn"))
    try:
        yield Desk(notifier, NoticeDesk(notifier, bench.alarms, clock, AuditLog(store, clock)), bench, mail, horn)  # type: ignore[arg-type]
    finally:
        bench.alarms.listeners.remove(notifier.hear)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def rig(clock: Clock, folder: Path, *pipelines: PipelineSpec, **more: Any) -> AsyncIterator[Desk]:
    async with at_work(limit_alarms(LEVEL), clock, folder / "a.db") as bench:
        bench.feed(5.0)
        async with telling(
            bench, store_of(bench), clock, plan(FakeWay(), FakeWay(addressed=False), *pipelines, **more)
        ) as desk:
            yield desk


def store_of(bench: Bench) -> Store:
    return bench.alarms._journal._store


@jumping
async def test_escalation_to_whoever_is_on_duty_until_somebody_acknowledges(
    clock: JumpingClock, tmp_path: Path
) -> None:
    async with rig(clock, tmp_path) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert desk.told() == [("olga", HI)]
        message = desk.mail.taken[0]
        assert (message.address, message.kind, message.again) == ("olga@x.example", "alarms", False)
        assert "What to do: Look." in message.text
        await asyncio.sleep(300)
        assert desk.told() == [("olga", HI), ("eva", HI)]
        assert [m.person for m in desk.horn.taken] == [""]
        desk.bench.feed(5.0)
        await desk.bench.alarms.acknowledge([HI], OLGA)
        await asyncio.sleep(12 * 3600)
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert desk.told()[2:] == [("eva", HI)], "the shift has changed"
        await desk.bench.alarms.acknowledge([HI], EVA)
        await asyncio.sleep(3600)
        assert len(desk.mail.taken) == 3
        sent = await desk.desk.sent(OLGA)
        assert [(s.person, s.way, s.state, s.outcome) for s in sent] == [
            ("eva", "mail", "sent", "taken"),
            ("", "horn", "sent", "taken"),
            ("eva", "mail", "sent", "taken"),
            ("olga", "mail", "sent", "taken"),
        ]
        assert desk.notifier.problem == ""


@jumping
async def test_a_link_acknowledges_once_as_the_person(clock: JumpingClock, tmp_path: Path) -> None:
    async with rig(clock, tmp_path) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        link = desk.mail.taken[0].link
        token = link.removeprefix("https://scada.example.org/notice/")
        shown = await desk.desk.linked(token)
        assert (shown.person, shown.alarms, shown.used) == ("olga", ((HI, "unacknowledged", "Look."),), False)
        assert await desk.bench.state(HI) is AlarmState.UNACKNOWLEDGED, "to look at it does nothing"
        done = await desk.desk.acknowledge_linked(token, "on my way", "10.0.0.9")
        assert (done.alarms, done.used) == (((HI, "acknowledged", "Look."),), True)
        (status,) = [s for s in await desk.bench.alarms.alarms(EVA) if s.spec.id == HI]
        assert (status.actor, status.note) == ("olga", "on my way")
        with pytest.raises(RefusedError, match="has been used"):
            await desk.desk.acknowledge_linked(token, "", "10.0.0.9")
        with pytest.raises(DeniedError):
            await desk.desk.linked(token[:-2])
        log = AuditLog(store_of(desk.bench), clock)
        assert {r.actor for r in [one async for one in log.all()] if r.action == "alarm.acknowledged"} == {"olga"}
        await asyncio.sleep(25 * 3600)
        with pytest.raises(DeniedError, match="time is over"):
            await desk.desk.linked(token)


@jumping
async def test_a_person_without_rights_gets_no_link_and_one_that_is_gone_cannot_use_theirs(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEOPLE, "olga", Actor("olga", (ROLES["viewer"],)))
    async with rig(clock, tmp_path) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(301)
        assert [bool(m.link) for m in desk.mail.taken] == [False, True]
        monkeypatch.delitem(PEOPLE, "eva")
        with pytest.raises(DeniedError, match="is gone"):
            await desk.desk.acknowledge_linked(desk.mail.taken[1].link.rpartition("/")[2], "", "10.0.0.9")
        assert await desk.bench.state(HI) is AlarmState.UNACKNOWLEDGED


@jumping
async def test_a_way_that_fails_is_tried_again_and_then_the_next_step_is_due(
    clock: JumpingClock, tmp_path: Path
) -> None:
    late = PipelineSpec(
        name="late", steps=(TWO.steps[0], StepSpec(by=("horn",), after=86400.0)), group=0.0, alarms=("*.hi",)
    )
    async with rig(clock, tmp_path, late) as desk:
        desk.mail.fault = OperationError("no route")
        desk.bench.feed(8.5)
        await asyncio.sleep(5)
        assert desk.notifier.problem == "mail: no route"
        await asyncio.sleep(10 + 60 + 300 + 890)
        assert desk.horn.taken == []
        await asyncio.sleep(20)
        assert len(desk.mail.taken) == 5
        assert len(desk.horn.taken) == 1, "nobody was reached"
        assert [(s.state, s.attempts) for s in await desk.desk.sent(OLGA)] == [("sent", 1), ("failed", 5)]
        desk.mail.fault = None
        assert await desk.desk.test("mail", "olga", EVA) == "taken"
        assert desk.notifier.problem == ""


@jumping
async def test_a_way_that_hangs_or_is_broken_holds_up_nothing_else(clock: JumpingClock, tmp_path: Path) -> None:
    both = PipelineSpec(name="both", steps=(StepSpec(by=("mail", "horn"), to=("olga",)),), group=0.0, alarms=("*.hi",))
    async with rig(clock, tmp_path, both) as desk:
        desk.mail.hangs = True
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert len(desk.horn.taken) == 1
        await asyncio.sleep(30)
        assert desk.notifier.problem == "mail: no answer within 30 s"
        desk.mail.hangs, desk.mail.fault = False, ZeroDivisionError("oops")
        await asyncio.sleep(15)
        assert desk.notifier.problem == "mail: oops"


@jumping
async def test_a_restart_neither_repeats_nor_forgets(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "a.db") as bench:
        store, mail, horn = store_of(bench), FakeWay(), FakeWay(addressed=False)
        bench.feed(5.0)
        async with telling(bench, store, clock, plan(mail, horn)):
            bench.feed(8.5)
            await asyncio.sleep(1)
        assert len(mail.taken) == 1
        async with telling(bench, store, clock, plan(mail, horn)):
            await asyncio.sleep(200)
            assert len(mail.taken) == 1, "not repeated"
        async with telling(bench, store, clock, plan(mail, horn)):
            await asyncio.sleep(100)
            assert [m.person for m in mail.taken] == ["olga", "eva"], "not forgotten"
        bench.feed(9.5)
        await bench.alarms.acknowledge([HI], OLGA)
        bench.feed(5.0)
        bench.feed(8.5)
        async with telling(bench, store, clock, plan(mail, horn)):
            await asyncio.sleep(1)
            assert [m.person for m in mail.taken] == ["olga", "eva", "olga"], "what came while nobody listened"
            mail.hangs = True
            await bench.alarms.acknowledge([HI], OLGA)
            bench.feed(5.0)
            bench.feed(8.5)
            await asyncio.sleep(1)
            assert len(mail.taken) == 4
        mail.hangs = False
        async with telling(bench, store, clock, plan(mail, horn)):
            await asyncio.sleep(1)
            assert len(mail.taken) == 5
            assert mail.taken[4].again
            assert mail.taken[4].id == mail.taken[3].id
            assert "may have reached you before" in mail.taken[4].text


@jumping
async def test_whom_a_message_had_reached_before_a_restart_is_not_forgotten(
    clock: JumpingClock, tmp_path: Path
) -> None:
    both = PipelineSpec(
        name="both",
        steps=(StepSpec(by=("mail", "horn"), to=("olga",)), StepSpec(by=("mail",), to=("eva",), after=7200.0)),
        group=0.0,
        alarms=("*.hi",),
    )
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "a.db") as bench:
        store, mail, horn = store_of(bench), FakeWay(), FakeWay(addressed=False)
        bench.feed(5.0)
        mail.fault = OperationError("no route")
        async with telling(bench, store, clock, plan(mail, horn, both)):
            bench.feed(8.5)
            await asyncio.sleep(5)
            assert len(horn.taken) == 1
        async with telling(bench, store, clock, plan(mail, horn, both)) as desk:
            await asyncio.sleep(3600)
            assert desk.notifier.problem == "mail: no route"
            assert {m.person for m in mail.taken} == {"olga"}, "the next step is due in two hours"


@jumping
async def test_what_is_too_much_for_a_way_has_failed_and_the_next_step_is_due(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.alarms.notify.outbox.MOST", 0)
    async with rig(clock, tmp_path) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        found = [(s.person, s.state, s.outcome) for s in await desk.desk.sent(EVA)]
        assert found[-1] == ("olga", "failed", "too many wait")
        assert len(found) == 3, "the next step at once"
        assert "reached nobody: too many wait" in desk.notifier.problem


@jumping
async def test_a_way_that_is_declared_no_more(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "a.db") as bench:
        store, mail, horn = store_of(bench), FakeWay(hangs=True), FakeWay(addressed=False)
        bench.feed(5.0)
        async with telling(bench, store, clock, plan(mail, horn)):
            bench.feed(8.5)
            await asyncio.sleep(1)
        made = plan(mail, horn)
        others = {**made.ways, "post": made.ways["mail"]}
        del others["mail"]
        alone = PipelineSpec(name="other", steps=(StepSpec(by=("horn",)),), alarms=("none",))
        changed = NoticePlan(plant="Works", people=made.people, ways=others, pipelines=(alone,))
        notifier = Notifier(changed, bench.alarms, NoticeStore(store), clock, links=Links(bytes(32)), renew=renew)
        await notifier.load()
        bench.alarms.listeners.remove(notifier.hear)
        (sent,) = await notifier.store.sent(10)
        assert (sent.state, sent.outcome) == ("failed", "there is no way 'mail' any more")
        assert notifier.problem == ""
        assert await notifier.store.cases() == {}


@jumping
async def test_notices_go_out_while_nothing_can_be_kept(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(clock, tmp_path) as desk:

        async def full(*_: Any) -> Any:
            raise StoreError("no space left on device")

        for name in ("keep", "save"):
            monkeypatch.setattr(desk.notifier.store, name, full)
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert desk.told() == [("olga", HI)]
        assert desk.mail.taken[0].link == "", "a link could not be used only once"
        await asyncio.sleep(300)
        assert len(desk.told()) == 2


@jumping
async def test_a_fault_of_our_own_is_told(clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        async with rig(clock, tmp_path) as desk:
            monkeypatch.setattr(desk.notifier.machine, "tick", lambda t: 1 / 0)
            desk.bench.feed(8.5)
            await asyncio.sleep(1)
            assert desk.notifier.problem.startswith("nobody is told any more")

    with pytest.raises(ExceptionGroup):
        await broken()


@jumping
async def test_more_than_can_be_heard_is_looked_at(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.alarms.notify.notifier.MOST", 0)
    async with rig(clock, tmp_path) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert desk.told() == [("olga", HI)]
        await desk.bench.alarms.acknowledge([HI], OLGA)
        await asyncio.sleep(1)
        assert desk.notifier.machine.cases == {}


@jumping
async def test_heartbeats(clock: JumpingClock, tmp_path: Path) -> None:
    beats = (
        HeartbeatSpec(name="outside", way="horn", every=300.0),
        HeartbeatSpec(name="morning", way="mail", person="eva", at=(7 * 60,), timezone="Europe/Madrid"),
    )
    async with rig(clock, tmp_path, heartbeats=beats) as desk:
        await asyncio.sleep(1)
        assert [m.kind for m in desk.horn.taken] == ["heartbeat"]
        await asyncio.sleep(3600)
        assert len(desk.horn.taken) == 13
        assert desk.mail.taken == []
        desk.horn.fault = OperationError("refused")
        await asyncio.sleep(6 * 3600)
        assert [(m.person, m.kind) for m in desk.mail.taken] == [("eva", "heartbeat")]
        assert "0 alarms are not normal" in desk.mail.taken[0].text
        found = await desk.desk.overview(VERA)
        assert [(b["name"], b["outcome"]) for b in found["heartbeats"]] == [
            ("outside", "refused"),
            ("morning", "taken"),
        ]
        assert desk.notifier.problem == "horn: refused"


@jumping
async def test_a_clock_that_is_set_back_silences_nothing(clock: JumpingClock, tmp_path: Path) -> None:
    beats = (HeartbeatSpec(name="outside", way="horn", every=300.0),)
    async with rig(clock, tmp_path, heartbeats=beats) as desk:
        desk.mail.fault = OperationError("no route")
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        clock.step_wall(-86400)
        await asyncio.sleep(601)
        assert len([m for m in desk.horn.taken if m.kind == "heartbeat"]) == 3
        assert len(desk.mail.taken) >= 4, "tried again, and the next step as well"


@jumping
async def test_rosters_and_swaps(clock: JumpingClock, tmp_path: Path) -> None:
    async with rig(clock, tmp_path) as desk:
        now, hour = clock.wall_ns(), 3600 * 10**9
        swap = RosterSwap(
            roster="operators", start=now + hour, end=now + 3 * hour, leaves="olga", takes="zoe", reason="ill"
        )
        with pytest.raises(DeniedError):
            await desk.desk.swap(swap, VERA)
        assert await desk.desk.swap(swap, OLGA) == 1
        times = await desk.desk.duty(VERA, now, now + 4 * hour)
        assert [t.people for t in times] == [("olga",), ("zoe",), ("olga",)]
        await asyncio.sleep(3601)
        desk.bench.feed(8.5)
        await asyncio.sleep(1)
        assert desk.told() == [("zoe", HI)]
        assert (await desk.desk.overview(VERA))["duty"][0]["people"] == ["zoe"]
        for wrong in (
            RosterSwap(roster="operators", start=now, end=now + 5 * hour, takes="nobody"),
            RosterSwap(roster="operators", start=now + hour, end=now + hour, takes="zoe"),
            RosterSwap(roster="operators", start=now, end=now + 1, takes="zoe"),
            RosterSwap(roster="operators", start=now, end=now + 5 * hour, leaves="eva", takes="zoe"),
            RosterSwap(roster="operators", start=now, end=now + 5 * hour),
        ):
            with pytest.raises(RefusedError):
                await desk.desk.swap(wrong, OLGA)
        with pytest.raises(NotFoundError):
            await desk.desk.swap(RosterSwap(roster="none", start=now, end=now + 5 * hour, takes="zoe"), OLGA)
        again = Notifier(
            desk.notifier.plan, desk.bench.alarms, desk.notifier.store, clock, links=Links(bytes(32)), renew=renew
        )
        await again.load()
        desk.bench.alarms.listeners.remove(again.hear)
        assert [change.takes for change in again.changes] == ["zoe"]


@jumping
async def test_trials_need_the_right_and_an_address(clock: JumpingClock, tmp_path: Path) -> None:
    async with rig(clock, tmp_path) as desk:
        with pytest.raises(DeniedError):
            await desk.desk.test("mail", "olga", OLGA)
        with pytest.raises(NotFoundError):
            await desk.desk.test("pigeon", "", EVA)
        for person in ("", "nobody"):
            with pytest.raises(RefusedError):
                await desk.desk.test("mail", person, EVA)
        desk.horn.fault = OperationError("broken")
        with pytest.raises(OperationError, match="broken"):
            await desk.desk.test("horn", "", EVA)


@jumping
async def test_old_notices_are_forgotten(clock: JumpingClock, tmp_path: Path) -> None:
    async with rig(clock, tmp_path, keep=2.0) as desk:
        desk.bench.feed(8.5)
        await asyncio.sleep(400)
        assert len(await desk.desk.sent(EVA)) == 3
        assert await desk.desk.sent(Actor("nobody")) == []
        await asyncio.sleep(2 * 86400 + 4000)
        assert await desk.desk.sent(EVA) == []
