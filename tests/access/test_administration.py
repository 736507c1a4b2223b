from __future__ import annotations

import pytest

from sereno.access.accounts import Accounts, TooManyAttemptsError
from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.access.opaque import digest
from sereno.access.sessions import session_id
from sereno.model import DeniedError, NotFoundError, RefusedError

PASSWORD = "correct horse battery"


async def test_the_last_administrator_stays(accounts: Accounts) -> None:
    await accounts.add_user("adm", PASSWORD, ["admin"], by="test")
    with pytest.raises(RefusedError, match="last administrator"):
        await accounts.set_disabled("adm", True, by="test")
    with pytest.raises(RefusedError, match="last administrator"):
        await accounts.set_roles("adm", ["operator"], by="test")
    assert {u.name: (u.roles, u.disabled) for u in await accounts.users()}["adm"] == (("admin",), False)
    await accounts.add_user("eve", PASSWORD, ["admin"], by="test")
    await accounts.set_disabled("adm", True, by="test")
    with pytest.raises(RefusedError, match="'eve' is the last"):
        await accounts.set_roles("eve", ["viewer"], by="test")


async def test_own_password_keeps_one_session_only(accounts: Accounts) -> None:
    here, there = [(await accounts.sessions.open("ann", "a")).secret for _ in range(2)]
    with pytest.raises(DeniedError, match="present password"):
        await accounts.change_password("ann", "wrong", "another good one", session=here, origin="a")
    with pytest.raises(ValueError, match="expected 12"):
        await accounts.change_password("ann", PASSWORD, "short", session=here, origin="a")
    await accounts.change_password("ann", PASSWORD, "another good one", session=here, origin="a")
    assert await accounts.sessions.actor(here) is not None
    assert await accounts.sessions.actor(there) is None
    assert (await accounts.sign_in("ann", "another good one", "a")).user == "ann"


async def test_guessing_the_present_password_is_slowed(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(DeniedError, match="present password"):
            await accounts.change_password("ann", "wrong", "another good one", session="", origin="a")
    with pytest.raises(TooManyAttemptsError):
        await accounts.change_password("ann", PASSWORD, "another good one", session="", origin="a")


async def test_sessions_are_listed_and_revoked_by_a_name_that_opens_nothing(accounts: Accounts) -> None:
    secret = (await accounts.sessions.open("ann", "192.0.2.7")).secret
    (row,) = await accounts.sessions.all()
    name = session_id(row.digest)
    assert (row.user, row.origin, name) == ("ann", "192.0.2.7", digest(secret)[:16])
    assert await accounts.sessions.actor(name) is None
    assert await accounts.sessions.revoke(name, owner="bob") is None
    assert await accounts.sessions.revoke(name) == "ann"
    assert await accounts.sessions.actor(secret) is None
    assert await accounts.sessions.all() == []


async def test_a_role_in_use_stays(accounts: Accounts) -> None:
    await accounts.put_role(Role("north", (Permission(Right.READ, "north/*"),)), by="test")
    await accounts.add_user("adm", PASSWORD, ["admin"], by="test")
    await accounts.set_roles("ann", ["north"], by="test")
    with pytest.raises(RefusedError, match="in use by ann"):
        await accounts.drop_role("north", by="test")
    await accounts.set_roles("ann", ["viewer"], by="test")
    await accounts.drop_role("north", by="test")
    assert await accounts.own_roles() == []
    with pytest.raises(NotFoundError):
        await accounts.drop_role("north", by="test")


async def test_every_change_of_rights_moves_the_generation(accounts: Accounts) -> None:
    await accounts.add_user("adm", PASSWORD, ["admin"], by="test")
    secret = (await accounts.sessions.open("ann", "a")).secret
    row, _ = await accounts.tokens.issue("ann", "t", "viewer", 60.0)
    role = Role("north", ())
    seen = {await accounts.generation()}
    for change in (
        lambda: accounts.set_roles("ann", ["viewer"], by="test"),
        lambda: accounts.put_role(role, by="test"),
        lambda: accounts.drop_role("north", by="test"),
        lambda: accounts.tokens.revoke(row.id),
        lambda: accounts.sessions.end(secret),
        lambda: accounts.set_password("ann", PASSWORD, by="test"),
        lambda: accounts.set_disabled("ann", True, by="test"),
        lambda: accounts.set_disabled("ann", False, by="test"),
    ):
        await change()
        seen.add(await accounts.generation())
    assert len(seen) == 9
    await accounts.users()
    assert await accounts.generation() in seen


def test_nobody_grants_more_than_they_have() -> None:
    narrow = Role("users_north", (Permission(Right.USERS), Permission(Right.READ, "north/*")))
    clerk = Actor("clerk", (narrow,))
    assert clerk.may_grant(narrow)
    assert clerk.may_grant(Role("less", (Permission(Right.READ, "north/*"),)))
    assert not clerk.may_grant(ROLES["viewer"])
    assert not clerk.may_grant(ROLES["admin"])
    assert all(Actor("a", (ROLES["admin"],)).may_grant(role) for role in ROLES.values())
    assert not Actor("t", (ROLES["admin"],), bound=(ROLES["viewer"],)).may_grant(ROLES["operator"])
