"""Everybody at every entry, against one table that is written by hand and knows nothing of the entries' own rights."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from sereno.access.actor import Permission, Right, Role
from sereno.web.entries import ENTRIES, LIVE

STRANGERS = frozenset({"nobody", "invalid token", "invalid cookie", "expired token", "expired session", "disabled"})
EVERYONE = frozenset({"viewer", "operator", "engineer", "admin", "north", "clerk", "narrow token", "kiosk"})
READERS = EVERYONE - {"clerk"}
PEOPLE = EVERYONE - {"kiosk"}
HISTORIANS = READERS - {"north"}
WRITERS = frozenset({"operator", "engineer", "admin", "north"})
ACKNOWLEDGERS = frozenset({"operator", "engineer", "admin"})
ENGINEERS = frozenset({"engineer", "admin"})
CLERKS = frozenset({"admin", "clerk"})
ALL = EVERYONE | STRANGERS

TABLE = {
    ALL: """
        GET /healthz
        GET /static/{version}/{path:path}
        GET /sign-in
        POST /sign-in
        GET /sign-in/once
        GET /sign-in/kiosk
        GET /sign-in/oidc
        GET /sign-in/oidc/callback
        GET /locale/{lang}.json
        GET /notice/{token}
        POST /notice/{token}
    """,
    EVERYONE: """
        GET /readyz
        GET /metrics
        GET /help
        GET /profile
        GET /api/v1/openapi.json
        GET /api/v1/session
        GET /api/v1/commands/{key}
        GET /api/v1/profile
        POST /api/v1/profile/password
        POST /api/v1/profile/tokens
        DELETE /api/v1/profile/tokens/{token_id}
        DELETE /api/v1/profile/sessions/{session}
    """,
    PEOPLE: """
        POST /sign-out
    """,
    READERS: f"""
        GET /
        GET /mimic
        GET /mimic.svg
        GET /tags
        GET /devices
        GET /devices/{{path:path}}
        GET /api/v1/tags
        GET /api/v1/values
        GET /api/v1/devices
        GET /api/v1/stream
        GET /system
        GET /api/v1/system
        GET /overrides
        GET /api/v1/substitutions
        GET /api/v1/maintenance
        GET /api/v1/guards
        GET /api/v1/agents/{{path:path}}/log
        GET /jobs
        GET /api/v1/jobs
        GET /api/v1/jobs/{{name}}
        GET /commands
        GET /api/v1/commands
        WS {LIVE}
        MESSAGE {LIVE} subscribe
        MESSAGE {LIVE} unsubscribe
        MESSAGE {LIVE} alarms
        GET /alarms
        GET /api/v1/alarms
        GET /api/v1/alarms/journal
        GET /api/v1/alarms/figures
        GET /api/v1/alarms/export
        GET /notices
        GET /api/v1/notices
        GET /api/v1/notices/sent
        GET /api/v1/notices/duty
        GET /logbook
        GET /api/v1/logbook
    """,
    ACKNOWLEDGERS: """
        POST /api/v1/alarms
        POST /api/v1/alarms/{alarm:path}/ack
        POST /api/v1/alarms/{alarm:path}/reset
        POST /api/v1/alarms/{alarm:path}/shelve
        POST /api/v1/alarms/{alarm:path}/unshelve
        POST /api/v1/notices/swap
        POST /api/v1/logbook
        POST /api/v1/jobs/{name}/{act}
        POST /api/v1/reports/{name}/runs
        DELETE /api/v1/reports/{name}/runs/{key}
    """,
    HISTORIANS: """
        GET /trend
        GET /api/v1/history
        GET /api/v1/history/statistics
        GET /reports
        GET /api/v1/reports
        GET /api/v1/reports/{name}/runs
        GET /api/v1/reports/{name}/files/{file}
    """,
    WRITERS: """
        PUT /api/v1/values/{path:path}
        POST /api/v1/commands
        POST /api/v1/commands/{key}/execute
        POST /api/v1/commands/{key}/cancel
    """,
    ENGINEERS: """
        GET /api/v1/devices/{path:path}/trace
        PUT /api/v1/values/{path:path}/substitution
        DELETE /api/v1/values/{path:path}/substitution
        POST /api/v1/history/imports
        POST /api/v1/history/imports/{key}
        POST /api/v1/history/imports/{key}/finish
        POST /api/v1/history/imports/staged
        GET /api/v1/history/imports/staged/{key}
        POST /api/v1/history/imports/staged/{key}/parts/{number}
        POST /api/v1/history/imports/staged/{key}/merge
        POST /api/v1/history/imports/staged/{key}/cancel
        POST /api/v1/alarms/{alarm:path}/out
        POST /api/v1/alarms/{alarm:path}/in
        POST /api/v1/notices/test
        PUT /api/v1/devices/{path:path}/maintenance
        DELETE /api/v1/devices/{path:path}/maintenance
        POST /api/v1/commands/{key}/approve
        POST /api/v1/commands/{key}/decline
        GET /configuration
        GET /api/v1/configuration
        POST /api/v1/configuration/plan
        POST /api/v1/configuration/apply
        GET /audit
        GET /api/v1/audit
        GET /api/v1/audit/export
        POST /api/v1/audit/verify
    """,
    CLERKS: """
        GET /users
        GET /api/v1/users
        POST /api/v1/users
        PUT /api/v1/users/{name}
        POST /api/v1/users/{name}/password
        GET /api/v1/roles
        PUT /api/v1/roles/{name}
        DELETE /api/v1/roles/{name}
        GET /api/v1/tokens
        POST /api/v1/tokens
        DELETE /api/v1/tokens/{token_id}
        GET /api/v1/sessions
        DELETE /api/v1/sessions/{session}
        GET /api/v1/kiosks
        POST /api/v1/kiosks
        DELETE /api/v1/kiosks/{name}
    """,
}
EXPECTED = {line.strip(): who for who, lines in TABLE.items() for line in lines.strip().splitlines()}
EXAMPLES = {
    "path": "north/plc1/setpoint",
    "alarm": "north/plc1/none.hi",
    "version": "x",
    "lang": "en",
    "key": "unknown-key",
    "number": "0",
    "name": "nobody-there",
    "act": "run",
    "token_id": "00000000",
    "token": "no-link-of-ours",
    "session": "0000000000000000",
    "file": "no-report.csv",
}
OWN = {"origin": "http://localhost"}
BODIES: dict[str, Any] = {
    "POST /api/v1/alarms": {"act": "ack", "ids": ["north/plc1/none.hi"]},
    "POST /api/v1/commands": {"target": "north/plc1/setpoint", "value": 1.0},
    "PUT /api/v1/values/{path:path}": {"value": 1},
    "POST /api/v1/commands/{key}/execute": {},
    "POST /api/v1/commands/{key}/approve": {},
    "POST /api/v1/commands/{key}/decline": {"reason": "no"},
}


@pytest.fixture
async def ways_in(site) -> dict[str, dict[str, str]]:
    """Headers of everybody."""
    accounts = site.accounts
    await accounts.put_role(
        Role("north", (Permission(Right.READ, "north/*"), Permission(Right.WRITE, "north/*"))), by="t"
    )
    await accounts.put_role(Role("clerk", (Permission(Right.USERS),)), by="t")
    for name in ("north", "clerk", "disabled"):
        await accounts.add_user(name, "correct horse battery", [name if name != "disabled" else "admin"], by="t")

    async def cookie(user: str) -> dict[str, str]:
        made = await accounts.sessions.open(user, "")
        return {"cookie": f"{site.context.cookie}={made.secret}", "origin": "http://localhost"}

    async def token(user: str, role: str, lifetime: float = 3600.0) -> dict[str, str]:
        _, secret = await accounts.tokens.issue(user, "t", role, lifetime)
        return {"authorization": f"Bearer {secret}"}

    found = {name: await cookie(name) for name in ("viewer", "operator", "engineer", "admin", "north", "clerk")}
    disabled = await token("disabled", "admin")
    await accounts.set_disabled("disabled", True, by="t")
    site.clock.now -= 30 * 3600.0
    expired = await cookie("admin"), await token("admin", "admin", 60.0)
    site.clock.now += 30 * 3600.0
    return {
        **found,
        "kiosk": {"cookie": f"{site.context.cookie}={await accounts.kiosks.add('wall', by='t')}", **OWN},
        "narrow token": await token("viewer", "admin"),
        "disabled": disabled,
        "expired session": expired[0],
        "expired token": expired[1],
        "nobody": {},
        "invalid token": {"authorization": "Bearer srn_" + "x" * 43},
        "invalid cookie": {"cookie": f"{site.context.cookie}={'x' * 43}", "origin": "http://localhost"},
    }


class Door:
    """Asks the application itself; the answer's head is enough."""

    def __init__(self, site: Any) -> None:
        self.site = site

    async def admits(self, kind: str, path: str, headers: dict[str, str]) -> bool:
        if kind in ("WS", "MESSAGE"):
            return await self._socket(kind, path, headers)
        connection = self._connect(kind, path, headers)
        head = await connection.next(lambda m: m["type"] == "http.response.start")
        await connection.close()
        refused_by_form = path.startswith("/sign-in") and head["status"] == 401
        return refused_by_form or head["status"] not in (401, 403)

    def _connect(self, kind: str, path: str, headers: dict[str, str]) -> Any:
        example = re.sub(r"{(\w+)(?::path)?}", lambda m: EXAMPLES[m[1]], path)
        body = BODIES.get(f"{kind} {path}")
        if body is not None:
            headers = {**headers, "content-type": "application/json"}
        data = b"" if body is None else orjson.dumps(body)
        query = "?tag=north" if path in ("/api/v1/history", "/api/v1/history/statistics", "/api/v1/stream") else ""
        connection = self.site.connect(example + query, method=kind, **{"content-length": str(len(data)), **headers})
        connection.say({"type": "http.request", "body": data, "more_body": False})
        return connection

    async def _socket(self, kind: str, path: str, headers: dict[str, str]) -> bool:
        socket = self.site.connect(LIVE, **headers)
        first = (await socket.next())["type"]
        if first != "websocket.accept":
            return False
        try:
            if kind == "WS":
                return True
            word = path.rpartition(" ")[2]
            socket.ask(type=word, sub=1, **({"tags": ["north"]} if word == "subscribe" else {}))
            if word == "unsubscribe":
                socket.ask(type="subscribe", sub=2, tags=["north"])
            return (await socket.text())["type"] in ("subscribed", "alarms")
        finally:
            await socket.close()


def test_the_table_is_about_every_entry_and_nothing_else() -> None:
    assert sorted(f"{e.kind} {e.path}" for e in ENTRIES) == sorted(EXPECTED)


async def test_everybody_at_every_entry(site, ways_in, record_property) -> None:
    wrong: list[str] = []
    door, asked = Door(site), 0
    last = ("POST /sign-out",)
    async with site.running():
        for entry in sorted(ENTRIES, key=lambda e: f"{e.kind} {e.path}" in last):
            name = f"{entry.kind} {entry.path}"
            for who, headers in ways_in.items():
                asked += 1
                if await door.admits(entry.kind, entry.path, headers) is not (who in EXPECTED[name]):
                    wrong.append(f"{who} at {name}")
    record_property("asked", asked)
    print(f"{asked} answers over {len(ENTRIES)} entries and {len(ways_in)} ways in, {len(wrong)} wrong")
    assert wrong == []
    assert asked == len(ENTRIES) * len(ALL)
