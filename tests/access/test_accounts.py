from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher

from sereno.access.accounts import Accounts, TooManyAttemptsError
from sereno.access.actor import Permission, Right, Role
from sereno.access.sessions import session_id
from sereno.model import DeniedError, NotFoundError
from sereno.store import people
from sereno.store.audit import AuditQuery
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.testing import JumpingClock

PASSWORD = "correct horse battery"


async def test_the_first_start_makes_one_administrator(store: Store, clock: JumpingClock) -> None:
    accounts = Accounts(store, clock)
    made = await accounts.ensure_administrator()
    assert made is not None
    assert re.fullmatch(r"[2-9a-z]{4}(-[2-9a-z]{4}){3}", made.password)
    assert await accounts.ensure_administrator() is None
    assert (await accounts.sign_in("admin", made.password, "127.0.0.1")).user == "admin"
    assert made.password not in repr(await accounts.audit.entries())


async def test_two_installations_share_no_password(clock: JumpingClock) -> None:
    made = set()
    for _ in range(2):
        store = Store.open("sqlite://")
        made.add(await Accounts(store, clock).ensure_administrator())
        await store.close()
    assert len(made) == 2


async def test_sign_in_takes_the_name_as_people_type_it(accounts: Accounts) -> None:
    assert (await accounts.sign_in("  Ann ", PASSWORD, "")).user == "ann"


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("ann", ""), ("bob", PASSWORD), ("", ""), ("x" * 9999, "y" * 9999)]
)
async def test_one_answer_for_every_wrong_sign_in(accounts: Accounts, name: str, password: str) -> None:
    with pytest.raises(DeniedError, match=r"^name or password is wrong$"):
        await accounts.sign_in(name, password, "")


async def test_a_disabled_person_hears_the_same(accounts: Accounts) -> None:
    await accounts.set_disabled("ann", True, by="test")
    with pytest.raises(DeniedError, match=r"^name or password is wrong$"):
        await accounts.sign_in("ann", PASSWORD, "")
    await accounts.set_disabled("ann", False, by="test")
    assert await accounts.sign_in("ann", PASSWORD, "")


async def test_an_unknown_name_costs_a_hash_too(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    real = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda s, stored, given: checked.append(stored) or real(s, stored, given)
    )
    for name in ("ann", "bob"):
        with pytest.raises(DeniedError):
            await accounts.sign_in(name, "wrong", "")
    assert len(checked) == 2
    assert all(stored.startswith("$argon2id$") for stored in checked)


async def test_brute_force_stops_and_ann_still_gets_in_elsewhere(accounts: Accounts, clock: JumpingClock) -> None:
    refused = 0
    for _ in range(100):
        with pytest.raises(DeniedError) as caught:
            await accounts.sign_in("ann", "guess", "10.0.0.66")
        refused += isinstance(caught.value, TooManyAttemptsError)
    assert refused == 95
    with pytest.raises(TooManyAttemptsError, match=r"try again in \d+ s"):
        await accounts.sign_in("ann", PASSWORD, "10.0.0.66")
    assert (await accounts.sign_in("ann", PASSWORD, "10.0.0.7")).user == "ann"
    clock.advance(1.0)
    assert (await accounts.sign_in("ann", PASSWORD, "10.0.0.66")).user == "ann"


async def test_an_old_hash_is_renewed_at_sign_in(accounts: Accounts, store: Store, clock: JumpingClock) -> None:
    before = await store.run(lambda c: people.user_named(c, "ann"))
    stronger = Accounts(store, clock)
    await stronger.sign_in("ann", PASSWORD, "")
    after = await store.run(lambda c: people.user_named(c, "ann"))
    assert before is not None
    assert after is not None
    assert "m=8," in before.password
    assert "m=19456," in after.password
    await stronger.sign_in("ann", PASSWORD, "")


async def test_a_new_password_ends_every_session(accounts: Accounts) -> None:
    made = await accounts.sign_in("ann", PASSWORD, "")
    await accounts.set_password("ann", "another long one", by="test")
    assert await accounts.sessions.actor(made.secret) is None
    with pytest.raises(DeniedError):
        await accounts.sign_in("ann", PASSWORD, "")
    assert await accounts.sign_in("ann", "another long one", "")


async def test_changes_take_effect_at_once_and_are_announced(accounts: Accounts) -> None:
    made = await accounts.sign_in("ann", PASSWORD, "")
    heard: list[str] = []
    unsubscribe = accounts.changes.subscribe(lambda: heard.append("x"))
    await accounts.set_roles("ann", ["viewer"], by="test")
    actor = await accounts.sessions.actor(made.secret)
    assert actor is not None
    assert not actor.may(Right.WRITE, "a/b")
    await accounts.set_disabled("ann", True, by="test")
    assert await accounts.sessions.actor(made.secret) is None
    assert len(heard) == 2
    unsubscribe()
    await accounts.set_disabled("ann", False, by="test")
    assert len(heard) == 2


async def test_own_roles_are_globs_and_cannot_replace_built_in_ones(accounts: Accounts) -> None:
    north = Role("north", (Permission(Right.READ, "north/*"),))
    await accounts.put_role(north, by="test")
    await accounts.set_roles("ann", ["north"], by="test")
    assert await accounts.roles_of("ann") == (north,)
    await accounts.put_role(Role("north", ()), by="test")
    assert await accounts.roles_of("ann") == (Role("north", ()),)
    with pytest.raises(ValueError, match="built in"):
        await accounts.put_role(Role("viewer", ()), by="test")


@pytest.mark.parametrize(
    ("name", "password", "roles", "error", "words"),
    [
        ("ann", PASSWORD, [], ValueError, "already a user"),
        ("Ann", PASSWORD, [], ValueError, "expected 1 to 64 of"),
        ("a:b", PASSWORD, [], ValueError, "expected 1 to 64 of"),
        ("bob", "short", [], ValueError, "password of 5 characters, expected 12 to 256"),
        ("bob", PASSWORD, ["emperor"], NotFoundError, "no role 'emperor'"),
    ],
)
async def test_bad_people_are_not_made(
    accounts: Accounts, name: str, password: str, roles: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await accounts.add_user(name, password, roles, by="test")
    assert [user.name for user in await accounts.users()] == ["ann"]


async def test_what_was_done_is_on_record(accounts: Accounts) -> None:
    await accounts.sign_in("ann", PASSWORD, "10.0.0.1")
    with pytest.raises(DeniedError):
        await accounts.sign_in("ann", "wrong", "10.0.0.2")
    with pytest.raises(DeniedError):
        await accounts.sign_in("my secret typed into the wrong field", "wrong", "10.0.0.2")
    await accounts.set_roles("ann", ["viewer"], by="admin", origin="10.0.0.9")
    await accounts.set_disabled("ann", True, by="admin")
    await accounts.set_disabled("ann", False, by="admin")
    await accounts.set_password("ann", PASSWORD, by="admin")
    role = Role("north", (Permission(Right.READ, "north/*"),))
    await accounts.put_role(role, by="admin")
    await accounts.put_role(Role("north", (*role.permissions, Permission(Right.WRITE, "north/*"))), by="admin")
    await accounts.drop_role("north", by="admin")
    seen = [
        (e.actor, e.action, e.target, e.origin, e.old, e.new, e.outcome)
        for e in reversed(await accounts.audit.entries())
    ]
    both = ["read north/*", "write north/*"]
    assert seen == [
        ("test", "user.add", "ann", "", None, ["operator"], "done"),
        ("ann", "sign_in", "", "10.0.0.1", None, None, "done"),
        ("ann", "sign_in", "", "10.0.0.2", None, None, "refused"),
        ("unknown name", "sign_in", "", "10.0.0.2", None, None, "refused"),
        ("admin", "user.roles", "ann", "10.0.0.9", ["operator"], ["viewer"], "done"),
        ("admin", "user.disable", "ann", "", "enabled", "disabled", "done"),
        ("admin", "user.enable", "ann", "", "disabled", "enabled", "done"),
        ("admin", "user.password", "ann", "", None, None, "done"),
        ("admin", "role.put", "north", "", None, ["read north/*"], "done"),
        ("admin", "role.put", "north", "", ["read north/*"], both, "done"),
        ("admin", "role.drop", "north", "", both, None, "done"),
    ]
    assert (await accounts.audit.verify()).whole


async def test_tokens_and_sessions_are_on_record_without_their_secrets(accounts: Accounts) -> None:
    row, secret = await accounts.tokens.issue("ann", "ci", "viewer", 60.0, by="admin", origin="10.0.0.9")
    await accounts.tokens.issue("ann", "own", "viewer", 60.0)
    await accounts.tokens.revoke(row.id, by="admin")
    assert not await accounts.tokens.revoke(row.id, by="admin"), "what is not there is no act"
    await accounts.sign_in("ann", PASSWORD, "10.0.0.1")
    (session,) = await accounts.sessions.all()
    await accounts.sessions.revoke(session_id(session.digest), by="admin")
    entries = list(reversed(await accounts.audit.entries()))[1:]
    assert [(e.actor, e.action, e.target, e.origin) for e in entries] == [
        ("admin", "token.add", "ann:ci", "10.0.0.9"),
        ("ann", "token.add", "ann:own", ""),
        ("admin", "token.revoke", "ann:ci", ""),
        ("ann", "sign_in", "", "10.0.0.1"),
        ("admin", "session.revoke", "ann", ""),
    ]
    assert entries[0].new == entries[2].old == {"role": "viewer", "expires_ns": row.expires}
    assert secret not in repr(entries)
    assert session.digest not in repr(entries)


async def test_nothing_is_done_that_cannot_be_put_on_record(
    accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(store.chain, "add", broken)
    for act in (
        accounts.add_user("bob", PASSWORD, ["viewer"], by="admin"),
        accounts.set_roles("ann", ["admin"], by="admin"),
        accounts.set_disabled("ann", True, by="admin"),
        accounts.put_role(Role("north", ()), by="admin"),
        accounts.tokens.issue("ann", "ci", "viewer", 60.0),
        accounts.sign_in("ann", PASSWORD, ""),
    ):
        with pytest.raises(StoreError):
            await act
    monkeypatch.undo()
    assert [(u.name, u.roles, u.disabled) for u in await accounts.users()] == [("ann", ("operator",), False)]
    assert await accounts.own_roles() == []
    assert await accounts.tokens.all() == []
    assert await accounts.sessions.all() == []


async def test_a_flood_of_refusals_is_a_few_records(accounts: Accounts, clock: JumpingClock) -> None:
    for _ in range(100):
        await accounts.refusals.tell("ann", "GET", "/users", "10.0.0.1", "no right")
    await accounts.refusals.tell("ann", "GET", "/users", "10.0.0.2", "no right")
    clock.advance(61)
    await accounts.refusals.tell("ann", "GET", "/users", "10.0.0.1", "no right")
    told = [(e.origin, e.outcome) for e in reversed(await accounts.audit.entries())][1:]
    assert told == [
        ("10.0.0.1", "refused: no right"),
        ("10.0.0.2", "refused: no right"),
        ("10.0.0.1", "refused: no right (99 more of the kind since the last record)"),
    ]


async def test_brute_force_is_on_record_once_a_minute(accounts: Accounts) -> None:
    for _ in range(50):
        with pytest.raises(DeniedError):
            await accounts.sign_in("ann", "guess", "10.0.0.66")
    outcomes = [e.outcome for e in await accounts.audit.entries(AuditQuery(action="sign_in"))]
    assert outcomes == ["refused: too many attempts"] + ["refused"] * 5


async def _guess(accounts: Accounts, name: str, address: str, times: int) -> int:
    """How many of so many guesses were looked at."""
    looked_at = 0
    for i in range(times):
        try:
            await accounts.sign_in(name, f"wrong password {i}", address)
        except TooManyAttemptsError:
            continue
        except DeniedError:
            looked_at += 1
    return looked_at


async def test_attackers_at_many_addresses_do_not_keep_the_operator_out(accounts: Accounts) -> None:
    looked_at = [await _guess(accounts, "ann", f"203.0.{host}.7", 8) for host in range(60)]
    assert set(looked_at) == {5}
    assert (await accounts.sign_in("ann", PASSWORD, "10.0.0.4")).user == "ann"


async def test_an_attacker_at_one_address_is_stopped_and_the_operator_elsewhere_is_not(accounts: Accounts) -> None:
    assert await _guess(accounts, "ann", "203.0.113.7", 500) == 5
    with pytest.raises(TooManyAttemptsError):
        await accounts.sign_in("ann", PASSWORD, "203.0.113.7")
    assert (await accounts.sign_in("ann", PASSWORD, "10.0.0.4")).user == "ann"


async def test_at_the_attackers_own_address_the_operator_waits_minutes_not_for_ever(
    accounts: Accounts, clock: JumpingClock
) -> None:
    for _ in range(20):
        await _guess(accounts, "ann", "10.0.0.4", 50)
        clock.advance(60.0)
    clock.advance(300.0)
    assert (await accounts.sign_in("ann", PASSWORD, "10.0.0.4")).user == "ann"
