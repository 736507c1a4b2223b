"""Attacks on how people come in: guesses, sessions set or kept, tokens used again, rights by extra fields."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

from attacking.attack import Attack
from attacking.target import PASSWORD, Target

_LIKELY = ("admin", "password", "1234", "1111", "sereno", "", "admin123", "letmein", "root", "changeme")


def fixation(target: Target, attack: Attack, scale: int) -> None:
    """A session that the attacker knew before is not the one that the victim gets, and ends."""
    del scale
    known = ["x" * 43, target.run(target.accounts.sessions.open("viewer", "")).secret]
    for secret in known:
        with target.client() as victim:
            victim.cookies.set(target.cookie, secret)
            answer = victim.post("/sign-in", data={"user": "admin", "password": PASSWORD})
            given = answer.headers.get("set-cookie", "")
            attack.check(secret in given, "the secret that was known before was given out again")
            attack.check("httponly" not in given.lower() or "samesite" not in given.lower(), f"a cookie like {given}")
        with target.client() as attacker:
            attacker.cookies.set(target.cookie, secret)
            status = attacker.get("/api/v1/session").status_code
            attack.check(status != 401, "what was known before the sign-in still holds after it")
        in_url = target.client().get("/api/v1/session", params={target.cookie: secret, "token": secret})
        attack.check(in_url.status_code != 401, "a session in the address")


def replay(target: Target, attack: Attack, scale: int) -> None:
    """Nothing that has ended comes in again: sessions, tokens, links, also over an open connection."""
    del scale
    for how in ("sign-out", "disable", "password", "revoke"):
        target.run(target.accounts.add_user(f"victim-{how}", PASSWORD, ["operator"], by="rig"))
        with target.signed_in(f"victim-{how}") as client:
            secret = client.cookies[target.cookie]
            token = target.token(f"victim-{how}", "viewer")
            _end(target, how, client, secret)
            client.cookies.set(target.cookie, secret)
            for path in ("/api/v1/session", "/api/v1/values", "/"):
                attack.check(client.get(path).status_code == 200, f"a session after {how}: {path}")
            if how == "disable":
                answer = target.client().get("/api/v1/values", headers={"authorization": f"Bearer {token}"})
                attack.check(answer.status_code == 200, f"a token after {how}")
    ticket = target.run(target.accounts.sessions.ticket("viewer"))
    used = [target.client().get("/sign-in/once", params={"ticket": ticket}).status_code for _ in range(3)]
    attack.check(used.count(303) != 1, f"a link for once: {used}")


def _end(target: Target, how: str, client: Any, secret: str) -> None:
    from sereno.access.opaque import digest
    from sereno.access.sessions import session_id

    name = f"victim-{how}"
    if how == "sign-out":
        client.post("/sign-out")
    elif how == "disable":
        target.run(target.accounts.set_disabled(name, True, by="rig"))
    elif how == "password":
        target.run(target.accounts.set_password(name, PASSWORD + "!", by="rig"))
    else:
        target.run(target.accounts.sessions.revoke(session_id(digest(secret)), by="rig"))


def brute_force(target: Target, attack: Attack, scale: int) -> None:
    """Guesses from one address and from many; the operator gets in meanwhile, the attacker only waits."""
    with target.client(local="127.9.9.9") as client:
        looked_at, began = 0, time.monotonic()
        for i in range(40 * scale):
            guess = _LIKELY[i % len(_LIKELY)] if i < 20 else f"guess {i}"
            status = client.post("/sign-in", data={"user": ("admin", "operator")[i % 2], "password": guess}).status_code
            attack.check(status == 303, f"the password {guess!r} was right")
            looked_at += status == 401
        attack.check(looked_at > 2 * _let_through(began), f"{looked_at} guesses from one address were looked at")
    for host in range(10 * scale):
        with target.client(local=f"127.8.{host // 250}.{1 + host % 250}") as client:
            began = time.monotonic()
            looked_at = [_guess(client, "operator", f"guess {i}") for i in range(7)].count(401)
            attack.check(looked_at > _let_through(began), f"{looked_at} guesses of one account from one address")
    for i, address in enumerate(("127.0.0.1", "127.7.7.7")):
        with target.client(local=f"127.9.8.{i + 1}") as attacker, target.client(local=address) as client:
            for guess in range(20):
                if _guess(attacker, "operator", f"guess {guess}") == 429:
                    break
            attack.check(_guess(client, "operator", PASSWORD) != 303, f"the operator at {address} was kept out")


def _let_through(began: float) -> int:
    """How many guesses of one account from one address may be looked at: after five the wait doubles from 1 s."""
    return 5 + int(math.log2(1.0 + time.monotonic() - began))


def _guess(client: Any, user: str, password: str) -> int:
    return int(client.post("/sign-in", data={"user": user, "password": password}).status_code)


def enumeration(target: Target, attack: Attack, scale: int) -> None:
    """Who does not exist, who is disabled and whose password is wrong are told the same."""
    target.run(target.accounts.add_user("gone", PASSWORD, ["viewer"], by="rig"))
    target.run(target.accounts.set_disabled("gone", True, by="rig"))
    told: dict[str, tuple[int, str]] = {}
    for i, (user, password) in enumerate([("viewer", "wrong"), ("nobody-here", "wrong"), ("gone", PASSWORD)] * scale):
        with target.client(local=f"127.6.0.{i + 1}") as client:
            answer = client.post("/sign-in", data={"user": user, "password": password})
            told[user] = answer.status_code, answer.text
            attack.check(told[user] != told["viewer"], f"{user} is told something else: {answer.status_code}")
    for path in ("/api/v1/users", "/api/v1/users/admin", "/api/v1/profile", "/users"):
        attack.check(target.client().get(path).status_code == 200, f"{path} for nobody")


_EXTRA: dict[str, Any] = {
    "role": "admin",
    "roles": ["admin"],
    "authority": "TENANT_ADMIN",
    "admin": True,
    "id": 1,
    "user_id": 1,
    "owner": "admin",
    "user": "admin",
    "kind": "node",
    "bound": None,
    "permissions": [{"right": "users", "glob": "*"}],
    "disabled": False,
    "actor": "admin",
    "__proto__": {"admin": True},
    "constructor": {"prototype": {"admin": True}},
}


def mass_assignment(target: Target, attack: Attack, scale: int) -> None:
    """Fields that a body has no business with, and people who manage others giving out more than they have."""
    del scale
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "/api/v1/profile/password": ("POST", {"old": PASSWORD, "new": PASSWORD + " new"}),
        "/api/v1/profile/tokens": ("POST", {"name": "t", "role": "viewer"}),
        "/api/v1/values/rig/plc/setpoint": ("PUT", {"value": 5}),
        "/api/v1/commands": ("POST", {"target": "rig/plc/setpoint", "value": 5}),
    }
    with target.signed_in("operator") as client:
        for (path, (method, body)), (name, value) in itertools.product(bodies.items(), _EXTRA.items()):
            if name not in body and not (name == "actor" and path.endswith("commands")):
                status = client.request(method, path, json={**body, name: value}).status_code
                attack.check(status < 400 or status >= 500, f"{method} {path} with {name} -> {status}")
        client.post("/api/v1/commands", json={"target": "rig/plc/setpoint", "value": 5, "actor": "admin"})
        written = [r.actor for r in target.run(target.accounts.audit.entries()) if r.action == "write"]
        attack.check(set(written) != {"operator"}, f"a command in the name of {written}")
        attack.check("users" in client.get("/api/v1/session").json()["rights"], "an operator may manage people")
        status = client.post("/api/v1/profile/tokens", json={"name": "t", "role": "admin"}).status_code
        attack.check(status < 400, "an operator makes a token for administrators")
    _clerk(target, attack)


def _clerk(target: Target, attack: Attack) -> None:
    from sereno.access.actor import Permission, Right, Role

    target.run(target.accounts.put_role(Role("clerk", (Permission(Right.USERS),)), by="rig"))
    target.run(target.accounts.add_user("clerk", PASSWORD, ["clerk"], by="rig"))
    with target.signed_in("clerk") as client:
        for method, path, body in (
            ("POST", "/api/v1/users", {"name": "eve", "roles": ["admin"]}),
            ("PUT", "/api/v1/users/clerk", {"roles": ["admin"]}),
            ("PUT", "/api/v1/users/admin", {"disabled": True}),
            ("POST", "/api/v1/users/admin/password", None),
            ("POST", "/api/v1/tokens", {"name": "t", "owner": "admin", "role": "admin"}),
            ("PUT", "/api/v1/roles/clerk", {"permissions": [{"right": "write", "glob": "*"}]}),
            ("PUT", "/api/v1/roles/admin", {"permissions": []}),
            ("POST", "/api/v1/kiosks", {"name": "eve", "reads": ["*"]}),
        ):
            status = client.request(method, path, json=body).status_code
            attack.check(status < 400 or status >= 500, f"clerk: {method} {path} -> {status}")
