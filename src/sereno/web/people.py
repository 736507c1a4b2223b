"""Users and roles: who there is and what they may do. Nobody grants more than they have themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from sereno.access.accounts import Accounts
from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.access.opaque import new_password
from sereno.client import iso_time
from sereno.model import DeniedError
from sereno.store.people import UserRow

from .answers import answer, problems
from .problem import ProblemError
from .requests import Asking, Context

Name = Annotated[str, Field(min_length=1, max_length=64)]
Named = Annotated[str, Path(min_length=1, max_length=64)]


class Body(BaseModel):
    """A body; members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class NewUser(Body):
    """Somebody new; the password is made here."""

    name: Name
    roles: list[Name] = Field(min_length=1, max_length=20)


class UserChange(Body):
    """What is to be different; null leaves it."""

    roles: list[Name] | None = Field(None, min_length=1, max_length=20)
    disabled: bool | None = None


class PermissionShape(Body):
    """A right over the paths that a glob names."""

    right: Right
    glob: str = Field("*", min_length=1, max_length=200)


class RoleBody(Body):
    """All permissions of a role."""

    permissions: list[PermissionShape] = Field(max_length=200)


class UserShape(BaseModel):
    """A person; `recovered` is when they last got a new password at the machine's console."""

    name: str
    roles: list[str]
    disabled: bool
    created: str | None
    password_changed: str | None
    recovered: str | None


class Users(BaseModel):
    """Everyone, by name."""

    users: list[UserShape]


class Password(BaseModel):
    """A password, shown this once."""

    name: str
    password: str


class RoleShape(BaseModel):
    """A role; built-in ones cannot be changed."""

    name: str
    built_in: bool
    permissions: list[PermissionShape]


class Roles(BaseModel):
    """The built-in roles, then those made by hand."""

    roles: list[RoleShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    wrong = problems(400, 404, 409, 413)
    app.add_api_route("/api/v1/users", users, response_model=Users, responses=problems())
    app.add_api_route(
        "/api/v1/users", add_user, methods=["POST"], status_code=201, response_model=Password, responses=wrong
    )
    app.add_api_route("/api/v1/users/{name}", change_user, methods=["PUT"], response_model=UserShape, responses=wrong)
    app.add_api_route(
        "/api/v1/users/{name}/password", new_user_password, methods=["POST"], response_model=Password, responses=wrong
    )
    app.add_api_route("/api/v1/roles", roles, response_model=Roles, responses=problems())
    app.add_api_route("/api/v1/roles/{name}", put_role, methods=["PUT"], response_model=RoleShape, responses=wrong)
    app.add_api_route("/api/v1/roles/{name}", drop_role, methods=["DELETE"], status_code=204, responses=wrong)


async def users(context: Context) -> Response:
    """Everyone."""
    return answer({"users": [_user_json(row) for row in await context.accounts.users()]})


async def add_user(body: NewUser, context: Context, actor: Asking) -> Response:
    """A new person with a password that is shown this once."""
    await check_grant(context.accounts, actor, body.roles)
    password = new_password()
    try:
        await context.accounts.add_user(body.name, password, body.roles, by=actor.name, origin=actor.origin)
    except ValueError as error:
        raise ProblemError(409, str(error)) from error
    return answer({"name": body.name, "password": password}, 201)


async def change_user(name: Named, body: UserChange, context: Context, actor: Asking) -> Response:
    """Other roles, shut out, or let in again; takes effect at once. The last administrator stays."""
    accounts = context.accounts
    await check_manage(accounts, actor, name)
    if body.roles is not None:
        await check_grant(accounts, actor, body.roles)
        await accounts.set_roles(name, body.roles, by=actor.name, origin=actor.origin)
    if body.disabled is not None:
        await accounts.set_disabled(name, body.disabled, by=actor.name, origin=actor.origin)
    return answer(next(_user_json(row) for row in await accounts.users() if row.name == name))


async def new_user_password(name: Named, context: Context, actor: Asking) -> Response:
    """A new password, shown this once; the person's sessions end."""
    await check_manage(context.accounts, actor, name)
    password = new_password()
    await context.accounts.set_password(name, password, by=actor.name, origin=actor.origin)
    return answer({"name": name, "password": password})


async def roles(context: Context) -> Response:
    """All roles with their permissions."""
    return answer({"roles": [_role_json(role) for role in (*ROLES.values(), *await context.accounts.own_roles())]})


async def put_role(name: Named, body: RoleBody, context: Context, actor: Asking) -> Response:
    """Make a role or replace an own one."""
    role = Role(name, tuple(Permission(p.right, p.glob) for p in body.permissions))
    before = [own for own in await context.accounts.own_roles() if own.name == name]
    check_covers(actor, [role, *before])
    try:
        await context.accounts.put_role(role, by=actor.name, origin=actor.origin)
    except ValueError as error:
        raise ProblemError(409, str(error)) from error
    return answer(_role_json(role))


async def drop_role(name: Named, context: Context, actor: Asking) -> Response:
    """Delete an own role that nobody has."""
    check_covers(actor, [own for own in await context.accounts.own_roles() if own.name == name])
    await context.accounts.drop_role(name, by=actor.name, origin=actor.origin)
    return Response(status_code=204)


async def check_grant(accounts: Accounts, actor: Actor, names: Sequence[str]) -> None:
    """Raises DeniedError if a role allows more than `actor` may, NotFoundError if there is none of that name."""
    check_covers(actor, [await accounts.role(name) for name in names])


async def check_manage(accounts: Accounts, actor: Actor, name: str) -> None:
    """Raises DeniedError if the person may more than `actor`, NotFoundError if there is nobody of that name."""
    check_covers(actor, await accounts.roles_of(name))


def check_covers(actor: Actor, wanted: Iterable[Role]) -> None:
    """Raises DeniedError if one of the roles allows more than `actor` may."""
    for role in wanted:
        if not actor.may_grant(role):
            raise DeniedError(f"denied: role {role.name!r} allows more than {actor.name} may")


def _user_json(row: UserRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "roles": list(row.roles),
        "disabled": row.disabled,
        "created": iso_time(row.created),
        "password_changed": iso_time(row.password_changed),
        "recovered": iso_time(row.recovered) if row.recovered else None,
    }


def _role_json(role: Role) -> dict[str, Any]:
    permissions = [{"right": p.right.value, "glob": p.glob} for p in role.permissions]
    return {"name": role.name, "built_in": role.name in ROLES, "permissions": permissions}
