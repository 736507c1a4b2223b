from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.client import Asker, done
from sereno.model import RefusedError
from sereno.testing import DeviceTest, JumpingClock, jumping
from sereno_observatory.sequences import Event, Image, Sequences, Slot
from sereno_observatory.sequences.book import Book
from sereno_observatory.sequences.levels import Level, Levels, period_start
from sereno_observatory.sequences.model import longest
from tests.observatory.sequences.asked import EPOCH, TOML, asked

STAFF = {"name": "staff", "roles": ["admin"], "override": True}
OBSERVERS = {"name": "observers", "users": ["vera"], "roles": ["operator"], "priority": 5, "quota": "100s"}
GUESTS = {"name": "guests", "priority": 0, "quota": 30}
VERA, ADMIN, NOBODY = (
    Asker("vera", "vera", "person", ("viewer",)),
    Asker("root:key", "root", "token", ("admin",)),
    Asker("max", "max", "person", ("viewer",)),
)

NEARLY_NOON = 179.9
"""Degrees east: it is noon there 24 s after the clock's epoch."""
ACTORS = {
    "vera": Actor("vera", (ROLES["operator"],)),
    "root": Actor("root:key", (ROLES["admin"],), "token"),
    "observer": Actor("agent/site/observer", (ROLES["admin"],), "agent"),
    "max": Actor("max", (Role("asking", (Permission(Right.CALL),)),)),
}


def levels(*tables: dict[str, Any]) -> Levels:
    return Levels([Level(**table) for table in tables])


@asynccontextmanager
async def book_of(folder: Path, clock: JumpingClock, *tables: dict[str, Any]) -> AsyncIterator[Any]:
    async with DeviceTest(
        Sequences, clock=clock, folder=folder, latitude=0.0, longitude=NEARLY_NOON, levels=list(tables)
    ) as book:
        yield book


async def add(book: Any, who: Asker, *more: str, exposure: float = 20.0, priority: int = 0) -> list[int]:
    text = TOML.replace("exposure = 20", f"exposure = {exposure}").replace("priority = 5", f"priority = {priority}")
    client = book.client.as_actor(ACTORS[who.person])
    numbers: list[int] = done(await client.call(book.path, "add", text, *more)).value
    return numbers


async def tell(book: Any, name: str, *arguments: Any, who: str = "observer") -> Any:
    return done(await book.client.as_actor(ACTORS[who]).call(book.path, name, *arguments)).value


def test_a_person_counts_before_a_role_and_the_rest_is_last() -> None:
    found = levels(GUESTS, STAFF, OBSERVERS)
    assert [found.of(one).name for one in (VERA, ADMIN, NOBODY)] == ["observers", "staff", "guests"]  # type: ignore[union-attr]
    assert levels(STAFF).of(NOBODY) is None
    assert levels(STAFF).of(Asker("console", "console", "token", ("admin",))) is None
    with pytest.raises(RefusedError, match="max has no level at this site; the levels are staff"):
        levels(STAFF).account(NOBODY, "")


def test_only_who_may_speaks_for_others() -> None:
    found = levels(STAFF, OBSERVERS)
    assert found.account(ADMIN, "vera") == ("vera", None)
    with pytest.raises(RefusedError, match=r"vera \(observers\) may not ask in the name of root"):
        found.account(VERA, "root")


def test_without_levels_all_is_as_it_was() -> None:
    account, level = Levels([]).account(VERA, "")
    assert account == "vera"
    assert level is not None
    assert (level.priority, level.quota) == (None, None)


@jumping
async def test_the_book_refuses_what_a_level_does_not_allow_and_says_why(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, STAFF, OBSERVERS, GUESTS) as book:
        with pytest.raises(RefusedError, match=r"has priority 6; that of vera \(observers\) is at most 5"):
            await add(book, VERA, priority=6)
        assert await add(book, VERA, exposure=30.0) == [1]
        refused = (
            r"vera \(observers\) has 100 s of exposure a night: 0 s are taken and 70 s wait; these would be 70 s more"
        )
        with pytest.raises(RefusedError, match=refused):
            await add(book, VERA, exposure=30.0)
        assert await add(book, ADMIN, "vera", exposure=30.0, priority=9) == [2]
        with pytest.raises(RefusedError, match=r"max \(guests\)"):
            await add(book, NOBODY)
        await clock.sleep(6)
        used = [json.loads(line) for line in await book.read("usage")]
        assert [(one["account"], one["level"], one["waiting"], one["quota"]) for one in used] == [
            ("vera", "observers", 140, 100.0)
        ]


@jumping
async def test_what_was_taken_counts_until_noon(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, OBSERVERS) as book:
        await add(book, VERA, exposure=45.0)
        await tell(book, "start", 1)
        for slot in (Slot(0, 0, 1), Slot(0, 0, 2)):
            shot = Image(slot=slot, file=f"{slot}", t_start=clock.wall_ns(), seconds=45.0, detector="Visible camera")
            await tell(book, "record", 1, msgspec.json.encode(shot).decode())
        await tell(book, "conclude", 1, "finish")
        with pytest.raises(RefusedError, match="100 s are taken and 0 s wait"):
            await add(book, VERA, exposure=1.0)
        await clock.sleep(30)
        assert await add(book, VERA, exposure=45.0) == [2]


@given(st.integers(0, 2**61), st.floats(-180, 360), st.integers(1, 30))
def test_a_period_begins_at_noon_of_the_site(t_ns: int, longitude: float, nights: int) -> None:
    begun = period_start(t_ns, longitude, nights)
    day = 86_400 * 10**9
    assert (nights - 1) * day <= t_ns - begun < nights * day
    local = begun + round(longitude * 240e9)
    assert local % day == day // 2


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e4)), max_size=9))
def test_detectors_expose_at_the_same_time(exposures: list[tuple[int, float]]) -> None:
    together = longest(exposures)
    assert together <= sum(seconds for _, seconds in exposures) + 1e-6
    assert all(together >= seconds for _, seconds in exposures)


def named(text: str, observer: str) -> str:
    return text.replace("priority = 5", f'priority = 5\nobserver = "{observer}"')


def of_frames(frame: str) -> str:
    return TOML.replace('target = "', 'program = "').replace("exposure = 20", f'exposure = 20\nframe = "{frame}"')


@jumping
async def test_what_needs_no_sky_has_as_much_again(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, {**OBSERVERS, "quota": "50s"}) as book:
        vera = book.client.as_actor(ACTORS["vera"])
        assert await add(book, VERA) == [1]
        assert done(await vera.call(book.path, "add", of_frames("dark"))).value == [2]
        with pytest.raises(RefusedError, match="50 s of exposure without sky a night: 0 s are taken and 50 s wait"):
            done(await vera.call(book.path, "add", of_frames("dark")))
        used = json.loads(done(await vera.call(book.path, "quotas")).value)["own"]
        assert (used["taken"], used["waiting"]) == (0, 50)


@jumping
async def test_light_without_a_target_counts(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, OBSERVERS) as book:
        vera = book.client.as_actor(ACTORS["vera"])
        assert [done(await vera.call(book.path, "add", of_frames("light"))).value for _ in range(2)] == [[1], [2]]
        with pytest.raises(RefusedError, match=r"100 s of exposure a night: 0 s are taken and 100 s wait"):
            done(await vera.call(book.path, "add", of_frames("light")))


@jumping
async def test_images_that_nobody_asked_for_make_no_room(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, OBSERVERS) as book:
        await add(book, VERA)
        shot = Image(slot=Slot(0, 0, 1), file="a", t_start=clock.wall_ns(), seconds=-900.0, detector="Visible camera")
        with pytest.raises(RefusedError, match=r"image: Expected `float` >= 0.0 - at `\$\.seconds`"):
            await tell(book, "record", 1, msgspec.json.encode(shot).decode())
        for slot in (Slot(0, 0, 3), Slot(0, 1, 1), Slot(-1, 0, 1), Slot(1, 0, 1), Slot(0, 0, 0)):
            strange = msgspec.json.encode(msgspec.structs.replace(shot, slot=slot, seconds=0.0)).decode()
            with pytest.raises(RefusedError, match="sequence 1 asks for none of"):
                await tell(book, "record", 1, strange)


@jumping
async def test_everybody_cancels_their_own_and_others_those_of_a_level_that_overrides(
    clock: JumpingClock, tmp_path: Path
) -> None:
    async with book_of(tmp_path, clock, STAFF, OBSERVERS, {**GUESTS, "quota": 300}) as book:
        for who in (VERA, NOBODY, VERA, VERA):
            await add(book, who, exposure=1.0)
        with pytest.raises(RefusedError, match=r"max \(guests\) may not cancel what vera asked for, only their own"):
            await tell(book, "cancel", 1, who="max")
        assert json.loads(await tell(book, "show", 1, who="max"))["account"] == "vera"
        assert await tell(book, "cancel", 1, who="vera") == "CANCELLED"
        assert await tell(book, "cancel", 2, who="max") == "CANCELLED"
        assert await tell(book, "cancel", 3, who="root") == "CANCELLED"
        assert await tell(book, "cancel", 4, who="observer") == "CANCELLED"


@jumping
async def test_what_nobodys_account_asked_for_is_cancelled_by_who_overrides(
    clock: JumpingClock, tmp_path: Path
) -> None:
    earlier = Book(tmp_path / "observatory.db")
    earlier.add([asked()], EPOCH)
    earlier.close()
    async with book_of(tmp_path, clock, STAFF, OBSERVERS) as book:
        with pytest.raises(RefusedError, match=r"vera \(observers\) may not cancel what nobody's account asked for"):
            await tell(book, "cancel", 1, who="vera")
        assert await tell(book, "cancel", 1, who="root") == "CANCELLED"


@jumping
async def test_how_a_sequence_fares_is_said_by_the_observer(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, STAFF, OBSERVERS, GUESTS) as book:
        await add(book, VERA, exposure=1.0)
        for name, *arguments in (("start", 1), ("record", 1, "{}"), ("conclude", 1, "finish")):
            with pytest.raises(
                RefusedError, match=rf"vera \(observers\) may not {name}.* a sequence; that is for the obs"
            ):
                await tell(book, name, *arguments, who="vera")
        assert json.loads(await tell(book, "show", 1))["status"] == "TOBEPLANNED"
        await tell(book, "start", 1)
        assert await tell(book, "conclude", 1, "finish", who="root") == "EXECUTED"


@jumping
async def test_an_agent_that_a_level_names_is_one_of_its_users(clock: JumpingClock, tmp_path: Path) -> None:
    alerts = {"name": "alerts", "users": ["agent/site/observer"]}
    async with book_of(tmp_path, clock, OBSERVERS, alerts) as book:
        await add(book, VERA, exposure=1.0)
        with pytest.raises(RefusedError, match=r"agent/site/observer \(alerts\) may not cancel"):
            await tell(book, "cancel", 1)


@jumping
async def test_nobody_writes_in_the_name_of_another_not_even_in_the_text(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, STAFF, OBSERVERS) as book:
        text = named(TOML.replace("exposure = 20", "exposure = 1"), "max")
        with pytest.raises(RefusedError, match=r"vera \(observers\) may not ask in the name of max"):
            await tell(book, "add", text, who="vera")
        assert await tell(book, "add", text.replace('"max"', '"vera"'), who="vera") == [1]
        assert await tell(book, "add", text, who="root") == [2]
        assert await tell(book, "add", TOML.replace("exposure = 20", "exposure = 1"), who="vera") == [3]
        shown = [json.loads(await tell(book, "show", number)) for number in (1, 2, 3)]
        assert [(one["account"], one["sequence"]["observer"]) for one in shown] == [
            ("vera", "vera"), ("max", "max"), ("vera", "vera"),
        ]  # fmt: skip


@jumping
async def test_bias_frames_cost_their_readouts(clock: JumpingClock, tmp_path: Path) -> None:
    async with book_of(tmp_path, clock, OBSERVERS) as book:
        bias = of_frames("bias").replace("exposure = 20", "exposure = 0.0")
        for number in range(1, 11):
            assert await tell(book, "add", bias, who="vera") == [number]
        with pytest.raises(RefusedError, match="exposure without sky a night: 0 s are taken and 100 s wait"):
            await tell(book, "add", bias, who="vera")


def test_only_accounts_that_have_something_are_read(tmp_path: Path) -> None:
    book = Book(tmp_path / "observatory.db")
    for number, who in enumerate(("vera", "max", "ida"), 1):
        assert book.add([asked(observer=who)], EPOCH, {who: "guests"}) == [number]
    book.happen(2, Event.CANCEL, EPOCH)
    book.start(3, EPOCH)
    book.record(3, Image(slot=Slot(0, 0, 1), file="a", t_start=EPOCH, seconds=1.0, detector="Visible camera"))
    book.happen(3, Event.FINISH, EPOCH)
    assert book.accounts(EPOCH) == {"vera": "guests", "ida": "guests"}
    assert book.accounts(EPOCH + 1) == {"vera": "guests"}
    book.close()
