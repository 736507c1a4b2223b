"""Overrides: who may, for how long, on record, over a restart; and what they do to commands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.hub.overrides import Overrides
from sereno.model import DeniedError, NotFoundError, Override, OverrideKind, Quality, RefusedError, Verb

EVA = Actor("eva", (ROLES["engineer"],), origin="10.0.0.7")
OLGA = Actor("olga", (ROLES["operator"],))
SPEED, LEVEL, DEVICE = "river/plc1/speed", "river/plc1/level", "river/plc1"
LONG = 60.0


class Journal:
    """Keeps overrides as a store does; `broken` is raised by everything that ends one."""

    def __init__(self) -> None:
        self.kept: dict[tuple[OverrideKind, str], Override] = {}
        self.told: list[tuple[Any, ...]] = []
        self.broken: Exception | None = None

    async def load(self) -> list[Override]:
        return list(self.kept.values())

    async def begin(self, override: Override, origin: str, old: Any) -> None:
        self.kept[override.kind, override.path] = override
        self.told.append(("begin", override.path, override.actor, origin, old))

    async def end(self, override: Override, by: str, origin: str, why: str) -> None:
        if self.broken:
            raise self.broken
        del self.kept[override.kind, override.path]
        self.told.append(("end", override.path, by, origin, why))

    async def refused(self, kind: OverrideKind, path: str, by: str, origin: str, why: str) -> None:
        self.told.append(("refused", path, by, origin, why))


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def overrides(bench: Any, journal: Journal) -> AsyncIterator[Overrides]:
    made = Overrides(bench.hub, bench.clock, journal, [DEVICE])
    await made.load()
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def shown(bench: Any, path: str = SPEED) -> tuple[Any, int]:
    reading = bench.hub.readings.one(bench.hub.table.handle(path))
    return reading.value, reading.quality


async def test_without_an_override_there_is_nothing_to_look_after(bench: Any, overrides: Overrides) -> None:
    sleeps, sleep = [], bench.clock.sleep

    def counted(seconds: float) -> Any:
        sleeps.append(seconds)
        return sleep(seconds)

    bench.clock.sleep = counted
    await bench.clock.advance(60)
    assert sleeps == []
    await overrides.substitute(LEVEL, 2, EVA, reason="probe removed", seconds=5)
    await bench.clock.advance(60)
    assert 10 <= len(sleeps) <= 12
    assert shown(bench, LEVEL)[1] != Quality.SUBSTITUTED


async def test_from_begin_to_the_end_of_its_time(bench: Any, overrides: Overrides, journal: Journal) -> None:
    made = await overrides.substitute(LEVEL, 2, EVA, reason=" probe removed ", seconds=LONG)
    assert (made.value, made.reason, made.actor) == (2.0, "probe removed", "eva")
    assert made.expires - made.since == 60 * 10**9
    bench.scan(level=7.0)
    assert shown(bench, LEVEL) == (2.0, Quality.SUBSTITUTED)
    (known,) = await overrides.substitutions(OLGA)
    assert (known.override, known.own.value) == (made, 7.0)
    await bench.clock.advance(LONG - 1)
    assert shown(bench, LEVEL)[1] == Quality.SUBSTITUTED
    await bench.clock.advance(2)
    assert shown(bench, LEVEL) == (7.0, 0)
    assert await overrides.substitutions(EVA) == []
    assert journal.told == [
        ("begin", LEVEL, "eva", "10.0.0.7", 4.0),
        ("end", LEVEL, "sereno", "", "its time is over"),
    ]


async def test_by_hand(bench: Any, overrides: Overrides, journal: Journal) -> None:
    await overrides.substitute(LEVEL, 2, EVA, reason="probe", seconds=LONG)
    await overrides.end_substitution(LEVEL, EVA)
    assert shown(bench, LEVEL) == (4.0, 0)
    assert journal.told[-1] == ("end", LEVEL, "eva", "10.0.0.7", "by hand")
    with pytest.raises(NotFoundError, match="no substitution"):
        await overrides.end_substitution(LEVEL, EVA)


async def test_a_second_one_replaces_the_first_with_its_time(bench: Any, overrides: Overrides) -> None:
    await overrides.substitute(LEVEL, 2, EVA, reason="probe", seconds=10)
    await overrides.substitute(LEVEL, 3, EVA, reason="better guess", seconds=LONG)
    await bench.clock.advance(20)
    assert shown(bench, LEVEL) == (3.0, Quality.SUBSTITUTED)


async def test_types_as_people_write_them(bench: Any, overrides: Overrides) -> None:
    made = await overrides.substitute("river/plc1/mode", "on", EVA, reason="x", seconds=LONG)
    assert made.value == "on"
    assert shown(bench, "river/plc1/mode") == ("on", Quality.SUBSTITUTED)
    with pytest.raises(RefusedError, match="takes 'off', 'on'"):
        await overrides.substitute("river/plc1/mode", "of", EVA, reason="x", seconds=LONG)
    await overrides.substitute(SPEED, 150, EVA, reason="beyond what may be commanded", seconds=LONG)


BAD = [("", 60), ("  ", 60), ("x" * 501, 60), ("x", 0), ("x", -1), ("x", float("nan")), ("x", 32 * 86400)]


@pytest.mark.parametrize(("reason", "seconds"), BAD)
async def test_a_reason_and_an_end_are_needed(overrides: Overrides, reason: str, seconds: float) -> None:
    with pytest.raises(RefusedError, match=r"reason|duration"):
        await overrides.substitute(LEVEL, 2, EVA, reason=reason, seconds=seconds)
    assert await overrides.substitutions(EVA) == []


async def test_operators_may_not_and_that_is_on_record(bench: Any, overrides: Overrides, journal: Journal) -> None:
    with pytest.raises(DeniedError, match="olga has no right to substitute river/plc1/level"):
        await overrides.substitute(LEVEL, 2, OLGA, reason="x", seconds=LONG)
    with pytest.raises(DeniedError, match="configure"):
        await overrides.tag_out(DEVICE, OLGA, reason="x")
    assert [told[:3] for told in journal.told] == [("refused", LEVEL, "olga"), ("refused", DEVICE, "olga")]
    assert shown(bench, LEVEL) == (4.0, 0)
    await overrides.substitute(LEVEL, 2, EVA, reason="x", seconds=LONG)
    with pytest.raises(DeniedError):
        await overrides.end_substitution(LEVEL, OLGA)
    blind = Actor("b", (Role("b", (Permission(Right.SUBSTITUTE),)),))
    with pytest.raises(NotFoundError):
        await overrides.substitute(LEVEL, 2, blind, reason="x", seconds=LONG)
    assert await overrides.substitutions(blind) == []


async def test_written_only_tags_have_no_value_to_substitute(overrides: Overrides) -> None:
    with pytest.raises(RefusedError, match="written only"):
        await overrides.substitute("river/plc1/reset", True, EVA, reason="x", seconds=LONG)


async def test_after_a_restart_it_stands_before_the_device_answers(
    make_plant: Any, make_bench: Any, bench: Any, overrides: Overrides, journal: Journal
) -> None:
    await overrides.substitute(LEVEL, 2, EVA, reason="x", seconds=LONG)
    await overrides.tag_out(DEVICE, EVA, reason="seals")
    restarted = make_bench(make_plant(bench.clock))
    again = Overrides(restarted.hub, bench.clock, journal, [DEVICE])
    await again.load()
    restarted.scan(level=9.0)
    assert shown(restarted, LEVEL) == (2.0, Quality.SUBSTITUTED)
    assert [o.path for o in await again.tagged_out(EVA)] == [DEVICE]


async def test_what_is_gone_or_over_is_not_taken_up(bench: Any, journal: Journal) -> None:
    def kept(kind: OverrideKind, path: str, value: Any = None, expires: int = 0) -> None:
        journal.kept[kind, path] = Override(
            kind=kind, path=path, value=value, reason="x", actor="eva", since=1, expires=expires
        )

    kept(OverrideKind.SUBSTITUTION, "river/plc1/gone", 1.0)
    kept(OverrideKind.SUBSTITUTION, LEVEL, 1.0, expires=2)
    kept(OverrideKind.SUBSTITUTION, "river/plc1/mode", "a label of the past")
    kept(OverrideKind.MAINTENANCE, "river/plc9")
    again = Overrides(bench.hub, bench.clock, journal, [DEVICE])
    await again.load()
    assert journal.kept == {}
    whys = {told[1]: told[4].partition(":")[0] for told in journal.told}
    assert whys == {
        "river/plc1/gone": "the tag is gone",
        LEVEL: "its time is over",
        "river/plc1/mode": "the tag has changed",
        "river/plc9": "the device is gone",
    }
    assert await again.substitutions(EVA) == []


async def test_it_ends_even_where_the_disk_is_full(bench: Any, overrides: Overrides, journal: Journal) -> None:
    await overrides.substitute(LEVEL, 2, EVA, reason="x", seconds=5)
    journal.broken = OSError("disk full")
    await bench.clock.advance(6)
    assert shown(bench, LEVEL) == (4.0, 0)


async def test_commands_to_a_device_in_maintenance_are_refused(bench: Any, overrides: Overrides) -> None:
    await overrides.tag_out(DEVICE, EVA, reason="new seals", seconds=LONG)
    ack = (await bench.finish())[-1]
    assert (ack.state, bench.device.entered) == ("refused", 0)
    assert ack.reason.startswith("river/plc1 is out for maintenance: new seals (eva, until 20")
    called = (await bench.finish(bench.command("", verb=Verb.CALL)))[-1]
    assert called.state == "refused"
    await overrides.tag_in(DEVICE, EVA)
    assert (await bench.finish())[-1].state == "done"


async def test_maintenance_without_end_ends_by_hand_only(bench: Any, overrides: Overrides) -> None:
    await overrides.tag_out(DEVICE, EVA, reason="new seals")
    await bench.clock.advance(LONG)
    assert "maintenance: new seals (eva)" in (await bench.finish())[-1].reason


async def test_a_command_that_waited_meanwhile_is_refused_too(bench: Any, overrides: Overrides) -> None:
    bench.device.gate = asyncio.Event()
    first = bench.submit()
    await bench.settle()
    second = bench.submit(bench.command("auto", True))
    await bench.settle()
    await overrides.tag_out(DEVICE, EVA, reason="seals")
    bench.device.gate.set()
    await bench.settle()
    assert (await second)[-1].state == "refused"
    assert len(bench.device.writes) == 1
    first.cancel()


async def test_maintenance_covers_what_is_below(bench: Any, overrides: Overrides) -> None:
    await overrides.tag_out(DEVICE, EVA, reason="seals")
    assert bench.hub.out_of_service("river/plc1/axis") is not None
    assert bench.hub.out_of_service("river/plc10") is None


async def test_an_interlock_on_a_substitute_says_so(bench: Any, overrides: Overrides) -> None:
    await overrides.substitute(LEVEL, 3, EVA, reason="probe", seconds=LONG)
    acks = await bench.finish()
    assert acks[-1].state == "done"
    assert acks[-1].reason == "interlock judged by substituted river/plc1/level"
    await overrides.substitute(LEVEL, 0.5, EVA, reason="probe", seconds=LONG)
    refused = (await bench.finish())[-1]
    assert (refused.state, "is not met" in refused.reason) == ("refused", True)


async def test_what_ends_by_hand_while_another_is_put_on_record_ends_once(
    bench: Any, overrides: Overrides, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "river/plc9"
    await overrides.tag_out(DEVICE, EVA, reason="pump", seconds=0)
    bench.hub.out[other] = replace(bench.hub.out[DEVICE], path=other)
    journal.kept[OverrideKind.MAINTENANCE, other] = bench.hub.out[other]
    monkeypatch.setattr(overrides, "_devices", [])
    end, slow = journal.end, asyncio.Event()

    async def ends(override: Override, by: str, origin: str, why: str) -> None:
        if override.path == DEVICE:
            await slow.wait()
        await end(override, by, origin, why)

    monkeypatch.setattr(journal, "end", ends)
    following = asyncio.create_task(overrides.follow())
    await asyncio.sleep(0)
    monkeypatch.setattr(overrides, "_devices", [other])
    await overrides.tag_in(other, EVA)
    slow.set()
    await following
    assert [told[1:3] for told in journal.told if told[0] == "end"] == [(other, "eva"), (DEVICE, "sereno")]
