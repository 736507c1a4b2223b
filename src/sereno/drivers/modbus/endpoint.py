"""The url of a Modbus device: tcp://HOST:PORT or rtu:///dev/ttyUSB0?baud=19200&parity=E&stop=1."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DEFAULT_PORT = 502
_EXPECTED = "expected 'tcp://HOST:PORT' or 'rtu:///dev/ttyUSB0?baud=19200&parity=E&stop=1'"
_OPTIONS = ("baud", "parity", "stop", "bits")


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A Modbus/TCP server."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SerialEndpoint:
    """A serial line with Modbus RTU devices; the specification's default is 19200 8E1."""

    port: str
    baud: int = 19200
    parity: str = "E"
    stop: int = 1
    bits: int = 8

    def __str__(self) -> str:
        return f"rtu://{self.port}?baud={self.baud}&parity={self.parity}&stop={self.stop}&bits={self.bits}"


Endpoint = TcpEndpoint | SerialEndpoint


def parse_url(text: Any) -> Endpoint:
    """The endpoint that `text` names. Raises ValueError with what was expected."""
    if not isinstance(text, str):
        raise ValueError(f"url {text!r}, {_EXPECTED}")
    try:
        parts = urlsplit(text)
        port = parts.port if parts.scheme == "tcp" else None
    except ValueError as error:
        raise ValueError(f"url {text!r}: {error}; {_EXPECTED}") from None
    if parts.scheme == "rtu":
        return _serial(text, parts.netloc + parts.path, parts.query)
    if parts.scheme != "tcp":
        raise ValueError(f"url {text!r} begins with {parts.scheme!r}, {_EXPECTED}")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
        raise ValueError(f"url {text!r}, {_EXPECTED}")
    if port == 0:
        raise ValueError(f"url {text!r}: port 0, expected 1 to 65535")
    return TcpEndpoint(parts.hostname, port or DEFAULT_PORT)


def _serial(text: str, port: str, query: str) -> SerialEndpoint:
    if re.match(r"/COM\d+\Z", port, re.IGNORECASE):
        port = port[1:]
    if not port:
        raise ValueError(f"url {text!r} names no serial port, {_EXPECTED}")
    options: dict[str, str] = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            close = difflib.get_close_matches(name, _OPTIONS, n=1) or [", ".join(_OPTIONS)]
            raise ValueError(f"url {text!r}: unknown option {name!r}, did you mean {close[0]!r}?")
    parity = options.get("parity", "E").upper()
    if parity not in ("N", "E", "O"):
        raise ValueError(f"url {text!r}: parity {parity!r}, expected N, E or O")
    return SerialEndpoint(
        port,
        _number(text, options, "baud", 19200, range(300, 4_000_001)),
        parity,
        _number(text, options, "stop", 1, range(1, 3)),
        _number(text, options, "bits", 8, range(7, 9)),
    )


def _number(text: str, options: dict[str, str], name: str, default: int, allowed: range) -> int:
    given = options.get(name, str(default))
    if not given.isdecimal() or int(given) not in allowed:
        raise ValueError(f"url {text!r}: {name} {given!r}, expected {allowed[0]} to {allowed[-1]}")
    return int(given)
