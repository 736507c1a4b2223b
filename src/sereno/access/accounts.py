"""People: who there is, their passwords and roles, and the way in by name and password."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection

from sereno.model import Clock, DeniedError, NotFoundError, RefusedError
from sereno.store import generation, people
from sereno.store.audit import AuditLog, add_entry
from sereno.store.engine import Store
from sereno.store.people import UserRow

from .actor import ROLES, Actor, Role
from .changes import Changes
from .kiosks import Kiosks
from .lockout import Lockout
from .oidc import Arrival
from .opaque import digest, new_password
from .passwords import Passwords, check_password
from .refusals import Refusals
from .roles import decode_role, encode_permissions, role_named, roles_named
from .session_limits import SessionLimits
from .sessions import Sessions, SignedIn
from .standing import standing
from .tokens import Tokens

Change = tuple[Any, Any]
"""What a value was and what it is now, for the record."""
ONCE = 3600.0
"""Seconds within which a password that is good once must be used."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}\Z")


class Credentials(NamedTuple):
    """A name and the password that goes with it, to be shown once."""

    user: str
    password: str


class TooManyAttemptsError(DeniedError):
    """Sign-in refused without looking at the password; `retry_after` seconds to wait."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"too many failed attempts from here; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class Accounts:
    """People and their ways in. Every change takes effect at once and is announced to `changes`.

    `sessions` and `tokens` resolve what a request carries into an Actor; resolve again for each request.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        limits: SessionLimits | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._lockout = Lockout(clock)
        self.audit = AuditLog(store, clock)
        self.refusals = Refusals(self.audit, clock)
        self.changes = Changes()
        self.sessions = Sessions(store, clock, self.changes, limits or SessionLimits())
        self.tokens = Tokens(store, clock, self.changes)
        self.kiosks = Kiosks(store, clock, self.changes)

    async def ensure_administrator(self) -> Credentials | None:
        """Make `admin` with a random password if there is nobody at all; None if there is somebody."""
        if await self._store.run(people.count_users):
            return None
        made = Credentials("admin", new_password())
        await self.add_user(made.user, made.password, ["admin"], by="first start")
        return made

    async def users(self) -> list[UserRow]:
        """Everyone, by name."""
        return await self._store.run(people.all_users)

    async def add_user(self, name: str, password: str, roles: Sequence[str], *, by: str, origin: str = "") -> None:
        """A new person. Raises ValueError (name taken or malformed, weak password), NotFoundError (role)."""
        if not _NAME.match(name):
            raise ValueError(f"user name {name!r}: expected 1 to 64 of a-z, 0-9, '.', '_', '@', '-'")
        stored = await self._passwords.hash(check_password(password))
        now = self._clock.wall_ns()

        def work(connection: Connection) -> Change:
            if people.user_named(connection, name) is not None:
                raise ValueError(f"there is already a user {name!r}")
            _check_roles(connection, roles)
            people.add_user(connection, name, stored, roles, now)
            return None, sorted(set(roles))

        await self._change(work, by, "user.add", name, origin)

    async def set_password(self, name: str, password: str, *, by: str, origin: str = "") -> None:
        """A new password; the person's sessions end. Raises ValueError, NotFoundError."""
        stored = await self._passwords.hash(check_password(password))
        now = self._clock.wall_ns()
        await self._change(
            lambda c: people.set_password(c, _user(c, name).id, stored, now), by, "user.password", name, origin
        )

    async def recover(self, name: str, *, by: str, origin: str = "") -> str:
        """A password, good once and for an hour, for an administrator who has lost theirs; they may be disabled.

        Whoever uses it must choose another one before anything else. Raises NotFoundError.
        """
        password, now = new_password(), self._clock.wall_ns()
        stored = await self._passwords.hash(password)

        def work(connection: Connection) -> Change:
            row = _user(connection, name)
            people.set_roles(connection, row.id, [*row.roles, "admin"])
            people.recover(connection, row.id, stored, now)
            before = {"roles": list(row.roles), "state": _state(row.disabled)}
            return before, {"roles": sorted({*row.roles, "admin"}), "state": _state(False)}

        await self._change(work, by, "user.recover", name, origin)
        return password

    async def set_disabled(self, name: str, disabled: bool, *, by: str, origin: str = "") -> None:
        """Shut a person out (sessions end, tokens stop) or let them in again.

        Raises NotFoundError, RefusedError for the last administrator.
        """

        def work(connection: Connection) -> Change:
            row = _user(connection, name)
            people.set_disabled(connection, row.id, disabled)
            _check_administered(connection, row)
            return _state(row.disabled), _state(disabled)

        await self._change(work, by, "user.disable" if disabled else "user.enable", name, origin)

    async def set_roles(self, name: str, roles: Sequence[str], *, by: str, origin: str = "") -> None:
        """Exactly these roles. Raises NotFoundError (person, role), RefusedError (last administrator)."""

        def work(connection: Connection) -> Change:
            _check_roles(connection, roles)
            row = _user(connection, name)
            people.set_roles(connection, row.id, roles)
            _check_administered(connection, row)
            return list(row.roles), sorted(set(roles))

        await self._change(work, by, "user.roles", name, origin)

    async def put_role(self, role: Role, *, by: str, origin: str = "") -> None:
        """Make or replace an own role. Raises ValueError for a built-in name."""
        if role.name in ROLES or not _NAME.match(role.name):
            raise ValueError(f"role name {role.name!r}: built in, or not of a-z, 0-9, '.', '_', '@', '-'")

        def work(connection: Connection) -> Change:
            old = people.own_role(connection, role.name)
            people.put_own_role(connection, role.name, encode_permissions(role))
            return _permissions(role.name, old), _listed(role)

        await self._change(work, by, "role.put", role.name, origin)

    async def drop_role(self, name: str, *, by: str, origin: str = "") -> None:
        """Delete an own role. Raises NotFoundError, RefusedError while somebody has it."""

        def work(connection: Connection) -> Change:
            if having := people.holders(connection, name):
                raise RefusedError(f"role {name!r} is in use by {', '.join(having[:5])}; give them others first")
            old = people.own_role(connection, name)
            if not people.drop_own_role(connection, name):
                raise NotFoundError(f"there is no own role {name!r}")
            return _permissions(name, old), None

        await self._change(work, by, "role.drop", name, origin)

    async def own_roles(self) -> list[Role]:
        """The roles made by hand, by name."""
        stored = await self._store.run(people.own_roles)
        return [decode_role(name, permissions) for name, permissions in stored.items()]

    async def role(self, name: str) -> Role:
        """One role, built in or own. Raises NotFoundError."""
        found = await self._store.run(lambda c: role_named(c, name))
        if found is None:
            raise NotFoundError(f"there is no role {name!r}; built in are {', '.join(ROLES)}")
        return found

    async def change_password(self, name: str, old: str, new: str, *, session: str, origin: str) -> None:
        """A person's own new password; all their sessions end but the one with the secret `session`.

        Raises DeniedError (wrong old one), TooManyAttemptsError, ValueError (weak new one).
        """
        row = await self._prove(name, old, origin, "user.password")
        stored, now = await self._passwords.hash(check_password(new)), self._clock.wall_ns()
        kept = digest(session)
        await self._change(
            lambda c: people.set_password(c, row.id, stored, now, kept), name, "user.password", name, origin
        )

    async def sign(self, name: str, password: str, origin: str) -> str:
        """The printed name of a person who proves once more who they are, for a signature.

        Wrong passwords count as those of the sign-in do. Raises DeniedError, TooManyAttemptsError.
        """
        return (await self._prove(name, password, origin, "command.sign")).name

    async def again(self, actor: Actor) -> Actor:
        """The actor with the rights of this moment. Raises DeniedError for one who is gone or shut out."""
        now = self._clock.wall_ns()
        found = await self._store.run(lambda c: standing(c, actor, now))
        if found is None:
            raise DeniedError(f"{actor.name} has no way in any more")
        return found

    async def generation(self) -> str:
        """Changes with every change of people, rights and ways in, whichever process makes it."""
        return await self._store.run(generation.present)

    async def roles_of(self, name: str) -> tuple[Role, ...]:
        """A person's roles. Raises NotFoundError."""
        return await self._store.run(lambda c: roles_named(c, _user(c, name).roles))

    async def sign_in(self, name: str, password: str, origin: str) -> SignedIn:
        """A session for whoever knows name and password; `origin` is the address it comes from.

        Raises TooManyAttemptsError, or DeniedError with one text for every reason.
        """
        name = name.strip().lower()[:64]
        wait = self._lockout.attempt(name, origin)
        if wait > 0:
            await self.refusals.tell("somebody", "sign_in", "", origin, "too many attempts")
            raise TooManyAttemptsError(wait)
        row = await self._store.run(lambda c: people.user_named(c, name))
        right = await self._passwords.verify(None if row is None else row.password, password)
        if row is None or not right or row.disabled or self._past(row):
            known = name if row is not None else "unknown name"  # what was typed may be a password
            await self.audit.record(known, "sign_in", origin=origin, outcome="refused")
            raise DeniedError("name or password is wrong")
        self._lockout.succeeded(name, origin)
        if self._passwords.outdated(row.password):
            renewed = await self._passwords.hash(password)
            await self._store.run(lambda c: people.rehash_password(c, row.id, renewed))
        await self.audit.record(name, "sign_in", origin=origin)
        return await self.sessions.open(name, origin)

    async def sign_in_as(self, arrival: Arrival, origin: str) -> SignedIn:
        """A session for whom a provider has named, with exactly the roles that it gives; at first they are added.

        Raises DeniedError without a role, for the disabled, and for a name that somebody else has here.
        """
        if not arrival.roles:
            raise DeniedError(f"{arrival.name or arrival.subject!r} has no role here")
        name, now = arrival.name.strip().lower(), self._clock.wall_ns()
        entry = self.audit.entry("oidc", "user.add", name, origin, new=list(arrival.roles))

        def work(connection: Connection) -> str:
            row = people.user_from(connection, arrival.subject)
            _check_roles(connection, arrival.roles)
            if row is None:
                if not _NAME.match(name) or people.user_named(connection, name) is not None:
                    raise DeniedError(
                        f"the name {name!r} of {arrival.subject!r} cannot be had or is somebody else's here"
                    )
                people.add_user(connection, name, "", arrival.roles, now, arrival.subject)
                add_entry(connection, entry)
                return name
            if row.disabled:
                raise DeniedError(f"{row.name!r} is disabled")
            if row.roles != arrival.roles:
                people.set_roles(connection, row.id, arrival.roles)
                add_entry(connection, replace(entry, action="user.roles", target=row.name, old=list(row.roles)))
            return row.name

        user = await self._store.run(work)
        self.changes.announce()
        await self.audit.record(user, "sign_in.oidc", origin=origin)
        return await self.sessions.open(user, origin)

    async def sign_in_once(self, ticket: str, origin: str) -> SignedIn | None:
        """A session for whoever has an unused sign-in link."""
        user = await self.sessions.redeem(ticket)
        if user is None:
            return None
        await self.audit.record(user, "sign_in.link", origin=origin)
        return await self.sessions.open(user, origin)

    def _past(self, row: UserRow) -> bool:
        """True if the password was good once and its hour is over."""
        return row.once and self._clock.wall_ns() - row.password_changed > ONCE * 1e9

    async def _prove(self, name: str, password: str, origin: str, action: str) -> UserRow:
        wait = self._lockout.attempt(name, origin)
        if wait > 0:
            await self.refusals.tell(name, action, name, origin, "too many attempts")
            raise TooManyAttemptsError(wait)
        row = await self._store.run(lambda c: people.user_named(c, name))
        right = await self._passwords.verify(None if row is None else row.password, password)
        if row is None or row.disabled or not right or self._past(row):
            await self.audit.record(name, action, name, origin, "refused")
            raise DeniedError("the present password is wrong")
        self._lockout.succeeded(name, origin)
        return row

    async def _change(
        self, work: Callable[[Connection], Change | None], by: str, action: str, target: str, origin: str
    ) -> None:
        """Do `work` and keep it on record, both or neither; it returns the old and the new value."""
        entry = self.audit.entry(by, action, target, origin)

        def recorded(connection: Connection) -> None:
            old, new = work(connection) or (None, None)
            add_entry(connection, replace(entry, old=old, new=new))

        await self._store.run(recorded)
        self.changes.announce()


def _user(connection: Connection, name: str) -> UserRow:
    row = people.user_named(connection, name)
    if row is None:
        raise NotFoundError(f"there is no user {name!r}")
    return row


def _listed(role: Role) -> list[str]:
    return [f"{p.right.value} {p.glob}" for p in role.permissions]


def _permissions(name: str, stored: str | None) -> list[str] | None:
    return None if stored is None else _listed(decode_role(name, stored))


def _state(disabled: bool) -> str:
    return "disabled" if disabled else "enabled"


def _check_administered(connection: Connection, before: UserRow) -> None:
    if "admin" in before.roles and not before.disabled and not people.holders(connection, "admin"):
        raise RefusedError(f"{before.name!r} is the last administrator; make another one first")


def _check_roles(connection: Connection, names: Sequence[str]) -> None:
    for name in names:
        if role_named(connection, name) is None:
            raise NotFoundError(f"there is no role {name!r}; built in are {', '.join(ROLES)}")
