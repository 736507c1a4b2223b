"""Users, roles, tokens and sessions over REST."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.access.actor import Permission, Right, Role
from sereno.store.audit import AuditQuery

USERS = "/api/v1/users"
PASSWORD = "correct horse battery"


async def clerk(site: Any) -> Any:
    """Somebody who manages people and may do nothing else."""
    await site.accounts.put_role(Role("clerk", (Permission(Right.USERS), Permission(Right.READ))), by="test")
    await site.accounts.add_user("clerk", PASSWORD, ["clerk"], by="test")
    return await site.signed_in("clerk")


async def test_a_new_person_signs_in_with_the_password_shown_once(site) -> None:
    async with await site.signed_in("admin") as admin:
        made = await admin.post(USERS, json={"name": "ann", "roles": ["operator"]})
        assert made.status_code == 201
        assert (await admin.post(USERS, json={"name": "ann", "roles": ["operator"]})).status_code == 409
        everyone = await admin.get(USERS)
        assert made.json()["password"] not in everyone.text
    async with site.browser() as ann:
        form = {"user": "ann", "password": made.json()["password"]}
        assert (await ann.post("/sign-in", data=form)).status_code == 303
        assert (await ann.get("/api/v1/session")).json()["roles"] == ["operator"]


@pytest.mark.parametrize("extra", ["id", "password", "disabled", "permissions", "created", "admin", "__class__"])
async def test_nothing_but_what_is_asked_for_sticks(site, extra: str) -> None:
    async with await site.signed_in("admin") as admin:
        answer = await admin.post(USERS, json={"name": "ann", "roles": ["viewer"], extra: True})
        assert answer.status_code == 422
        assert "ann" not in [u["name"] for u in (await admin.get(USERS)).json()["users"]]


async def test_nobody_grants_or_manages_more_than_they_may(site) -> None:
    async with await clerk(site) as browser:
        for answer in (
            await browser.post(USERS, json={"name": "eve", "roles": ["admin"]}),
            await browser.put(f"{USERS}/clerk", json={"roles": ["admin"]}),
            await browser.put(f"{USERS}/admin", json={"disabled": True}),
            await browser.post(f"{USERS}/admin/password"),
            await browser.put("/api/v1/roles/clerk", json={"permissions": [{"right": "write"}]}),
            await browser.post("/api/v1/tokens", json={"name": "t", "owner": "admin", "role": "clerk"}),
            await browser.post("/api/v1/tokens", json={"name": "t", "owner": "clerk", "role": "viewer"}),
        ):
            assert answer.status_code == 403, answer.text
        assert (await browser.post(USERS, json={"name": "bob", "roles": ["clerk"]})).status_code == 201


async def test_the_last_administrator_stays(site) -> None:
    async with await site.signed_in("admin") as admin:
        for change in ({"disabled": True}, {"roles": ["viewer"]}):
            answer = await admin.put(f"{USERS}/admin", json=change)
            assert answer.status_code == 409
            assert "last administrator" in answer.json()["detail"]


async def test_a_person_shut_out_is_out_at_once(site) -> None:
    async with await site.signed_in("admin") as admin, await site.signed_in("viewer") as viewer:
        assert (await viewer.get("/api/v1/tags")).status_code == 200
        assert (await admin.put(f"{USERS}/viewer", json={"disabled": True})).json()["disabled"] is True
        assert (await viewer.get("/api/v1/tags")).status_code == 401


async def test_roles_of_ones_own_make_come_into_effect_and_go(site) -> None:
    async with await site.signed_in("admin") as admin:
        body = {"permissions": [{"right": "read", "glob": "north/*"}]}
        assert (await admin.put("/api/v1/roles/north", json=body)).json()["built_in"] is False
        assert (await admin.put("/api/v1/roles/admin", json=body)).status_code == 409
        await admin.put(f"{USERS}/viewer", json={"roles": ["north"]})
        async with await site.signed_in("viewer") as viewer:
            tags = (await viewer.get("/api/v1/tags")).json()["tags"]
        assert {tag["tag"][:5] for tag in tags} == {"north"}
        assert (await admin.delete("/api/v1/roles/north")).status_code == 409
        await admin.put(f"{USERS}/viewer", json={"roles": ["viewer"]})
        assert (await admin.delete("/api/v1/roles/north")).status_code == 204
        assert "north" not in [role["name"] for role in (await admin.get("/api/v1/roles")).json()["roles"]]


async def test_tokens_are_shown_once_listed_and_revoked(site) -> None:
    async with await site.signed_in("admin") as admin, site.browser() as program:
        made = (
            await admin.post("/api/v1/tokens", json={"name": "report", "owner": "viewer", "role": "viewer", "days": 1})
        ).json()
        headers = {"authorization": f"Bearer {made['token']}"}
        assert (await program.get("/api/v1/tags", headers=headers)).status_code == 200
        listed = await admin.get("/api/v1/tokens")
        assert made["token"] not in listed.text
        assert (await admin.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
        assert (await program.get("/api/v1/tags", headers=headers)).status_code == 401


async def test_sessions_of_others_are_ended_by_those_who_may(site) -> None:
    async with await site.signed_in("admin") as admin, await site.signed_in("viewer") as viewer:
        sessions = (await admin.get("/api/v1/sessions")).json()["sessions"]
        (theirs,) = [one for one in sessions if one["user"] == "viewer"]
        (own,) = [one for one in sessions if one["here"]]
        assert own["user"] == "admin"
        assert (await viewer.delete(f"/api/v1/profile/sessions/{own['id']}")).status_code == 404
        assert (await admin.delete(f"/api/v1/sessions/{theirs['id']}")).status_code == 204
        assert (await viewer.get("/api/v1/session")).status_code == 401


async def test_ones_own_password_asks_the_old_one_and_ends_the_other_sessions(site) -> None:
    change = {"old": PASSWORD, "new": "another good password"}
    async with await site.signed_in("viewer") as here, await site.signed_in("viewer") as there:
        assert (await here.post("/api/v1/profile/password", json={**change, "old": "no"})).status_code == 403
        assert (await here.post("/api/v1/profile/password", json={**change, "new": "short"})).status_code == 422
        assert (await here.post("/api/v1/profile/password", json=change)).status_code == 204
        assert (await here.get("/api/v1/session")).status_code == 200
        assert (await there.get("/api/v1/session")).status_code == 401
        (one,) = (await here.get("/api/v1/profile")).json()["sessions"]
        assert one["here"]


async def test_a_token_changes_no_password_and_makes_no_token(site) -> None:
    headers = {"authorization": f"Bearer {await site.token('viewer', 'viewer')}"}
    async with site.browser(headers=headers) as program:
        for path, body in (
            ("password", {"old": PASSWORD, "new": "another good password"}),
            ("tokens", {"name": "t", "role": "viewer"}),
        ):
            assert (await program.post(f"/api/v1/profile/{path}", json=body)).status_code == 403


async def test_own_tokens_reach_no_further_than_their_owner(site) -> None:
    async with await site.signed_in("viewer") as viewer, await site.signed_in("operator") as other:
        assert (await viewer.post("/api/v1/profile/tokens", json={"name": "t", "role": "admin"})).status_code == 403
        made = (await viewer.post("/api/v1/profile/tokens", json={"name": "t", "role": "viewer"})).json()
        assert (await other.delete(f"/api/v1/profile/tokens/{made['id']}")).status_code == 404
        assert (await viewer.delete(f"/api/v1/profile/tokens/{made['id']}")).status_code == 204


async def test_every_act_is_on_record(site) -> None:
    async with await site.signed_in("admin") as admin:
        await admin.post(USERS, json={"name": "ann", "roles": ["viewer"]})
        token = (await admin.post("/api/v1/tokens", json={"name": "t", "owner": "ann", "role": "viewer"})).json()
        await admin.delete(f"/api/v1/tokens/{token['id']}")
        await admin.put(f"{USERS}/ann", json={"disabled": True})
    acts = [(e.actor, e.action, e.target) for e in await site.accounts.audit.entries(AuditQuery(who="admin"))]
    assert acts[::-1] == [
        ("admin", "user.add", "ann"),
        ("admin", "token.add", "ann:t"),
        ("admin", "token.revoke", "ann:t"),
        ("admin", "user.disable", "ann"),
    ]
