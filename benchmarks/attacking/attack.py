"""One class of attacks: what it is called, whose misfortune it comes from, what was tried and what came through."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from attacking.target import Target

EXAMPLES = {
    "path": "rig/plc/setpoint",
    "version": "x",
    "lang": "en",
    "key": "k",
    "name": "admin",
    "token_id": "0" * 8,
    "session": "0" * 16,
}


class EnoughError(Exception):
    """What was looked for has been found."""


@dataclass
class Attack:
    """`tried` attempts of the class `name`; `hits` says what each that came through has done.

    With `first_only` it ends at the first hit, with EnoughError.
    """

    name: str
    peer: str
    tried: int = 0
    hits: list[str] = field(default_factory=list)
    not_run: str = ""
    first_only: bool = False

    def check(self, came_through: object, what: str) -> None:
        """One attempt more; a hit if it came through."""
        self.tried += 1
        if came_through:
            self.hits.append(what[:300])
            if self.first_only:
                raise EnoughError(self.name)


Run = Callable[[Target, Attack, int], None]
"""Does a class of attacks; the number scales how much is tried (1 = short)."""


def example(path: str) -> str:
    """A route's template with its parameters filled in."""
    return re.sub(r"{(\w+)(?::path)?}", lambda m: EXAMPLES.get(m[1], "x"), path)


@dataclass(frozen=True)
class Answer:
    """What came back over a bare socket; status 0: nothing."""

    status: int
    head: str
    body: bytes


def bare(target: Target, request: bytes) -> Answer:
    """Send bytes as they are, which no client library would."""
    received = b""
    with socket.create_connection(target.address, timeout=60) as connection, suppress(OSError):
        connection.sendall(request)
        while len(received) < 1 << 20 and (part := connection.recv(65536)):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Answer(status, head.decode("latin-1"), body)


def get(target: Target, path: str | bytes, *, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """A request for a path as it stands here."""
    host, port = target.address
    lines = {"host": f"{host}:{port}", "connection": "close", **(headers or {})}
    raw = path if isinstance(path, bytes) else path.encode("utf-8", "surrogatepass")
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")
    return bare(target, method.encode() + b" " + raw + b" HTTP/1.1\r\n" + fields + b"\r\n")
