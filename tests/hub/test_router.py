from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from sereno.access.actor import NOBODY, ROLES, Actor, Permission, Right, Role
from sereno.client import BEFORE_IT_BEGINS, Lock, being_done
from sereno.hub.execution import CALL_GRACE, WRITE_GRACE, Rights
from sereno.hub.router import DEFAULT_EXPIRY, CommandRouter
from sereno.model import (
    Access,
    Ack,
    AckState,
    Command,
    DeniedError,
    Marks,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    Quality,
    RefusedError,
    Setpoint,
    TagSpec,
    Verb,
)

S = AckState
RW = Access.READ_WRITE
OLGA = Actor("olga", (ROLES["operator"],))


def states(acks: list[Ack]) -> list[AckState]:
    return [ack.state for ack in acks]


ALL_THE_WAY = [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.PROGRESS, S.DONE]


async def test_done_when_the_readback_came_by_the_data_path(bench: Any) -> None:
    collected = bench.submit()
    await bench.settle()
    assert bench.device.writes == [("river/plc1/speed", 50.0)]
    assert bench.hub.table.value[1] == 10.0, "a command never writes the live table"
    assert not collected.done()
    bench.scan()
    acks = await collected
    assert states(acks) == ALL_THE_WAY
    assert (acks[-1].value, acks[-1].reason) == (50.0, "")
    assert acks[3].reason == "sent, waiting for the readback of river/plc1/speed"
    assert {a.key for a in acks} == {acks[0].key}
    assert bench.router.statistics()["done"] == 1
    assert bench.router.statistics()["under_way"] == 0


async def test_a_scan_that_began_before_the_write_proves_nothing(bench: Any) -> None:
    """The value is the wanted one already: only the second batch since can have been read after the write."""
    collected = bench.submit(bench.command(value=10.0))
    await bench.settle()
    bench.scan()
    await bench.settle()
    assert not collected.done()
    bench.scan()
    assert states(await collected) == ALL_THE_WAY


async def test_readback_within_tolerance(bench: Any) -> None:
    bench.device.obey = False
    collected = bench.submit()
    await bench.settle()
    bench.scan(speed=49.4)
    await bench.settle()
    assert not collected.done()
    bench.scan(speed=49.6)
    assert (await collected)[-1].value == 49.6


async def test_readback_differs_is_failed(bench: Any) -> None:
    bench.device.obey = False
    acks = await bench.finish()
    assert states(acks)[-1] is S.FAILED
    assert acks[-1].reason == "readback is 10 % after 5 s, expected 50 %"
    assert acks[-1].value == 10.0


async def test_no_good_readback_is_unknown(bench: Any) -> None:
    collected = bench.submit()
    await bench.settle()
    for _ in range(60):
        bench.scan(Quality.SENSOR_FAILURE)
        await bench.clock.advance(0.1)
    acks = await collected
    assert states(acks)[-1] is S.UNKNOWN
    assert acks[-1].reason == (
        "confirmed by the device, but river/plc1/speed brought no good readback in 5 s (sensor failure)"
    )


async def test_a_substituted_value_is_no_readback(bench: Any) -> None:
    collected = bench.submit()
    await bench.settle()
    bench.scan(Quality.SUBSTITUTED)
    await bench.settle()
    assert not collected.done()
    bench.scan()
    await collected


async def test_slow_groups_get_the_time_for_a_scan(bench: Any, make_plant: Any, clock: Any) -> None:
    from sereno.client import GroupSpec
    from sereno.model import RowIndex, seal

    hub = make_plant(clock).hub
    index = RowIndex(hub.register_tags([TagSpec(path="a/d/x", access=RW, setpoint=Setpoint(timeout=1.0))]))
    group = hub.register_group(GroupSpec("slow", "a/d", 10.0, 30.0, index))
    hub.publish(seal(group, 1, index, np.array([1.0]), 1, 0))
    device = bench.device
    router = CommandRouter(hub, clock, handlers={"a/d": device})
    stream = router.submit(Command(target="a/d/x", value=1.0), OLGA)
    await clock.advance(9.0)
    hub.publish(seal(group, 2, index, np.array([1.0]), 1, 0))
    await clock.advance(5.0)
    hub.publish(seal(group, 3, index, np.array([1.0]), 1, 0))
    assert states([a async for a in stream])[-1] is S.DONE


async def test_write_only_tags(bench: Any) -> None:
    acks = await bench.finish(bench.command("reset", True))
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.DONE]
    assert acks[-1].reason == "confirmed by the device; it cannot be read back"
    bench.device.values["level"] = 2.5
    acks = await bench.finish(bench.command("valve_wanted", 2.5))
    assert states(acks) == ALL_THE_WAY
    assert acks[3].reason == "sent, waiting for the readback of river/plc1/level"


async def test_enum_and_bool_go_out_as_code_and_come_back_as_label(bench: Any) -> None:
    acks = await bench.finish(bench.command("mode", "on", expected="off"))
    assert acks[-1].value == "on"
    acks = await bench.finish(bench.command("auto", True, expected=False))
    assert acks[-1].value is True
    assert bench.device.writes == [("river/plc1/mode", 1), ("river/plc1/auto", True)]


# ---- refused, and never sent


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Command(target="river/plc1/sped", value=1), "no tag 'river/plc1/sped'; did you mean 'river/plc1/speed'?"),
        (Command(target="river/plc1/level", value=1), "river/plc1/level is read only"),
        (Command(target="river/plc1/speed", value=101), "101 % is above the limit, river/plc1/speed takes 0 to 100"),
        (Command(target="river/plc1/speed", value="fast"), "takes a number (float64), this is 'fast'"),
        (Command(target="river/plc1/mode", value="of"), "did you mean 'off'?"),
        (Command(target="river/plc1/speed", value=20, expected=11.0), "river/plc1/speed is 10 %, you saw 11 %"),
        (Command(target="river/plc1/mode", value=1, expected="on"), "river/plc1/mode is off, you saw on"),
        (
            Command(target="river/plc2", verb=Verb.CALL, name="add"),
            "no device that takes commands 'river/plc2'; did you mean 'river/plc1'?",
        ),
        (Command(target="river/plc1", verb=Verb.CALL), "a call of river/plc1 needs the name of its command"),
    ],
)
async def test_refused(bench: Any, command: Command, reason: str) -> None:
    acks = await bench.finish(command)
    assert states(acks)[-1] is S.REFUSED
    assert S.ACCEPTED not in states(acks)
    assert reason in acks[-1].reason
    assert bench.device.entered == 0
    assert bench.journal._entries[command.key].acks == acks, "a refusal is on record too"


async def test_rights_are_the_actors_on_the_target(bench: Any) -> None:
    part = Actor("rita", (Role("part", (Permission(Right.WRITE, "*/mode"), Permission(Right.CALL, "town/*"))),))
    assert states(await bench.finish(bench.command("mode", 1), part))[-1] is S.DONE
    acks = await bench.finish(bench.command("auto", True), part)
    assert (acks[-1].state, acks[-1].reason) == (S.REFUSED, "denied: rita may not write river/plc1/auto")
    call = Command(target="river/plc1", verb=Verb.CALL, name="add")
    assert (await bench.finish(call, part))[-1].reason == "denied: rita may not call river/plc1"
    assert (await bench.finish(bench.command(actor="olga"), NOBODY))[-1].reason.startswith("denied: nobody may not")


async def test_what_only_reads_is_for_who_may_read_or_call_and_no_lock_bars_it(bench: Any) -> None:
    viewer, caller = (
        Actor(right, (Role(right, (Permission(right, "river/*"),)),)) for right in (Right.READ, Right.CALL)
    )
    elsewhere = Actor("eve", (Role("part", (Permission(Right.READ, "town/*"),)),))
    call = partial(Command, target="river/plc1", verb=Verb.CALL, name="add")
    assert (await bench.finish(call(), viewer))[-1].reason == "denied: read may not call river/plc1"
    bench.device.reads = lambda name: name == "add"
    for actor in (viewer, caller):
        assert states(await bench.finish(call(arguments=(1, 2)), actor))[-1] is S.DONE
    assert (await bench.finish(call(), elsewhere))[-1].reason == "denied: eve may not read river/plc1"
    assert (await bench.finish(call(name="Add"), viewer))[-1].reason == "denied: read may not call river/plc1"
    assert (await bench.finish(bench.command("mode", 1), viewer))[-1].reason.startswith("denied: read may not write")
    bench.hub.locked["river/plc1"] = Lock(device="river/plc1", actor="olga", since=0, expires=2**62)
    assert states(await bench.finish(call(arguments=(1, 2)), viewer))[-1] is S.DONE
    bench.device.reads = lambda name: False
    assert (await bench.finish(call(), caller))[-1].reason == "river/plc1 is locked by olga"


async def test_who_may_only_read_fills_no_record_with_questions(bench: Any) -> None:
    bench.device.reads = lambda name: name == "add"
    viewer, stranger = (
        Actor(name, (Role("part", (Permission(Right.READ, glob),)),)) for name, glob in (("rita", "*"), ("eve", "x/*"))
    )
    for actor, end in ((viewer, S.DONE), (stranger, S.REFUSED)):
        calls = [Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2)) for _ in range(60)]
        ends = [(await bench.finish(call, actor))[-1] for call in calls]
        asked_too_much = [ack for ack in ends if "asks too much" in ack.reason]
        assert (len(asked_too_much), ends[0].state) == (10, end)
        kept = [await bench.router.acks(call.key, OLGA) for call in calls[:50]]
        assert all(kept)
        for call in calls[50:]:
            with pytest.raises(NotFoundError):
                await bench.router.acks(call.key, OLGA)
    assert states(await bench.finish(calls[0], OLGA))[-1] is S.REFUSED
    again = Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2))
    assert states(await bench.finish(again, OLGA))[-1] is S.DONE


async def test_who_authorises_is_injected(make_bench: Any, plant: Any) -> None:
    def never(actor: Actor, command: Command, rights: Rights) -> None:
        raise DeniedError(f"not today, {actor.name}")

    bench = make_bench(plant, authorise=never)
    assert (await bench.finish())[-1].reason == "denied: not today, olga"


async def test_a_tag_whose_device_takes_no_commands(bench: Any) -> None:
    bench.plant.group(TagSpec(path="derived/x/y", access=RW))
    acks = await bench.finish(Command(target="derived/x/y", value=1.0))
    assert acks[-1].reason == "no device of this node takes commands for derived/x/y"
    with pytest.raises(ValueError, match="has a command handler already"):
        bench.router.register("river/plc1", bench.device)


async def test_interlock(bench: Any) -> None:
    bench.device.values["level"] = 0.5
    bench.scan()
    acks = await bench.finish()
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.REFUSED]
    assert acks[-1].reason == "interlock river/plc1/level > 1 is not met: river/plc1/level is 0.5 m"
    assert bench.device.entered == 0


@pytest.mark.parametrize("quality", [Quality.OUT_OF_RANGE, Quality.SENSOR_FAILURE])
async def test_an_interlock_refuses_on_doubt(bench: Any, quality: Quality) -> None:
    bench.scan(quality)
    acks = await bench.finish()
    assert acks[-1].state is S.REFUSED
    assert acks[-1].reason.startswith("interlock river/plc1/level > 1 cannot be judged: river/plc1/level is ")
    assert bench.device.entered == 0


async def test_an_interlock_refuses_on_a_stale_input(bench: Any) -> None:
    await bench.clock.advance(3.0)
    bench.hub._freshness.check()
    collected = bench.submit()
    acks = await collected
    assert acks[-1].reason == (
        "interlock river/plc1/level > 1 cannot be judged: "
        "river/plc1/level is stale: river/plc1 has not answered for 3.0 s"
    )


async def test_an_interlock_that_is_no_expression_refuses(make_bench: Any, plant: Any) -> None:
    bench = make_bench(plant)
    wrong = Setpoint(interlock="river/plc1/levle > 1")
    plant.group(TagSpec(path="river/plc1/odd", access=RW, setpoint=wrong))
    acks = await bench.finish(bench.command("odd", 1.0))
    assert "the interlock of river/plc1/odd is not valid: no tag 'river/plc1/levle'; did you mean" in acks[-1].reason


NAMED = {"river/plc1": {"add": Marks(interlock="river/plc1/level > 1")}}


async def test_a_named_command_has_an_interlock_whatever_the_case_of_its_name(bench: Any) -> None:
    bench.mark(NAMED)
    add = {"target": "river/plc1", "verb": Verb.CALL, "name": "ADD"}
    bench.scan(level=0.5)
    acks = await bench.finish(Command(**add))
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.REFUSED]
    assert acks[-1].reason == "interlock river/plc1/level > 1 is not met: river/plc1/level is 0.5 m"
    bench.scan(Quality.SENSOR_FAILURE)
    assert "cannot be judged" in (await bench.finish(Command(**add)))[-1].reason
    assert bench.device.entered == 0
    bench.scan(level=2.0)
    assert (await bench.finish(Command(**add)))[-1].state is not S.REFUSED
    bench.mark({})
    bench.scan(level=0.5)
    assert (await bench.finish(Command(**add)))[-1].state is not S.REFUSED


async def test_the_interlock_of_a_named_command_is_judged_again_when_people_let_it_go(bench: Any) -> None:
    bench.mark({"river/plc1": {"add": Marks(select=30.0, interlock="river/plc1/level > 1")}})
    bench.scan(level=2.0)
    command = Command(target="river/plc1", verb=Verb.CALL, name="add")
    collected = bench.submit(command)
    await bench.settle()
    bench.scan(level=0.5)
    await bench.router.consent.execute(command.key, OLGA)
    acks = await collected
    assert acks[-1].state is S.REFUSED
    assert "is not met" in acks[-1].reason
    assert bench.device.entered == 0


# ---- expiry and one at a time


async def test_expired_is_never_sent(bench: Any) -> None:
    acks = await bench.finish(bench.command(expires=bench.clock.wall_ns()))
    assert states(acks) == [S.REQUESTED, S.TIMED_OUT]
    assert acks[-1].reason == "its time was over before it was looked at; never sent"
    assert bench.device.entered == 0


@pytest.mark.parametrize(("value", "same"), [(50.0, True), (40.0, False)])
async def test_a_second_command_hears_whether_the_first_does_the_same(bench: Any, value: float, same: bool) -> None:
    bench.device.gate = asyncio.Event()
    first = bench.submit()
    await bench.settle()
    refused = (await bench.finish(bench.command(value=value)))[-1]
    assert refused.state is S.REFUSED
    assert being_done(refused) is same
    bench.device.gate.set()
    await bench.settle()
    bench.scan()
    assert being_done((await first)[-1]) is False


async def test_expired_while_another_write_holds_the_device(bench: Any) -> None:
    bench.device.gate = asyncio.Event()
    first = bench.submit(bench.command("mode", 1, expires=bench.clock.wall_ns() + 60 * 10**9))
    second = bench.submit(bench.command("auto", True, expires=bench.clock.wall_ns() + 2 * 10**9))
    await bench.clock.advance(3.0)
    acks = await second
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.TIMED_OUT]
    assert acks[-1].reason == "its time was over while it waited for river/plc1; never sent"
    bench.device.gate.set()
    await bench.settle()
    bench.scan()
    assert states(await first)[-1] is S.DONE
    assert bench.device.writes == [("river/plc1/mode", 1)]


async def test_the_interlock_is_judged_again_when_its_turn_comes(bench: Any) -> None:
    bench.device.gate = asyncio.Event()
    first = bench.submit(bench.command("mode", 1))
    second = bench.submit()
    await bench.settle()
    bench.scan(level=0.2)
    bench.device.gate.set()
    acks = await second
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.REFUSED]
    bench.scan()
    await first
    assert [path for path, _ in bench.device.writes] == ["river/plc1/mode"]


async def test_the_turn_passes_on_while_a_readback_is_awaited(bench: Any) -> None:
    first, second = bench.submit(), bench.submit(bench.command("mode", 1))
    await bench.settle()
    assert len(bench.device.writes) == 2
    bench.scan()
    assert states(await first)[-1] is states(await second)[-1] is S.DONE


async def test_double_click_is_one_write(bench: Any) -> None:
    command = bench.command()
    first, again = bench.submit(command), bench.submit(command)
    other = await bench.submit(bench.command())
    assert other[-1].reason == "another command to river/plc1/speed is under way, of olga"
    await bench.settle()
    bench.scan()
    assert await first == await again
    assert states(await first) == ALL_THE_WAY
    assert len(bench.device.writes) == 1
    assert await bench.finish(command) == await first, "a replay gets the acks of the past"
    assert len(bench.device.writes) == 1
    assert (await bench.finish())[-1].state is S.DONE, "the target is free again"


async def test_a_key_belongs_to_one_command(bench: Any) -> None:
    command = bench.command(key="k")
    first = await bench.finish(command)
    for other in (bench.command(value=60.0, key="k"), bench.command("mode", 1, key="k")):
        acks = await bench.finish(other)
        assert states(acks) == [S.REFUSED]
        assert "was used for another command" in acks[0].reason
    acks = await bench.finish(command, Actor("otto", OLGA.roles))
    assert states(acks) == [S.REFUSED]
    assert bench.journal._entries["k"].acks == first
    assert len(bench.device.writes) == 1


# ---- what the device may answer


async def test_a_lost_reply_is_unknown_and_never_repeated(bench: Any) -> None:
    bench.device.fault = NoAnswerError("no reply in 1 s")
    command = bench.command()
    acks = await bench.finish(command)
    assert states(acks)[-1] is S.UNKNOWN
    assert acks[-1].reason == "sent, and no conclusive reply: no reply in 1 s"
    bench.device.fault = None
    assert await bench.finish(command) == acks
    await bench.clock.advance(60)
    assert len(bench.device.writes) == 1


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (RefusedError("illegal data value"), S.FAILED, "device refused: illegal data value"),
        (NotConnectedError("connection refused"), S.FAILED, "not sent: connection refused"),
        (ConnectionResetError("reset by peer"), S.UNKNOWN, "sent, and no conclusive reply: reset by peer"),
        (TimeoutError(), S.UNKNOWN, "sent, and no conclusive reply: timed out"),
        (NotFoundError("no such tag"), S.FAILED, "no such tag"),
    ],
)
async def test_what_errors_of_the_device_mean(bench: Any, error: Exception, state: AckState, reason: str) -> None:
    bench.device.before = error
    acks = await bench.finish()
    assert (acks[-1].state, acks[-1].reason) == (state, reason)
    bench.device.before = None
    assert (await bench.finish())[-1].state is S.DONE


async def test_a_fault_of_a_driver_is_unknown_and_logged(bench: Any) -> None:
    bench.device.before = KeyError("oops")
    with capture_logs() as logs:
        acks = await bench.finish()
    assert acks[-1].state is S.UNKNOWN
    assert acks[-1].reason == "internal fault, KeyError: 'oops'"
    assert logs[0]["task"] == "send river/plc1/speed"


async def test_a_driver_that_never_returns(bench: Any) -> None:
    bench.device.gate = asyncio.Event()
    collected = bench.submit()
    await bench.clock.advance(DEFAULT_EXPIRY + WRITE_GRACE + 1)
    assert states(await collected)[-1] is S.UNKNOWN


async def test_calls(bench: Any) -> None:
    call = Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2))
    acks = await bench.finish(call)
    assert (states(acks), acks[-1].value) == ([S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.DONE], 3)
    unknown = Command(target="river/plc1", verb=Verb.CALL, name="jump")
    assert (await bench.finish(unknown))[-1].reason == "no command 'jump'"


async def test_a_long_call_holds_nobody_up(bench: Any) -> None:
    bench.device.gate = asyncio.Event()
    call = bench.submit(Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2)))
    await bench.clock.advance(CALL_GRACE)
    assert not call.done()
    bench.device.gate.set()
    bench.scan()
    assert states(await bench.finish())[-1] is S.DONE
    assert (await call)[-1].value == 3


@pytest.mark.parametrize("marks", [Marks(timeout=3.0), None])
async def test_a_call_that_never_returns_ends_unconfirmed_and_later_ones_work(bench: Any, marks: Marks | None) -> None:
    bench.mark({"river/plc1": {"add": marks or Marks()}})
    bench.device.gate = asyncio.Event()
    call = Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2))
    collected = bench.submit(call)
    grace = marks.timeout if marks else CALL_GRACE
    await bench.clock.advance(DEFAULT_EXPIRY + grace - 0.1)
    assert not collected.done()
    await bench.clock.advance(0.2)
    last = (await collected)[-1]
    assert last.state is S.UNKNOWN
    assert last.reason == f"sent, and no conclusive reply: unconfirmed, add has not returned for {grace:g} s"
    assert bench.router.statistics()["under_way"] == 0
    bench.device.gate = None
    again = Command(target="river/plc1", verb=Verb.CALL, name="add", arguments=(1, 2))
    assert (await bench.finish(again))[-1].value == 3


@pytest.mark.parametrize("verb", [Verb.CALL, Verb.WRITE])
async def test_the_interlock_is_judged_again_when_the_device_begins(bench: Any, verb: Verb) -> None:
    """Handed over, it may wait for its turn once more: what the device is at is known to it alone."""
    bench.mark(NAMED)
    gate, begun = asyncio.Event(), []

    async def execute(*_: Any, deadline: float | None = None) -> None:
        await gate.wait()
        BEFORE_IT_BEGINS.get()()
        begun.append(deadline)

    bench.device.call = bench.device.write = execute
    call = Command(target="river/plc1", verb=Verb.CALL, name="add")
    collected = bench.submit(call if verb is Verb.CALL else bench.command())
    await bench.settle()
    bench.scan(level=0.5)
    gate.set()
    acks = await collected
    assert states(acks) == [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.REFUSED]
    assert acks[-1].reason == "interlock river/plc1/level > 1 is not met: river/plc1/level is 0.5 m"
    assert begun == []


async def test_what_another_set_point_of_the_same_readback_tells_otherwise_ends_at_once(bench: Any) -> None:
    first = bench.submit(bench.command("valve_wanted", value=9.0))
    await bench.settle()
    same = bench.submit(bench.command("valve_back", value=9.0))
    await bench.settle()
    assert not first.done()
    bench.scan(level=9.0)
    bench.scan(level=9.0)
    assert (states(await first)[-1], states(await same)[-1]) == (S.DONE, S.DONE)
    first = bench.submit(bench.command("valve_wanted", value=3.0))
    await bench.settle()
    other = bench.submit(bench.command("valve_back", value=1.0))
    acks = await first
    assert states(acks)[-1] is S.FAILED
    assert "overtaken by river/plc1/valve_back = 1" in acks[-1].reason
    assert "of olga" in acks[-1].reason
    bench.scan(level=1.0)
    bench.scan(level=1.0)
    assert states(await other)[-1] is S.DONE
