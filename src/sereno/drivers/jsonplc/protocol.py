"""The PLC's JSON over TCP: a question is an object with commands, an answer a list of objects. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

MAX_MESSAGE = 1 << 20
MAX_DEPTH = 16
STATUS = "STATUS"
SET = "SET"
BEAT = "BEAT"
ACK = "ACK"
VALID = "valid"

_PLAIN = re.compile(rb'(?:[^\[\]{}"]+|"[^"\\]*(?:\\.[^"\\]*)*")+', re.DOTALL)
"""Whatever is no bracket, whole strings included. No possessive quantifiers: Python before 3.11.5 matches them wrongly
around alternatives (gh-106052). What stands here can be matched in one way only, so there is nothing to give back."""
_STRING_END = re.compile(rb'[\\"]')
_SPACE = b" \t\r\n"

Value = float | int | str | bool


class Splitter:
    """Cuts a stream into objects and lists. Nothing on the wire says where one ends, so brackets are counted."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._at = 0
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        """What is complete by now. Raises ValueError for what is no message, one too long or too deep."""
        self._data += data
        found: list[bytes] = []
        while (message := self._next()) is not None:
            found.append(message)
        if len(self._data) > MAX_MESSAGE:
            raise ValueError(f"a message of more than {MAX_MESSAGE} bytes")
        return found

    def _next(self) -> bytes | None:
        if not self._at:
            self._data = self._data.lstrip(_SPACE)
            if self._data and self._data[0] not in b"[{":
                raise ValueError(f"a message begins with {bytes(self._data[:20])!r}, expected {{ or [")
        while self._at < len(self._data):
            if self._in_string:
                if not self._rest_of_string():
                    return None
            elif self._turn():
                message = bytes(self._data[: self._at])
                del self._data[: self._at]
                self._at = 0
                return message
        return None

    def _rest_of_string(self) -> bool:
        """Go on in a string that came in pieces, up to its end or the next escape; False if there is no more yet."""
        mark = _STRING_END.search(self._data, self._at)
        if mark is None:
            self._at = len(self._data)
            return False
        self._in_string = mark.group() != b'"'
        if self._in_string and mark.end() == len(self._data):
            self._at = mark.start()
            return False
        self._at = mark.end() + self._in_string
        return True

    def _turn(self) -> bool:
        """Go on behind the next bracket, or into a string that is not complete; True where a message ends."""
        plain = _PLAIN.match(self._data, self._at)
        at = self._at if plain is None else plain.end()
        self._at = min(at + 1, len(self._data))
        sign = bytes(self._data[at : at + 1])
        if sign == b'"':
            self._in_string = True
        elif sign in (b"[", b"{"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise ValueError(f"a message nested deeper than {MAX_DEPTH}")
        elif sign:
            self._depth -= 1
            return self._depth == 0
        return False


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one device; `valid` is what the PLC says of the device."""

    value: Value
    unit: str
    valid: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `readings` by (device, value), of the STATUS if there is one; acks as (result, reason) by id.

    `masters`, by the id of an ack: who commands the PLC now, where it tells.
    """

    readings: Mapping[tuple[str, str], Reading]
    acks: Mapping[int, tuple[str, str]]
    has_status: bool
    site: str = ""
    firmware: str = ""
    date: str = ""
    masters: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def question(*commands: Mapping[str, Any]) -> bytes:
    """The bytes of a question with these commands."""
    return json.dumps({"command": list(commands)}, ensure_ascii=False).encode() + b"\n"


def commands_in(message: bytes) -> list[Mapping[str, Any]]:
    """The commands of a question. Raises ValueError."""
    found = _loaded(message)
    listed = found.get("command") if isinstance(found, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) and _is_name(one.get("name")) for one in listed):
        raise ValueError('no question: expected {"command": [{"name": ...}]}')
    return listed


def answer(*parts: Mapping[str, Any]) -> bytes:
    """The bytes of an answer."""
    return json.dumps(list(parts), ensure_ascii=False).encode() + b"\n"


def ack(number: int, reason: str = "", masters: Iterable[str] | None = None) -> dict[str, Any]:
    """An ack of our extension; refused where there is a reason. `masters`: who commands the PLC, if it tells."""
    told = {} if masters is None else {"masters": sorted(masters)}
    return {"name": ACK, "id": number, "result": "refused" if reason else "ok", "reason": reason, **told}


def parse_answer(message: bytes) -> Answer:
    """What an answer says. Raises ValueError for what is none; what a device says besides is left out."""
    parts = _loaded(message)
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ValueError("no answer: expected a list of objects")
    readings: dict[tuple[str, str], Reading] = {}
    acks: dict[int, tuple[str, str]] = {}
    masters: dict[int, tuple[str, ...]] = {}
    status: dict[str, Any] = {}
    for part in parts:
        if part.get("name") == STATUS:
            status = part
            readings.update(_readings(part.get("device")))
        elif part.get("name") == ACK and isinstance(part.get("id"), int):
            acks[part["id"]] = (str(part.get("result", "")), str(part.get("reason", "")))
            told = part.get("masters")
            if isinstance(told, list) and all(map(_is_name, told)):
                masters[part["id"]] = tuple(told)
    site, firmware = str(status.get("site", "")), str(status.get("version_firmware", ""))
    return Answer(readings, acks, bool(status), site, firmware, str(status.get("date", "")), masters)


def _readings(devices: Any) -> Iterable[tuple[tuple[str, str], Reading]]:
    if not isinstance(devices, list):
        raise ValueError("a STATUS without its list of devices")
    for device in devices:
        name = device.get("name") if isinstance(device, dict) else None
        if not _is_name(name):
            raise ValueError("a device without a name")
        valid = device.get("valid") == "yes"
        yield (name, VALID), Reading(valid, "", True)
        values = device.get("values")
        for one in values if isinstance(values, list) else ():
            if isinstance(one, dict) and _is_name(one.get("name")) and isinstance(one.get("value"), Value):
                yield (name, one["name"]), Reading(one["value"], str(one.get("unit", "")), valid)


def _is_name(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and bool(name)


def _loaded(message: bytes) -> Any:
    """Raises ValueError for what is no JSON, NaN and infinities included."""
    try:
        return json.loads(message, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("a message nested too deep") from None


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
