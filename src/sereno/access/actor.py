"""Actors and what they may do: permissions over tag and device globs, decided at the callee."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from sereno.model import Command, Verb


class Right(StrEnum):
    """One kind of act that a permission may allow."""

    READ = "read"
    HISTORY = "history"
    WRITE = "write"
    CALL = "call"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    TRACE = "trace"
    APPROVE = "approve"
    SUBSTITUTE = "substitute"
    CONFIGURE = "configure"
    USERS = "users"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Permission:
    """A right over the paths that a glob names ('*' crosses '/')."""

    right: Right
    glob: str = "*"

    def allows(self, right: Right, path: str) -> bool:
        """True if this permission covers `right` on `path`."""
        return right is self.right and fnmatchcase(path, self.glob)


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions."""

    name: str
    permissions: tuple[Permission, ...]

    def __hash__(self) -> int:
        """By name: roles are looked up with every read, and few share a name."""
        return hash(self.name)


def _role(name: str, rights: Iterable[Right]) -> Role:
    return Role(name, tuple(Permission(r) for r in rights))


_VIEW = (Right.READ, Right.HISTORY)
_OPERATE = (*_VIEW, Right.WRITE, Right.CALL, Right.ACKNOWLEDGE, Right.SHELVE)
_ENGINEER = (*_OPERATE, Right.APPROVE, Right.TRACE, Right.SUBSTITUTE, Right.CONFIGURE, Right.AUDIT)
ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        _role("viewer", _VIEW),
        _role("operator", _OPERATE),
        _role("engineer", _ENGINEER),
        _role("admin", (*_ENGINEER, Right.USERS)),
    )
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, agent or remote node. Every command and every read names its actor.

    `kind` is "person", "agent", "node" or "token"; `origin` says from where (address, CLI, page).
    `bound`, where it is not None, are the roles of whoever answers for the actor: what these do not
    allow, the actor may not either (a token never outlives the rights of its owner).
    `asker`, where it is not None, is on whose behalf the actor asks; who may say so is up to the door that it came by.
    """

    name: str
    roles: tuple[Role, ...] = ()
    kind: str = "person"
    origin: str = field(default="", compare=False)
    bound: tuple[Role, ...] | None = None
    asker: Actor | None = field(default=None, compare=False)

    @property
    def person(self) -> str:
        """Who answers for the actor: the owner of a token, else the actor itself."""
        return self.name.partition(":")[0] if self.kind == "token" else self.name

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of its roles; those that `bound` does not allow as widely are left out."""
        return tuple(role.name for role in self.roles if self.bound is None or _cover(self.bound, role))

    def may(self, right: Right, path: str = "") -> bool:
        """Default deny: True only if a permission of a role allows it. Everyone names paths; "" asks for no path."""
        return _allow(self.roles, right, path) and (self.bound is None or _allow(self.bound, right, path))

    def may_grant(self, role: Role) -> bool:
        """True if `role` allows nothing that the actor's own roles (and bound) do not allow as widely."""
        return _cover(self.roles, role) and (self.bound is None or _cover(self.bound, role))

    def may_somewhere(self, right: Right) -> bool:
        """True if there may be a path on which `may` is true; the callee decides for each path."""
        return _mention(self.roles, right) and (self.bound is None or _mention(self.bound, right))


def _allow(roles: tuple[Role, ...], right: Right, path: str) -> bool:
    return any(p.allows(right, path) for role in roles for p in role.permissions)


def _mention(roles: tuple[Role, ...], right: Right) -> bool:
    return any(p.right is right for role in roles for p in role.permissions)


def _cover(roles: tuple[Role, ...], wanted: Role) -> bool:
    own = {(p.right, p.glob) for role in roles for p in role.permissions}
    return all((p.right, "*") in own or (p.right, p.glob) in own for p in wanted.permissions)


def rights_by_verb(command: Command) -> tuple[Right, ...]:
    """The right that a command takes on its target, where nobody knows that it only reads."""
    return (Right.WRITE if command.verb is Verb.WRITE else Right.CALL,)


NOBODY = Actor("nobody")
