from __future__ import annotations

import pytest
from sqlalchemy import text

from sereno.access.accounts import Accounts
from sereno.access.actor import Right
from sereno.store.engine import Store
from sereno.testing import JumpingClock


async def test_a_kiosk_sees_what_it_names_and_may_do_nothing(accounts: Accounts) -> None:
    actor = await accounts.kiosks.actor(await accounts.kiosks.add("wall", ["mill/*"], by="adm"), "10.0.0.5")
    assert actor is not None
    assert (actor.name, actor.kind, actor.origin) == ("kiosk/wall", "kiosk", "10.0.0.5")
    assert actor.may(Right.READ, "mill/plc1/level")
    assert not actor.may(Right.READ, "well/plc1/level")
    assert {right for right in Right if actor.may_somewhere(right)} == {Right.READ, Right.HISTORY}


async def test_it_lasts_for_years_unused_and_ends_when_revoked(accounts: Accounts, clock: JumpingClock) -> None:
    secret = await accounts.kiosks.add("wall", by="adm")
    clock.advance(5 * 366 * 86400.0)
    assert await accounts.kiosks.actor(secret) is not None
    told: list[bool] = []
    accounts.changes.subscribe(lambda: told.append(True))
    assert await accounts.kiosks.revoke("wall", by="adm")
    assert await accounts.kiosks.actor(secret) is None
    assert told == [True]
    assert not await accounts.kiosks.revoke("wall", by="adm")


async def test_its_secret_is_no_session_and_no_token_and_is_not_stored(accounts: Accounts, store: Store) -> None:
    secret = await accounts.kiosks.add("wall", by="adm")
    assert await accounts.sessions.actor(secret) is None
    assert await accounts.tokens.actor(secret) is None
    assert await accounts.sessions.redeem(secret) is None
    assert secret.removeprefix("kiosk_") not in await store.run(
        lambda c: repr(c.execute(text("SELECT * FROM kiosks")).all())
    )


async def test_the_last_use_is_known(accounts: Accounts, clock: JumpingClock) -> None:
    secret = await accounts.kiosks.add("wall", by="adm")
    await accounts.kiosks.actor(secret, "10.0.0.5", use=False)
    assert (await accounts.kiosks.all())[0].seen == 0
    await accounts.kiosks.actor(secret, "10.0.0.5")
    (row,) = await accounts.kiosks.all()
    assert (row.name, row.origin, row.seen, row.creator) == ("wall", "10.0.0.5", clock.wall_ns(), "adm")


@pytest.mark.parametrize(
    ("name", "reads", "reason"),
    [
        ("wall", ["*"], "already a kiosk 'wall'"),
        ("Wall", ["*"], "expected 1 to 48"),
        ("../x", ["*"], "expected 1 to 48"),
        ("other", [], "shows nothing"),
        ("other", [" "], "names no tags"),
    ],
)
async def test_what_is_wrong_is_said(accounts: Accounts, name: str, reads: list[str], reason: str) -> None:
    await accounts.kiosks.add("wall", by="adm")
    with pytest.raises(ValueError, match=reason):
        await accounts.kiosks.add(name, reads, by="adm")


async def test_making_and_revoking_are_on_record(accounts: Accounts) -> None:
    await accounts.kiosks.add("wall", ["mill/*"], by="adm", origin="10.0.0.1")
    await accounts.kiosks.revoke("wall", by="console", origin="anna on pumphouse")
    revoked, added = (await accounts.audit.entries())[:2]
    assert (added.action, added.actor, added.target, added.new) == ("kiosk.add", "adm", "kiosk/wall", ["mill/*"])
    assert (revoked.action, revoked.actor, revoked.old) == ("kiosk.revoke", "console", ["mill/*"])
