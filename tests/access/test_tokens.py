from __future__ import annotations

import pytest

from sereno.access.accounts import Accounts
from sereno.access.actor import Permission, Right, Role
from sereno.model import NotFoundError
from sereno.testing import JumpingClock


async def test_a_token_has_its_role_within_its_owners_rights(accounts: Accounts) -> None:
    row, secret = await accounts.tokens.issue("ann", "ci", "admin", 60.0)
    actor = await accounts.tokens.actor(secret, "10.0.0.1")
    assert actor is not None
    assert (actor.name, actor.kind, actor.origin) == ("ann:ci", "token", "10.0.0.1")
    assert actor.may(Right.WRITE, "a/b")
    assert not actor.may(Right.USERS)
    assert secret.startswith("srn_")
    assert [t.id for t in await accounts.tokens.all()] == [row.id]


async def test_rights_of_the_owner_taken_away_are_gone_at_once(accounts: Accounts) -> None:
    _, secret = await accounts.tokens.issue("ann", "ci", "operator", 60.0)
    await accounts.set_roles("ann", ["viewer"], by="test")
    actor = await accounts.tokens.actor(secret)
    assert actor is not None
    assert not actor.may(Right.WRITE, "a/b")
    await accounts.set_disabled("ann", True, by="test")
    assert await accounts.tokens.actor(secret) is None


async def test_a_token_ends_by_time_and_by_hand(accounts: Accounts, clock: JumpingClock) -> None:
    _, first = await accounts.tokens.issue("ann", "short", "viewer", 60.0)
    row, second = await accounts.tokens.issue("ann", "long", "viewer", 600.0)
    clock.advance(60)
    assert await accounts.tokens.actor(first) is None
    assert await accounts.tokens.actor(second)
    assert await accounts.tokens.revoke(row.id)
    assert not await accounts.tokens.revoke(row.id)
    assert await accounts.tokens.actor(second) is None


async def test_a_session_secret_is_no_token_and_a_token_no_session(accounts: Accounts) -> None:
    made = await accounts.sessions.open("ann", "")
    _, token = await accounts.tokens.issue("ann", "ci", "viewer", 60.0)
    assert await accounts.tokens.actor(made.secret) is None
    assert await accounts.sessions.actor(token) is None


@pytest.mark.parametrize(
    ("name", "role", "life", "error", "words"),
    [
        ("", "viewer", 60.0, ValueError, "1 to 64 printable"),
        ("x" * 65, "viewer", 60.0, ValueError, "1 to 64 printable"),
        ("a\nb", "viewer", 60.0, ValueError, "1 to 64 printable"),
        ("ci", "viewer", 0.0, ValueError, "at most a year"),
        ("ci", "viewer", 4e7, ValueError, "at most a year"),
        ("ci", "emperor", 60.0, NotFoundError, "no role 'emperor'"),
    ],
)
async def test_bad_requests_are_refused(
    accounts: Accounts, name: str, role: str, life: float, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await accounts.tokens.issue("ann", name, role, life)
    with pytest.raises(NotFoundError, match="no user 'bob'"):
        await accounts.tokens.issue("bob", "ci", "viewer", 60.0)


async def test_own_roles_scope_tokens(accounts: Accounts) -> None:
    await accounts.put_role(Role("pumps", (Permission(Right.READ, "north/pump/*"),)), by="test")
    _, secret = await accounts.tokens.issue("ann", "ci", "pumps", 60.0)
    actor = await accounts.tokens.actor(secret)
    assert actor is not None
    assert actor.may(Right.READ, "north/pump/speed")
    assert not actor.may(Right.READ, "north/valve/position")
