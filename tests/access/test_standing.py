"""Rights of the moment, and proving once more who one is."""

from __future__ import annotations

import pytest

from sereno.access.accounts import Accounts, TooManyAttemptsError
from sereno.access.actor import ROLES, Actor
from sereno.model import DeniedError

PASSWORD = "correct horse battery"


async def test_a_person_has_the_roles_of_now(accounts: Accounts) -> None:
    before = Actor("ann", (ROLES["admin"],), origin="a")
    await accounts.set_roles("ann", ["viewer"], by="test")
    assert (await accounts.again(before)).roles == (ROLES["viewer"],)
    await accounts.set_disabled("ann", True, by="test")
    with pytest.raises(DeniedError, match="ann has no way in any more"):
        await accounts.again(before)
    with pytest.raises(DeniedError):
        await accounts.again(Actor("nobody-there"))


async def test_a_token_ends_with_its_time_its_revocation_or_its_owner(accounts: Accounts) -> None:
    row, secret = await accounts.tokens.issue("ann", "script", "operator", 3600.0)
    token = await accounts.tokens.actor(secret)
    assert token is not None
    assert token.person == "ann"
    await accounts.set_roles("ann", ["viewer"], by="test")
    assert (await accounts.again(token)).bound == (ROLES["viewer"],)
    await accounts.tokens.revoke(row.id)
    with pytest.raises(DeniedError):
        await accounts.again(token)


async def test_who_has_no_account_stays_as_they_are(accounts: Accounts) -> None:
    guard = Actor("guard/x", (ROLES["viewer"],), "agent")
    assert await accounts.again(guard) == guard
    assert guard.person == "guard/x"


async def test_signing_counts_wrong_passwords_with_those_of_the_sign_in(accounts: Accounts) -> None:
    assert await accounts.sign("ann", PASSWORD, "a") == "ann"
    for _ in range(5):
        with pytest.raises(DeniedError, match="password is wrong"):
            await accounts.sign("ann", "wrong", "a")
    with pytest.raises(TooManyAttemptsError):
        await accounts.sign("ann", PASSWORD, "a")
    with pytest.raises(TooManyAttemptsError):
        await accounts.sign_in("ann", PASSWORD, "a")
    assert await accounts.sign("ann", PASSWORD, "elsewhere") == "ann"
    refused = [r for r in await accounts.audit.entries() if r.action == "command.sign"]
    assert len(refused) == 6
    assert {r.outcome.partition(":")[0] for r in refused} == {"refused"}


async def test_a_disabled_person_does_not_sign(accounts: Accounts) -> None:
    await accounts.set_disabled("ann", True, by="test")
    with pytest.raises(DeniedError, match="password is wrong"):
        await accounts.sign("ann", PASSWORD, "a")
