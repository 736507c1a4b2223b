"""What members of a fleet answer, and who they are: JSON to numbers, without I/O."""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

GATEWAY_KEY = "RASP_catch"
"""The key of a member's address where the inventory says more of it than the address."""
MOST_MEMBERS = 10_000
LONGEST_VECTOR = 1000
LONGEST_NAME = 200
LONGEST_HOST = 253
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


class AnswerError(ValueError):
    """An answer that is not what was asked for, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Who is asked in a sweep: the address of each member by its name, such as http://10.0.0.7:8000."""

    members: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.members)


def parse_inventory(data: bytes, port: int) -> Inventory:
    """A mapping name -> address, or name -> {"RASP_catch": address, ...}, or a list of addresses.

    `port` is that of addresses without one. Raises AnswerError.
    """
    try:
        found = _json(data)
    except AnswerError as error:
        raise AnswerError(f"the inventory: {error}") from None
    if isinstance(found, list):
        found = {str(one): one for one in found}
    if not isinstance(found, dict):
        raise AnswerError("the inventory is neither a mapping of names nor a list of addresses")
    if len(found) > MOST_MEMBERS:
        raise AnswerError(f"the inventory names {len(found)} members, at most {MOST_MEMBERS}")
    return Inventory({_name(name): base_of(_address(name, entry), port) for name, entry in found.items()})


def inventory_of_rows(rows: Sequence[tuple[Any, ...]], port: int) -> Inventory:
    """Of the rows of a query: name and address, or the address alone. Raises AnswerError, for one of them too."""
    found: dict[str, str] = {}
    for row in rows:
        if not row:
            raise AnswerError("the query of the inventory gives rows with no column")
        name, address = row[0], row[min(1, len(row) - 1)]
        if not isinstance(address, str):
            raise AnswerError(f"the inventory has no address for {str(name)[:60]!r}, but {str(address)[:60]!r}")
        if str(name) in found:
            raise AnswerError(f"the inventory names {str(name)[:60]!r} twice")
        found[_name(name)] = base_of(address, port)
    if len(found) > MOST_MEMBERS:
        raise AnswerError(f"the inventory names {len(found)} members, at most {MOST_MEMBERS}")
    return Inventory(found)


def _name(name: Any) -> str:
    text = str(name)
    if len(text) > LONGEST_NAME or any("\ud800" <= char <= "\udfff" for char in text):
        raise AnswerError(f"the inventory has {text[:60]!r} for a name, expected at most {LONGEST_NAME} letters")
    return text


def _address(name: str, entry: Any) -> str:
    address = entry.get(GATEWAY_KEY) if isinstance(entry, dict) else entry
    if not isinstance(address, str):
        raise AnswerError(f"the inventory has no address for {name!r}, expected text or {GATEWAY_KEY!r}")
    return address


def base_of(address: str, port: int) -> str:
    """http://host:port of a host, a host:port or a URL without a path. Raises AnswerError."""
    text = address.strip()
    if "://" in text:
        parts = urlsplit(text)
        text = parts.netloc
        if parts.scheme != "http" or parts.path.strip("/") or parts.query or parts.fragment:
            raise AnswerError(
                f"{address!r} is no address of a member, expected such as 10.0.0.7 or http://10.0.0.7:8000"
            )
    found = _HOST.match(text)
    if found is None or not _can_be(found[1]) or (found[2] and not 0 < int(found[2]) < 65536):
        raise AnswerError(f"{address!r} is no address of a member, expected such as 10.0.0.7 or http://10.0.0.7:8000")
    return f"http://{found[1]}:{found[2] or port}"


def _can_be(host: str) -> bool:
    """True if a machine can have this name or address."""
    if not host.startswith("["):
        return len(host) <= LONGEST_HOST and all(0 < len(label) < 64 for label in host.removesuffix(".").split("."))
    try:
        return ipaddress.ip_address(host[1:-1]).version == 6
    except ValueError:
        return False


def parse_answer(data: bytes) -> Any:
    """The JSON of an answer. Raises AnswerError."""
    return _json(data)


def _json(data: bytes) -> Any:
    """JSON that means one thing. Raises AnswerError, for a key that is there twice too."""
    try:
        if b"{" not in data:
            return msgspec.json.decode(data)
        return json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except AnswerError:
        raise
    except (ValueError, RecursionError):
        raise AnswerError("no JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise AnswerError("a key is there twice")
    return found


def _no_number(text: str) -> Any:
    raise AnswerError(f"{text} is no number")


def pick(answer: Any, path: str) -> Any:
    """The part of an answer that a path such as `value` or `rooms.0.level` names. Raises AnswerError."""
    found = answer
    for step in path.split(".") if path else ():
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            raise AnswerError(f"no {path!r} in it")
    return found


def number_of(value: Any) -> float:
    """A finite number. Raises AnswerError; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerError(f"{str(value)[:40]!r} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (isinstance(value, int) and number != value):
        raise AnswerError("a number that is not finite, or too large to be exact")
    return number


def vector_of(value: Any, length: int) -> tuple[float, ...]:
    """Exactly so many finite numbers. Raises AnswerError."""
    if not isinstance(value, list) or len(value) != length:
        raise AnswerError(f"{str(value)[:40]!r} is no vector of {length}")
    return tuple(number_of(one) for one in value)
