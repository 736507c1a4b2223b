"""Commands that wait for people: select and execute, a second person, signatures."""

from __future__ import annotations

import asyncio
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from sereno.access.actor import NOBODY, ROLES, Actor, Permission, Right, Role
from sereno.client import WaitsFor
from sereno.hub.journal import MemoryJournal
from sereno.model import (
    Ack,
    AckState,
    Act,
    Command,
    DeniedError,
    Marks,
    NotFoundError,
    OperationError,
    RefusedError,
    Say,
    Verb,
)

S = AckState
OLGA = Actor("olga", (ROLES["operator"],), origin="10.0.0.1")
OTTO = Actor("otto", (ROLES["operator"],))
EVA = Actor("eva", (ROLES["engineer"],), origin="10.0.0.2")
EVAS_TOKEN = Actor("eva:script", (ROLES["engineer"],), "token", bound=(ROLES["engineer"],))
ALL_THE_WAY = [S.REQUESTED, S.AUTHORISED, S.SELECTED, S.ACCEPTED, S.PROGRESS, S.DONE]


class Held:
    """A command of olga (or another) that waits, and what becomes of it."""

    def __init__(self, bench: Any, name: str, actor: Actor = OLGA, **keys: Any) -> None:
        self.bench, self.command, self.actor = bench, bench.command(name, 2.0, **keys), actor
        self.consent = bench.router.consent

    async def __aenter__(self) -> Held:
        self.collected = self.bench.submit(self.command, self.actor)
        await self.bench.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.collected.done():
            self.collected.cancel()

    @property
    def key(self) -> str:
        return str(self.command.key)

    async def told(self, actor: Actor = OLGA) -> Any:
        return next(one for one in await self.consent.waiting(actor) if one.key == self.key)

    async def end(self) -> list[Ack]:
        for _ in range(100):
            await self.bench.clock.advance(0.1)
            if self.collected.done():
                break
            self.bench.scan()
        return await self.collected


async def knows(name: str, password: str, origin: str) -> str:
    if password != f"{name}s password":
        raise DeniedError("the password is wrong")
    return name.capitalize()


@pytest.fixture
async def bench(make_bench: Any, plant: Any) -> Any:
    bench = make_bench(plant, authenticate=knows)
    yield bench
    await bench.router.close()


async def test_a_selected_command_goes_when_its_actor_executes_it(bench: Any) -> None:
    async with Held(bench, "gate") as held:
        assert bench.device.writes == []
        one = await held.told()
        assert (one.waits_for, one.old, one.value, one.actor) == (WaitsFor.EXECUTION, 1.0, 2.0, "olga")
        assert one.until - one.since == 30_000_000_000
        assert one.may == (Say.EXECUTE, Say.CANCEL)
        await held.consent.execute(held.key, OLGA)
        acks = await held.end()
    assert [a.state for a in acks] == ALL_THE_WAY
    assert "waits for execution until 20" in acks[2].reason
    assert bench.device.writes == [("river/plc1/gate", 2.0)]
    assert await bench.router.consent.waiting(OLGA) == []


async def test_a_held_target_is_refused_to_everybody_and_names_who_holds_it(bench: Any) -> None:
    async with Held(bench, "gate") as held:
        for actor in (OTTO, OLGA):
            acks = await bench.finish(bench.command("gate", 3.0), actor)
            assert acks[-1].state is S.REFUSED
            assert acks[-1].reason.startswith("river/plc1/gate is selected by olga for another command, which waits")
        await held.consent.cancel(held.key, OLGA)
        assert (await held.end())[-1].state is S.CANCELLED
    async with Held(bench, "gate", OTTO) as held:
        assert (await held.told()).actor == "otto"


async def test_nobody_else_executes_or_cancels(bench: Any) -> None:
    async with Held(bench, "gate") as held:
        for actor in (OTTO, EVA, replace(OLGA, name="olga:script", kind="token")):
            with pytest.raises(DeniedError, match="only olga may execute"):
                await held.consent.execute(held.key, actor)
            with pytest.raises(DeniedError, match="only olga may cancel"):
                await held.consent.cancel(held.key, actor)
        with pytest.raises(NotFoundError):
            await held.consent.execute(held.key, NOBODY)
        assert bench.device.writes == []


async def test_an_engineer_may_take_a_hold_away(bench: Any) -> None:
    async with Held(bench, "gate") as held:
        with pytest.raises(DeniedError):
            await held.consent.decline(held.key, OTTO, reason="mine")
        with pytest.raises(RefusedError, match="say why"):
            await held.consent.decline(held.key, EVA, reason=" ")
        await held.consent.decline(held.key, EVA, reason="flushing first")
        end = (await held.end())[-1]
    assert (end.state, end.reason) == (S.REFUSED, "declined by eva: flushing first")


async def test_a_selection_runs_out(bench: Any) -> None:
    async with Held(bench, "gate") as held:
        await bench.clock.advance(29.9)
        assert not held.collected.done()
        await bench.clock.advance(0.1)
        with pytest.raises(NotFoundError, match="waits for anybody"):
            await held.consent.execute(held.key, OLGA)
        end = (await held.end())[-1]
    assert (end.state, end.reason) == (S.TIMED_OUT, "nobody released it in time; never sent")
    assert bench.device.writes == []


async def test_its_own_expiry_begins_when_it_is_released(bench: Any) -> None:
    """Ten seconds are for the way to the device, not for the person who looks once more."""
    async with Held(bench, "gate", expires=bench.clock.wall_ns() + 2_000_000_000) as held:
        await bench.clock.advance(20.0)
        await held.consent.execute(held.key, OLGA)
        assert (await held.end())[-1].state is S.DONE
    bench.device.gate = asyncio.Event()
    async with Held(bench, "gate", expires=bench.clock.wall_ns() + 2_000_000_000) as held:
        await held.consent.execute(held.key, OLGA)
        await bench.settle()
        assert bench.device.deadlines[-1] == bench.clock.monotonic() + 2.0
        bench.device.gate.set()
        await held.end()


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"gate": 1.5}, "river/plc1/gate is 1.5, you saw 1"), ({"level": 0.5}, "interlock .* is not met")],
)
async def test_everything_is_checked_again(bench: Any, change: dict[str, float], reason: str) -> None:
    async with Held(bench, "gate", expected=1.0) as held:
        bench.device.values.update(change)
        bench.scan()
        await held.consent.execute(held.key, OLGA)
        end = (await held.end())[-1]
    assert end.state is S.REFUSED
    assert re.match(reason, end.reason), end.reason
    assert bench.device.writes == []


async def test_rights_are_those_of_the_moment(make_bench: Any, plant: Any) -> None:
    async def renew(actor: Actor) -> Actor:
        if actor.name == "olga":
            raise DeniedError("olga has no way in any more")
        return replace(actor, roles=())

    bench = make_bench(plant, renew=renew)
    for name, actor, reason in (
        ("dose", OLGA, "denied: olga has no way in any more"),
        ("dose", OTTO, "denied: otto may not"),
    ):
        async with Held(bench, name, actor) as held:
            await held.consent.approve(held.key, EVA)
            end = (await held.end())[-1]
        assert end.state is S.REFUSED
        assert end.reason.startswith(reason)
    assert bench.device.writes == []
    await bench.router.close()


async def test_two_people_are_two_people(bench: Any) -> None:
    async with Held(bench, "dose", EVA) as held:
        assert (await held.told(EVA)).may == (Say.CANCEL,)
        with pytest.raises(DeniedError, match="takes a second person"):
            await held.consent.approve(held.key, EVA)
        with pytest.raises(DeniedError, match="takes a second person"):
            await held.consent.approve(held.key, EVAS_TOKEN)
        with pytest.raises(DeniedError, match="may not approve"):
            await held.consent.approve(held.key, OTTO)
        agent = Actor("guard/x", (Role("x", (Permission(Right.APPROVE), Permission(Right.READ))),), "agent")
        with pytest.raises(DeniedError, match="may not approve"):
            await held.consent.approve(held.key, agent)
        with pytest.raises(RefusedError, match="waits for the approval of a second person"):
            await held.consent.execute(held.key, EVA)
        assert bench.device.writes == []
        second = Actor("emil", (ROLES["engineer"],))
        assert (await held.told(second)).may == (Say.APPROVE, Say.DECLINE)
        await held.consent.approve(held.key, second, comment="as agreed")
        assert [a.state for a in await held.end()] == ALL_THE_WAY
    async with Held(bench, "dose", EVAS_TOKEN) as held:
        with pytest.raises(DeniedError, match="takes a second person"):
            await held.consent.approve(held.key, EVA)
    assert bench.device.writes == [("river/plc1/dose", 2.0)]


async def test_what_was_approved_is_the_step_that_was_seen(bench: Any) -> None:
    async with Held(bench, "dose") as held:
        bench.device.values["dose"] = 1.8
        bench.scan()
        await held.consent.approve(held.key, EVA)
        end = (await held.end())[-1]
    assert (end.state, end.reason) == (S.REFUSED, "river/plc1/dose is 1.8, it was 1 when selected")


async def test_an_approval_comes_in_time_or_not_at_all(bench: Any) -> None:
    async with Held(bench, "dose") as held:
        await bench.clock.advance(600.0)
        end = (await held.end())[-1]
    assert end.state is S.TIMED_OUT
    assert bench.device.writes == []


async def test_approved_signed_and_executed(bench: Any) -> None:
    async with Held(bench, "limit") as held:
        await held.consent.approve(held.key, EVA, password="evas password", meaning="released")
        await bench.settle()
        one = await held.told()
        assert (one.waits_for, one.approved_by) == (WaitsFor.EXECUTION, "eva")
        assert one.until == bench.clock.wall_ns() + 30_000_000_000
        with pytest.raises(RefusedError, match="approved by eva; waits for signature"):
            await held.consent.approve(held.key, Actor("emil", (ROLES["engineer"],)))
        await held.consent.execute(held.key, OLGA, password="olgas password", meaning="released")
        acks = await held.end()
    assert [a.state for a in acks] == [*ALL_THE_WAY[:3], S.SELECTED, *ALL_THE_WAY[3:]]
    acts = bench.journal._entries[held.key].acts
    assert [(a.say, a.actor, a.origin) for a in acts] == [
        (Say.APPROVE, "eva", "10.0.0.2"),
        (Say.EXECUTE, "olga", "10.0.0.1"),
    ]
    assert [(a.signature.name, a.signature.meaning) for a in acts] == [("Eva", "released"), ("Olga", "released")]


async def test_a_signature_takes_the_right_password_a_meaning_and_a_person(bench: Any) -> None:
    async with Held(bench, "recipe") as held:
        assert (await held.told()).sign == ("released", "reviewed")
        for password, meaning in (("", "released"), ("olgas password", ""), ("olgas password", "approved")):
            with pytest.raises(RefusedError, match="a meaning: released, reviewed"):
                await held.consent.execute(held.key, OLGA, password=password, meaning=meaning)
        with pytest.raises(DeniedError, match="the password is wrong"):
            await held.consent.execute(held.key, OLGA, password="evas password", meaning="released")
        assert bench.device.writes == []
        await held.consent.execute(held.key, OLGA, password="olgas password", meaning="reviewed")
        assert (await held.end())[-1].state is S.DONE


async def test_a_token_does_not_sign_and_its_owner_may(bench: Any) -> None:
    token = Actor("olga:script", (ROLES["operator"],), "token", bound=(ROLES["operator"],))
    async with Held(bench, "recipe", token) as held:
        assert (await held.told(token)).may == (Say.CANCEL,)
        with pytest.raises(DeniedError, match="only a person who is signed in"):
            await held.consent.execute(held.key, token, password="olgas password", meaning="released")
        await held.consent.execute(held.key, OLGA, password="olgas password", meaning="released")
        assert (await held.end())[-1].state is S.DONE


async def test_a_password_that_takes_too_long_comes_too_late(make_bench: Any, plant: Any) -> None:
    async def slow(name: str, password: str, origin: str) -> str:
        await plant.clock.advance(121.0)
        return name

    bench = make_bench(plant, authenticate=slow)
    async with Held(bench, "recipe") as held:
        with pytest.raises(RefusedError, match="does not wait any more"):
            await held.consent.execute(held.key, OLGA, password="x", meaning="released")
        assert (await held.end())[-1].state is S.TIMED_OUT
    assert bench.device.writes == []
    await bench.router.close()


async def test_of_two_decisions_at_once_one_counts(bench: Any) -> None:
    async with Held(bench, "dose") as held:
        emil = Actor("emil", (ROLES["engineer"],))
        found = await asyncio.gather(
            held.consent.approve(held.key, EVA),
            held.consent.decline(held.key, emil, reason="no"),
            held.consent.cancel(held.key, OLGA),
            return_exceptions=True,
        )
        assert [type(one) for one in found] == [type(None), RefusedError, RefusedError]
        assert (await held.end())[-1].state is S.DONE
    assert len(bench.journal._entries[held.key].acts) == 1
    assert bench.device.writes == [("river/plc1/dose", 2.0)]


class Disk(MemoryJournal):
    broken = False

    async def note(self, command: Command, old_value: Any, act: Act) -> None:
        if self.broken:
            raise OSError("disk full")
        await super().note(command, old_value, act)

    async def release(self, command: Command, ack: Ack) -> None:
        if self.broken:
            raise OSError("disk full")
        await super().release(command, ack)


async def test_an_act_that_cannot_be_recorded_does_not_count(make_bench: Any, plant: Any) -> None:
    journal = Disk()
    bench = make_bench(plant, journal)
    async with Held(bench, "gate") as held:
        journal.broken = True
        with pytest.raises(OperationError, match="does not count: disk full"):
            await held.consent.execute(held.key, OLGA)
        assert (await held.told()).may == (Say.EXECUTE, Say.CANCEL)
        journal.broken = False
        await held.consent.execute(held.key, OLGA)
        journal.broken = True
        end = (await held.end())[-1]
    assert end.state is S.REFUSED
    assert "could not be recorded, so it is not sent" in end.reason
    assert bench.device.writes == []
    journal.broken = False
    await bench.router.close()


@pytest.mark.parametrize("killed", [False, True])
async def test_nothing_lingers_over_a_stop_or_a_kill(
    make_bench: Any, make_plant: Any, make_clock: Any, killed: bool
) -> None:
    bench = make_bench(make_plant(make_clock()))
    async with Held(bench, "dose") as held:
        as_killed = deepcopy(bench.journal)
        await bench.router.close()
        end = (await held.end())[-1]
        assert (end.state, end.reason) == (S.CANCELLED, "the node stopped")
    later = make_bench(make_plant(make_clock()), as_killed if killed else bench.journal)
    assert await later.router.consent.waiting(OLGA) == []
    with pytest.raises(NotFoundError):
        await later.router.consent.approve(held.key, EVA)
    acks = await later.router.acks(held.key, OLGA)
    assert await later.finish(held.command) == acks
    assert acks[-1].state is S.CANCELLED
    assert ("it was never sent" in acks[-1].reason) is killed
    async with Held(later, "dose") as another:
        assert (await another.told()).may == (Say.CANCEL,), "the target is free again"
    assert bench.device.writes == later.device.writes == []
    await later.router.close()


async def test_who_may_not_read_the_target_does_not_see_it(bench: Any) -> None:
    far = Actor("fay", (Role("far", (Permission(Right.READ, "town/*"), Permission(Right.APPROVE, "*"))),))
    async with Held(bench, "dose") as held:
        assert await held.consent.waiting(far) == []
        with pytest.raises(NotFoundError):
            await held.consent.approve(held.key, far)


def call_of(*arguments: Any, name: str = "add") -> Command:
    return Command(target="river/plc1", verb=Verb.CALL, name=name, arguments=arguments)


@pytest.fixture
async def marked(make_bench: Any, plant: Any) -> Any:
    """Engineers add as the second person of somebody, and then sign it."""
    add = Marks(approval=60.0, sign=("released",))
    bench = make_bench(plant, authenticate=knows, marked=lambda _: {"add": add})
    yield bench
    await bench.router.close()


async def test_a_marked_command_of_a_device_is_approved_signed_and_only_then_sent(marked: Any) -> None:
    consent, command = marked.router.consent, replace(call_of(2, 3), comment="trial")
    collected = marked.submit(command, EVA)
    await marked.settle()
    (one,) = await consent.waiting(EVA)
    assert (one.verb, one.name, one.arguments, one.value, one.old) == (Verb.CALL, "add", (2, 3), None, None)
    assert (one.waits_for, one.sign, one.may) == (WaitsFor.APPROVAL, ("released",), (Say.CANCEL,))
    with pytest.raises(DeniedError, match="takes a second person"):
        await consent.approve(one.key, EVA, password="evas password", meaning="released")
    emil = replace(EVA, name="emil")
    with pytest.raises(RefusedError, match="sign with your password"):
        await consent.approve(one.key, emil)
    await consent.approve(one.key, emil, password="emils password", meaning="released")
    assert marked.device.entered == 0
    await consent.execute(one.key, EVA, password="evas password", meaning="released")
    acks = await collected
    assert (acks[-1].state, acks[-1].value, marked.device.entered) == (S.DONE, 5, 1)
    acts = [(act.say, act.actor, act.signature and act.signature.name) for act in marked.journal._entries[one.key].acts]
    assert acts == [(Say.APPROVE, "emil", "Emil"), (Say.EXECUTE, "eva", "Eva")]


async def test_it_holds_its_name_in_any_case_and_frees_it(marked: Any) -> None:
    collected = marked.submit(call_of(1), EVA)
    await marked.settle()
    for name in ("add", "Add", "ADD"):
        acks = await marked.finish(call_of(1, name=name), EVA)
        assert acks[-1].state is S.REFUSED
        assert acks[-1].reason.startswith("river/plc1/add() is selected by eva for another command, which waits")
    (one,) = await marked.router.consent.waiting(EVA)
    await marked.router.consent.cancel(one.key, EVA)
    assert (await collected)[-1].state is S.CANCELLED
    again = marked.submit(call_of(1, name="Add"), EVA)
    await marked.clock.advance(60.0)
    assert (await again)[-1].state is S.TIMED_OUT
    assert marked.device.entered == 0


async def test_commands_that_are_not_marked_go_at_once(marked: Any) -> None:
    acks = await marked.finish(call_of(1, name="subtract"), EVA)
    assert (acks[-1].state, S.SELECTED in [ack.state for ack in acks]) == (S.FAILED, False)
