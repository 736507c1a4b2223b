from __future__ import annotations

import pytest
from sqlalchemy import text

from sereno.access.accounts import Accounts
from sereno.access.actor import Right
from sereno.access.session_limits import RoleLimits, SessionLimits
from sereno.model import DeniedError, NotFoundError
from sereno.store import people
from sereno.store.engine import Store
from sereno.testing import JumpingClock


async def test_a_session_is_its_person_with_their_roles(accounts: Accounts) -> None:
    made = await accounts.sessions.open("ann", "10.0.0.1")
    actor = await accounts.sessions.actor(made.secret, "10.0.0.9")
    assert actor is not None
    assert (actor.name, actor.kind, actor.origin) == ("ann", "person", "10.0.0.9")
    assert actor.may(Right.WRITE, "a/b")
    assert not actor.may(Right.USERS)


async def test_only_digests_are_stored(accounts: Accounts, store: Store) -> None:
    made = await accounts.sessions.open("ann", "")
    ticket = await accounts.sessions.ticket("ann")
    _, token = await accounts.tokens.issue("ann", "ci", "viewer", 60.0)
    stored = await store.run(
        lambda c: repr([c.execute(text(f"SELECT * FROM {t}")).all() for t in ("sessions", "tickets", "tokens")])
    )
    for secret in (made.secret, ticket, token, token.removeprefix("srn_")):
        assert len(secret) >= 43
        assert secret not in stored


@pytest.mark.parametrize("secret", ["", "x", "é", "\ud800", "a" * 10_000])
async def test_what_was_never_given_out_is_nobody(accounts: Accounts, secret: str) -> None:
    await accounts.sessions.open("ann", "")
    assert await accounts.sessions.actor(secret) is None
    assert await accounts.tokens.actor("srn_" + secret) is None
    assert await accounts.sessions.redeem(secret) is None


async def test_an_unused_session_ends(accounts: Accounts, clock: JumpingClock) -> None:
    made = await accounts.sessions.open("ann", "")
    clock.advance(599)
    assert await accounts.sessions.actor(made.secret)
    clock.advance(599)
    assert await accounts.sessions.actor(made.secret)
    clock.advance(601)
    assert await accounts.sessions.actor(made.secret) is None
    assert await accounts.sessions.actor(made.secret) is None


async def test_watching_is_not_using(accounts: Accounts, clock: JumpingClock) -> None:
    made = await accounts.sessions.open("ann", "")
    for _ in range(9):
        clock.advance(65)
        assert await accounts.sessions.actor(made.secret, use=False)
    clock.advance(65)
    assert await accounts.sessions.actor(made.secret, use=False) is None


async def test_even_a_busy_session_ends(accounts: Accounts, clock: JumpingClock) -> None:
    made = await accounts.sessions.open("ann", "")
    for _ in range(35):
        clock.advance(100)
        assert await accounts.sessions.actor(made.secret)
    clock.advance(100)
    assert await accounts.sessions.actor(made.secret) is None


async def test_sign_out_ends_one_session_only(accounts: Accounts) -> None:
    first, second = [await accounts.sessions.open("ann", "") for _ in range(2)]
    assert await accounts.sessions.end(first.secret)
    assert not await accounts.sessions.end(first.secret)
    assert await accounts.sessions.actor(first.secret) is None
    assert await accounts.sessions.actor(second.secret)


async def test_old_sessions_are_swept(accounts: Accounts, clock: JumpingClock, store: Store) -> None:
    for _ in range(3):
        await accounts.sessions.open("ann", "")
        await accounts.sessions.ticket("ann")
    clock.advance(601)
    await accounts.sessions.open("ann", "")
    counts = await store.run(lambda c: [c.scalar(text(f"SELECT count(*) FROM {t}")) for t in ("sessions", "tickets")])
    assert counts == [1, 0]


async def test_a_link_works_once(accounts: Accounts) -> None:
    ticket = await accounts.sessions.ticket("ann")
    made = await accounts.sign_in_once(ticket, "127.0.0.1")
    assert made is not None
    assert made.user == "ann"
    assert await accounts.sign_in_once(ticket, "127.0.0.1") is None


async def test_a_link_runs_out(accounts: Accounts, clock: JumpingClock) -> None:
    ticket = await accounts.sessions.ticket("ann")
    clock.advance(60)
    assert await accounts.sign_in_once(ticket, "") is None


async def test_links_are_for_people_who_may_sign_in(accounts: Accounts) -> None:
    with pytest.raises(NotFoundError, match="no user 'bob'"):
        await accounts.sessions.ticket("bob")
    ticket = await accounts.sessions.ticket("ann")
    await accounts.set_disabled("ann", True, by="test")
    assert await accounts.sign_in_once(ticket, "") is None
    with pytest.raises(DeniedError):
        await accounts.sessions.open("ann", "")


SHORT = SessionLimits(600.0, 3600.0, roles={"admin": RoleLimits(120.0, 900.0), "wall": RoleLimits(1e6, 1e6)})


@pytest.mark.parametrize(
    ("roles", "idle", "absolute"),
    [
        (["operator"], 600.0, 3600.0),
        (["admin"], 120.0, 900.0),
        (["operator", "admin"], 120.0, 900.0),
        (["wall"], 1e6, 1e6),
        (["wall", "viewer"], 600.0, 3600.0),
        ([], 600.0, 3600.0),
    ],
)
def test_of_several_roles_the_shortest_times_count(roles: list[str], idle: float, absolute: float) -> None:
    assert SHORT.of(roles) == RoleLimits(idle, absolute)


def test_the_powerful_have_shorter_times_unless_something_is_said() -> None:
    assert SessionLimits().of(["admin"]) == SessionLimits().of(["engineer"]) == RoleLimits(7200.0, 43200.0)
    assert SessionLimits(idle=60.0).of(["admin"]) == RoleLimits(60.0, 43200.0)


@pytest.mark.parametrize(("role", "idle"), [("operator", 600.0), ("admin", 120.0)])
async def test_idle_by_role(store: Store, clock: JumpingClock, role: str, idle: float) -> None:
    accounts = Accounts(store, clock, limits=SHORT)
    await store.run(lambda c: people.add_user(c, "eve", "", [role], clock.wall_ns()))
    made = await accounts.sessions.open("eve", "")
    clock.advance(idle - 1)
    assert await accounts.sessions.actor(made.secret) is not None
    clock.advance(idle + 1)
    assert await accounts.sessions.all() == []
    assert await accounts.sessions.actor(made.secret) is None


@pytest.mark.parametrize(("role", "absolute"), [("operator", 3600.0), ("admin", 900.0)])
async def test_absolute_by_role_however_busy(store: Store, clock: JumpingClock, role: str, absolute: float) -> None:
    accounts = Accounts(store, clock, limits=SHORT)
    await store.run(lambda c: people.add_user(c, "eve", "", [role], clock.wall_ns()))
    made = await accounts.sessions.open("eve", "")
    assert made.expires == clock.wall_ns() + int(absolute * 1e9)
    while clock.monotonic() < absolute - 70:
        clock.advance(70.0)
        assert await accounts.sessions.actor(made.secret) is not None
    clock.advance(70.0)
    assert await accounts.sessions.actor(made.secret) is None


async def test_a_role_that_is_given_shortens_sessions_that_are_open(store: Store, clock: JumpingClock) -> None:
    accounts = Accounts(store, clock, limits=SHORT)
    await store.run(lambda c: people.add_user(c, "eve", "", ["operator"], clock.wall_ns()))
    made = await accounts.sessions.open("eve", "")
    clock.advance(300.0)
    assert await accounts.sessions.actor(made.secret, use=False) is not None
    await accounts.set_roles("eve", ["admin"], by="test")
    assert await accounts.sessions.actor(made.secret, use=False) is None
