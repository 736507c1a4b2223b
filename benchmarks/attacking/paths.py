"""Attacks by the path of a request: out of a folder, past the gate, and to whatever forgot to ask who is there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from attacking.attack import Answer, Attack, example, get
from attacking.target import SETPOINT, Target
from sereno.access.entries import Need
from sereno.web.entries import ENTRIES

_UP = ("..", "%2e%2e", "..%00", "%252e%252e", "..\\", "..%5c", "%c0%ae%c0%ae", "\uff0e\uff0e", "....//..", ". .")
_SLASH = ("/", "%2f", "%252f", "\\", "%5c", "//", "/./")
_PLACES = (
    "/static/x/{}",
    "/static/{}",
    "/locale/{}.json",
    "/locale/{}",
    "/devices/{}",
    "/api/v1/values/{}",
    "/mimic.svg/{}",
    "/mimic?file={}",
    "/trend?tag={}",
    "/api/v1/history?tag={}",
    "/{}",
)


def traversal(target: Target, attack: Attack, scale: int) -> None:
    """Files outside of what is served: a canary beside the data, the database, the keys, the system's own."""
    marks = [target.secret.encode(), b"SQLite format 3", b"root:x:0:", b"[plant]"]
    marks += [path.read_bytes()[:16] for path in (target.folder / "data" / "keys").iterdir()]
    cookie = {"cookie": f"{target.cookie}={target.run(target.accounts.sessions.open('engineer', '')).secret}"}
    for place, payload in itertools.product(_PLACES, _payloads(target, scale)):
        answer = get(target, place.format(payload), headers=cookie)
        attack.check(_leaks(answer, marks), f"GET {place.format(payload)} -> {answer.status}")


def _payloads(target: Target, scale: int) -> Iterator[str]:
    files = [str(target.outside / "canary.txt"), "/etc/passwd"]
    yield from (*files, *(f"file://{file}" for file in files), *(file.replace("/", "%2f") for file in files))
    names = ["etc/passwd", "outside/canary.txt", "data/sereno.db", "plant.toml", "locale/en"][: 1 + scale]
    ups, slashes = _UP[: 1 + 3 * scale], _SLASH[: 1 + 2 * scale]
    for up, slash, depth, name in itertools.product(ups, slashes, (12, 3, 1)[:scale], names):
        yield (up + slash) * depth + name.replace("/", slash)


def _leaks(answer: Answer, marks: list[bytes]) -> bool:
    return any(mark in answer.body for mark in marks) or answer.status >= 500


def normalisation(target: Target, attack: Attack, scale: int) -> None:
    """Spellings of protected paths that the gate and the router might read differently; nobody is signed in."""
    protected = [example(e.path) for e in ENTRIES if e.kind == "GET" and e.need is not Need.OPEN]
    ending = [path for path in protected if not path.endswith(("/stream", "/trace"))]
    for path in ending[:: max(1, 7 - 2 * scale)]:
        for spelling, headers in _spellings(target, path):
            answer = get(target, spelling, headers=headers)
            attack.check(answer.status >= 500 or _is_inside(answer), f"GET {spelling!r} -> {answer.status}")


def _spellings(target: Target, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    tail = path.lstrip("/")
    for spelling in (
        f"//{tail}",
        f"/{path}",
        f"{path}/",
        f"{path}//",
        path.upper(),
        f"/./{tail}",
        f"/x/../{tail}",
        f"/x/..;/{tail}",
        f"/static/../{tail}",
        f"/static/x/../../{tail}",
        f"/static/x/..%2f..%2f{tail}",
        f"/static/x/%2e%2e/%2e%2e/{tail}",
        f"/healthz/../{tail}",
        f"/healthz/..%2f{tail}",
        f"/sign-in/../{tail}",
        f"/sign-in;/../{tail}",
        f"{path};x=/healthz",
        f"{path}%00",
        f"{path}%2e",
        f"{path}.",
        f"{path}?/healthz",
        f"{path}%3f/healthz",
        f"{path}%23",
        f"{path}\\",
        "/" + "".join(f"%{ord(c):02x}" for c in tail),
        f"{target.origin}{path}",
        f"http://localhost{path}",
        f"/{tail.replace('/', '%2f')}",
    ):
        yield spelling, {}
    for name in ("x-original-url", "x-rewrite-url", "x-forwarded-path", "x-forwarded-prefix"):
        yield "/healthz", {name: path}
    for name in ("x-forwarded-for", "x-real-ip", "forwarded", "x-remote-user", "remote-user", "x-forwarded-user"):
        yield path, {name: "127.0.0.1" if "for" in name or "ip" in name else "admin"}


def _is_inside(answer: Answer) -> bool:
    """True if something came that only those inside may see."""
    inside = (
        b'"users"',
        b'"tags"',
        b'"values"',
        b'"devices"',
        b'"tokens"',
        b'"sessions"',
        b"data-may-write=",
        b"# HELP",
    )
    return (
        answer.status == 200 and any(mark in answer.body for mark in inside) and b'action="/sign-in"' not in answer.body
    )


def forgotten(target: Target, attack: Attack, scale: int) -> None:
    """Every entry for nobody, for tokens that nobody gave out, and whatever changes something for a viewer."""
    del scale
    before = target.counts()
    ways: dict[str, dict[str, str]] = {"nobody": {}, "invalid cookie": {"cookie": f"{target.cookie}={'x' * 43}"}}
    ways |= {name: {"authorization": f"Bearer {token}"} for name, token in _forged().items()}
    for entry in ENTRIES:
        if entry.need is Need.OPEN or entry.kind in ("WS", "MESSAGE"):
            continue
        for name, headers in ways.items():
            answer = get(target, example(entry.path), method=entry.kind, headers={"content-length": "0", **headers})
            attack.check(answer.status not in (401, 403, 303), f"{name}: {entry.kind} {entry.path} -> {answer.status}")
    _viewer(target, attack)
    for name, headers in ways.items():
        answer = get(target, "/api/v1/live", headers={**_HANDSHAKE, **headers})
        attack.check(answer.status == 101, f"{name}: WebSocket -> {answer.status}")
    attack.check(target.counts() != before, "something was changed")


def _viewer(target: Target, attack: Attack) -> None:
    """A viewer asks for what only others may."""
    with target.signed_in("viewer") as viewer:
        for method, path, body in (
            ("PUT", f"/api/v1/values/{SETPOINT}", {"value": 9}),
            ("POST", "/api/v1/commands", {"target": SETPOINT, "value": 9}),
            ("PUT", f"/api/v1/values/{SETPOINT}/substitution", {"value": 9, "reason": "x"}),
            ("PUT", "/api/v1/devices/rig/plc/maintenance", {"reason": "x"}),
            ("POST", "/api/v1/users", {"name": "eve", "roles": ["admin"]}),
            ("POST", "/api/v1/kiosks", {"name": "eve"}),
            ("GET", "/api/v1/users", None),
            ("GET", "/api/v1/audit", None),
            ("GET", "/api/v1/sessions", None),
        ):
            status = viewer.request(method, path, json=body).status_code
            attack.check(status < 400 or status >= 500, f"viewer: {method} {path} -> {status}")


_HANDSHAKE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def _forged() -> dict[str, str]:
    """Tokens as others have accepted: unsigned, signed by a published secret, and of the shape of ours."""
    none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9."
    fuxa = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6ImFkbWluIiwiZ3JvdXBzIjotMX0.lG5QbJwWJPBnAYQxm3M9mPt2bW0Yyp3rXkTqBqMSxX8"
    return {"alg none": none, "published secret": fuxa, "ours": "srn_" + "A" * 43, "kiosk": "kiosk_" + "A" * 43}
