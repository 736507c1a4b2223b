"""Attacks by what stands in a request: SQL, line ends, too much and too deep, and what answers must carry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from attacking.attack import Answer, Attack, bare, example, get
from attacking.target import PASSWORD, SETPOINT, Target
from sereno.access.entries import Need
from sereno.web.entries import ENTRIES

_SQL = (
    "' OR '1'='1",
    "' OR 1=1 --",
    "\\' OR 1=1 --",
    "'; DROP TABLE users; --",
    "') UNION SELECT name, password, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 FROM users --",
    '" OR ""="',
    "%' OR '%'='",
    "admin'--",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "x' AND randomblob(1000000000) AND 'x'='x",
    "\x00' OR 1=1 --",
    "\ud800",
)


def sql(target: Target, attack: Attack, scale: int) -> None:
    """Every text that may reach a database: names, filters, globs, ids."""
    del scale
    with target.signed_in("admin") as admin:
        for text in _SQL:
            asked = {
                "/api/v1/audit": ("who", "action", "target"),
                "/api/v1/tags": ("glob",),
                "/api/v1/values": ("tag",),
                "/api/v1/history": ("tag",),
            }
            for path, names in asked.items():
                for name in names:
                    answer = admin.get(path, params={name: text.encode("utf-8", "replace").decode()})
                    found = answer.json().get(path.rpartition("/")[2], answer.json().get("records", []))
                    attack.check(answer.status_code >= 500 or found, f"{path}?{name}={text!r} -> {answer.status_code}")
            for kind, path in (("PUT", "users"), ("DELETE", "roles"), ("DELETE", "kiosks"), ("GET", "commands")):
                body = {"json": {"disabled": False}} if kind == "PUT" else {}
                status = admin.request(kind, f"/api/v1/{path}/{_quoted(text)}", **body).status_code
                attack.check(status < 400 or status >= 500, f"{kind} {path}/{text!r} -> {status}")
            with target.client(local="127.5.0.1") as client:
                form = {"user": text.encode("utf-8", "replace").decode(), "password": "x"}
                status = client.post("/sign-in", data=form).status_code
                attack.check(status not in (401, 429), f"sign-in as {text!r} -> {status}")
    names = [row.name for row in target.run(target.accounts.users())]
    attack.check(set(names) < {"admin", "viewer", "operator", "engineer"}, f"people are gone: {names}")


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")


_LINE_ENDS = ("\r\n", "%0d%0a", "%0a", "%0d", "\n", "%E5%98%8A%E5%98%8D", "%250d%250a", "\\r\\n")
_ELSEWHERE = (
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "//evil.example@127.0.0.1",
    "https:evil.example",
    "///evil.example",
    "/.//evil.example/..",
)


def headers(target: Target, attack: Attack, scale: int) -> None:
    """Lines that an attacker adds to our answers, and answers that lead away from this site."""
    del scale
    for end in _LINE_ENDS:
        extra = f"x{end}x-injected: yes{end}set-cookie: injected=1"
        asked = [f"/sign-in?next={extra}", f"/sign-in/once?ticket={extra}", f"/locale/{extra}.json", f"/tags?x={extra}"]
        for path in asked:
            answer = get(target, path.replace(" ", "%20") if "%" in end else path)
            attack.check(_injected(answer.head), f"GET {path!r}")
        for name in ("origin", "accept-language", "cookie", "host", "referer"):
            answer = get(target, "/sign-in", headers={name: f"lang=en{end}x-injected: yes"} if end[0] == "%" else {})
            attack.check(_injected(answer.head), f"{name} with {end!r}")
    for goal in _ELSEWHERE:
        form = urlencode({"user": "viewer", "password": PASSWORD, "next": goal}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(form))}
        to = _location(_send(target, "POST", "/sign-in", kind, form).head)
        attack.check(not to.startswith("/") or to[1:2] in ("/", "\\"), f"next={goal!r} leads to {to!r}")
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:80", ""):
        answer = get(target, "/sign-in", headers={"host": name})
        attack.check(answer.status == 200, f"it answers to the name {name!r}")


def _location(head: str) -> str:
    """Where an answer leads; "" if it leads nowhere."""
    return next((line[9:].strip() for line in head.split("\r\n") if line.lower().startswith("location:")), "")


def _injected(head: str) -> bool:
    return any(line.lower().startswith(("x-injected:", "set-cookie: injected")) for line in head.split("\r\n")[1:])


def frames(target: Target, attack: Attack, scale: int) -> None:
    """What every answer must carry, so that no page of ours is shown inside another's or read as something else."""
    del scale
    wanted = {"content-security-policy": "frame-ancestors 'self'", "x-content-type-options": "nosniff"}
    wanted |= {"referrer-policy": "same-origin", "cross-origin-resource-policy": "same-origin"}
    with target.signed_in("admin") as admin:
        for entry in ENTRIES:
            if entry.kind != "GET" or entry.path in ("/api/v1/stream", "/api/v1/audit/export") or "trace" in entry.path:
                continue
            for client in (admin, target.client()):
                answer = client.get(example(entry.path))
                for name, text in wanted.items():
                    attack.check(text not in answer.headers.get(name, ""), f"{entry.path}: no {name}")
                policy = answer.headers.get("content-security-policy", "")
                attack.check("unsafe" in policy or "script-src" not in policy, f"{entry.path}: {policy}")
                allowed = answer.headers.get("access-control-allow-origin")
                attack.check(allowed, f"{entry.path}: other sites may read it: {allowed}")
    for entry in ENTRIES:
        if entry.need is Need.OPEN and entry.kind == "GET":
            attack.check("set-cookie" in target.client().get(example(entry.path)).headers, f"{entry.path}: a cookie")


def bodies(target: Target, attack: Attack, scale: int) -> None:
    """Too large, too deep, too many, malformed: refused, with the node answering as before."""
    operator = {"authorization": f"Bearer {target.token('operator', 'operator')}"}
    for body, kind in _bodies(scale):
        for credentials in ({}, operator):
            for method, path in (
                ("PUT", f"/api/v1/values/{SETPOINT}"),
                ("POST", "/api/v1/commands"),
                ("POST", "/sign-in"),
            ):
                head = {"content-type": kind, "content-length": str(len(body)), **credentials}
                answer = _send(target, method, path, head, body).status
                attack.check(
                    answer >= 500 or answer in (200, 201, 202, 303), f"{method} {path} {body[:20]!r} -> {answer}"
                )
    attack.check(target.client().get("/healthz").status_code != 200, "the node does not answer any more")


def _bodies(scale: int) -> Iterator[tuple[bytes, str]]:
    json_type, deep = "application/json", 100_000
    for body in (
        b"[" * deep,
        b'{"value":' * deep + b"1" + b"}" * deep,
        b'{"value":' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"value":"' + b"x" * (2 << 20) + b'"}',
        b'{"value":' + b"9" * 5000 + b"}",
        b'{"value":1e999999}',
        b'{"value":NaN}',
        b'{"value":null}',
        b'{"value":{"a":1}}',
        b'{"value":"\\ud800"}',
        b'{"value":1',
        b'{"target":"x\\u0000","value":1}',
        b"\xff\xfe\x00",
        b"",
        b"null",
        b'"' * 1000,
        b"[" + b"{}," * (10_000 * scale) + b"{}]",
    ):
        yield body, json_type
    yield b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "application/xml"
    yield b"a=1&" * 100_000, "application/x-www-form-urlencoded"
    yield b"a=1&" * 900, "application/x-www-form-urlencoded"
    yield json.dumps({"value": 1}).encode(), "text/plain"
    yield json.dumps({"value": 1}).encode(), "multipart/form-data; boundary=x"


def _send(target: Target, method: str, path: str, head: dict[str, str], body: bytes) -> Answer:
    host, port = target.address
    lines = {"host": f"{host}:{port}", "connection": "close", **head}
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return bare(target, f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode() + body)
