"""Switching faults by hand: commands a line each, over a loopback port or the CLI's standard input."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import cast

from sereno.device import Listener, SocketTransports, Transports

from .faults import FaultKind, ServerFault
from .modbus_server import ModbusServer

HELP = (
    "help                                 this text",
    "list [json]                          servers, their faults and what they have received",
    "fault SERVER slow SECONDS [FOR]      answer late; FOR is a duration such as 10s, or 5x for five requests",
    "fault SERVER silent [FOR]            accept requests, do nothing, never answer",
    "fault SERVER garbage [FOR]           execute requests, answer with noise",
    "fault SERVER exception CODE [FOR]    refuse requests with a Modbus exception",
    "fault SERVER cut [FOR]               execute a request, send half of the answer, hang up",
    "fault SERVER restart SECONDS         drop all connections, refuse new ones for a while",
    "clear [SERVER]                       no fault any more",
    "quit                                 close this connection",
)
_ARGUMENT = (FaultKind.SLOW, FaultKind.EXCEPTION, FaultKind.RESTART)
_UNITS = {"ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|h|)\Z")
_LONGEST_LINE = 1000

Extra = Callable[[list[str]], str]
"""A further command: its words after the name -> one line of answer. Raises ValueError."""


class Control:
    """Executes command lines on named servers. `extra` adds commands of the plant: name -> (help line, function)."""

    def __init__(
        self, servers: Mapping[str, ModbusServer], extra: Mapping[str, tuple[str, Extra]] | None = None
    ) -> None:
        self._servers = dict(servers)
        self._extra = dict(extra or {})

    def execute(self, line: str) -> list[str]:
        """Lines of answer; the last one is 'ok' or begins with 'error:'."""
        words = line.split()
        if not words:
            return ["ok"]
        try:
            return [*self._dispatch(words[0], words[1:]), "ok"]
        except ValueError as error:
            return [f"error: {error}"]

    def _dispatch(self, name: str, words: list[str]) -> list[str]:
        if name in self._extra:
            return [self._extra[name][1](words)]
        match name:
            case "help":
                return [*HELP, *(text for text, _ in self._extra.values())]
            case "list":
                describe = self._as_json if words == ["json"] else self._describe
                return [describe(path) for path in self._servers]
            case "fault":
                return [self._fault(words)]
            case "clear":
                for path in words or list(self._servers):
                    self._server(path).clear()
                return []
        known = ["help", "list", "fault", "clear", "quit", *self._extra]
        raise ValueError(f"unknown command {name!r}, {_known(name, known)}")

    def _server(self, path: str) -> ModbusServer:
        if path not in self._servers:
            raise ValueError(f"unknown server {path!r}, {_known(path, self._servers)}")
        return self._servers[path]

    def _describe(self, path: str) -> str:
        server = self._servers[path]
        fault = "not listening" if not server.listening else server.faults.current() or "no fault"
        counters = ", ".join(f"{count} {name}" for name, count in server.counters.items())
        return f"{path} on {server.host}:{server.port}: {fault}; {counters}"

    def _as_json(self, path: str) -> str:
        server = self._servers[path]
        told = {"server": path, "host": server.host, "port": server.port, "listening": server.listening}
        return json.dumps({**told, "fault": str(server.faults.current() or ""), **server.counters})

    def _fault(self, words: list[str]) -> str:
        if len(words) < 2:
            raise ValueError("expected: fault SERVER KIND [SECONDS or CODE] [FOR], see help")
        server = self._server(words[0])
        kind = _kind(words[1])
        rest = words[2:]
        wanted = 1 if kind in _ARGUMENT else 0
        longest = wanted if kind is FaultKind.RESTART else wanted + 1
        if not wanted <= len(rest) <= longest:
            raise ValueError(f"{kind} takes {wanted} to {longest} words after it, got {len(rest)}, see help")
        fault = _with_argument(kind, rest[0] if wanted else "")
        duration, requests = _bound(rest[wanted]) if len(rest) > wanted else (None, None)
        server.inject(fault, duration=duration, requests=requests)
        return f"{words[0]}: {fault}" + (f" for {rest[wanted]}" if len(rest) > wanted else "")


def _kind(word: str) -> FaultKind:
    try:
        return FaultKind(word)
    except ValueError:
        raise ValueError(f"unknown fault {word!r}, {_known(word, FaultKind)}") from None


def _with_argument(kind: FaultKind, word: str) -> ServerFault:
    if kind is FaultKind.EXCEPTION:
        if not word.isdigit() or not 1 <= int(word) <= 255:
            raise ValueError(f"exception code {word!r}, expected a number from 1 to 255")
        return ServerFault(kind, code=int(word))
    return ServerFault(kind, _seconds(word)) if word else ServerFault(kind)


def _bound(word: str) -> tuple[float | None, int | None]:
    if word.endswith("x") and word[:-1].isdigit() and int(word[:-1]) > 0:
        return None, int(word[:-1])
    return _seconds(word), None


def _seconds(word: str) -> float:
    found = _DURATION.match(word)
    if found is None:
        raise ValueError(f"{word!r} is not a duration, expected for example 500ms, 10s or 5min")
    return float(found[1]) * _UNITS[found[2]]


def _known(word: str, names: Mapping[str, object] | list[str] | type[FaultKind]) -> str:
    known = [str(name) for name in names]
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


class ControlServer:
    """The control commands on a loopback port: a line in, lines out, the last one 'ok' or 'error: ...'."""

    def __init__(self, control: Control, transports: Transports | None = None) -> None:
        self.control = control
        self._transports: Transports = transports or SocketTransports()
        self._listener: Listener | None = None
        self._connections: set[_ControlConnection] = set()

    @property
    def port(self) -> int:
        """The port that it got; 0 before `start`."""
        return self._listener.port if self._listener is not None else 0

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1. Raises OSError when the port is taken."""
        self._listener = await self._transports.listen(
            lambda: _ControlConnection(self.control, self._connections), "127.0.0.1", port
        )

    async def close(self) -> None:
        """Hang up and stop listening."""
        listener, self._listener = self._listener, None
        for connection in list(self._connections):
            connection.abort()
        if listener is not None:
            await listener.close()


class _ControlConnection(asyncio.Protocol):
    def __init__(self, control: Control, connections: set[_ControlConnection]) -> None:
        self._control = control
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._connections.discard(self)

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._transport is None or self._transport.is_closing():
                return
            text = line.decode("utf-8", "replace").strip()
            if text == "quit":
                self._transport.close()
                return
            self._transport.write("".join(f"{out}\n" for out in self._control.execute(text)).encode())
        if len(self._rest) > _LONGEST_LINE:
            self.abort()
