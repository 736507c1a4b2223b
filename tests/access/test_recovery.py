"""The way back for a lost administrator: a password from the console, good once and for an hour."""

from __future__ import annotations

import pytest

from sereno.access import accounts as module
from sereno.access.accounts import Accounts
from sereno.access.actor import Right
from sereno.model import DeniedError, NotFoundError
from sereno.testing import JumpingClock

NEW = "a password of my own"


@pytest.fixture
async def password(accounts: Accounts) -> str:
    """Ann, an operator who was shut out, is recovered."""
    await accounts.set_disabled("ann", True, by="eve")
    return await accounts.recover("ann", by="console", origin="anna on pumphouse")


async def test_nothing_is_allowed_until_another_password_is_chosen(accounts: Accounts, password: str) -> None:
    signed_in = await accounts.sign_in("ann", password, "10.0.0.1")
    assert signed_in.once
    actor = await accounts.sessions.actor(signed_in.secret)
    assert actor is not None
    assert [right for right in Right if actor.may_somewhere(right)] == []
    await accounts.change_password("ann", password, NEW, session=signed_in.secret, origin="10.0.0.1")
    actor = await accounts.sessions.actor(signed_in.secret)
    assert actor is not None
    assert actor.may(Right.USERS)
    assert not (await accounts.sign_in("ann", NEW, "10.0.0.1")).once
    with pytest.raises(DeniedError):
        await accounts.sign_in("ann", password, "10.0.0.1")


async def test_it_is_good_for_an_hour(accounts: Accounts, password: str, clock: JumpingClock) -> None:
    clock.advance(module.ONCE + 1)
    with pytest.raises(DeniedError, match="name or password is wrong"):
        await accounts.sign_in("ann", password, "10.0.0.1")


async def test_it_is_on_record_as_what_it_is_and_stays_visible(accounts: Accounts, password: str) -> None:
    (record,) = (await accounts.audit.entries())[:1]
    assert (record.action, record.actor, record.target, record.origin) == (
        "user.recover",
        "console",
        "ann",
        "anna on pumphouse",
    )
    assert record.old == {"roles": ["operator"], "state": "disabled"}
    assert record.new == {"roles": ["admin", "operator"], "state": "enabled"}
    await accounts.set_password("ann", NEW, by="eve")
    (ann,) = await accounts.users()
    assert ann.recovered == record.t
    assert not ann.once


async def test_earlier_sessions_end(accounts: Accounts) -> None:
    before = await accounts.sessions.open("ann", "10.0.0.1")
    await accounts.recover("ann", by="console")
    assert await accounts.sessions.actor(before.secret) is None


async def test_who_does_not_exist_is_not_made(accounts: Accounts) -> None:
    with pytest.raises(NotFoundError, match="no user 'bob'"):
        await accounts.recover("bob", by="console")
