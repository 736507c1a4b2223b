"""INDI's XML, version 1.7: what a server says as messages, what a client says as bytes. No I/O.

Source: INDI: Instrument-Neutral Distributed Interface, Elwood C. Downey, version 1.7.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

VERSION = "1.7"
USUAL_PORT = 7624
MOST_TEXT = 1 << 16
"""Characters of a number, a text or an attribute."""
MOST_BLOB = 512 << 20
"""Characters of the images of a message, base64 makes four of three bytes; and bytes of one that was packed."""
MOST_MESSAGE = 1 << 20
"""Characters of a message but for images, and bytes without anything that is complete."""
MOST_MEMBERS = 1000
_TYPES = {"Number": "number", "Text": "text", "Switch": "switch", "Light": "light", "BLOB": "blob"}
_VERBS = ("def", "set", "new")


class Address:
    """Where an instrument is: `indi://HOST:PORT/DEVICE NAME`."""

    def __init__(self, url: str) -> None:
        expected = f"{url!r}, expected such as indi://127.0.0.1:{USUAL_PORT}/Telescope Simulator"
        try:
            parts = urlsplit(url)
            self.host, self.port = parts.hostname or "", parts.port or USUAL_PORT
        except ValueError:
            raise ValueError(expected) from None
        self.device = unquote(parts.path.lstrip("/"))
        if parts.scheme != "indi" or not self.host or not self.device or parts.query or parts.fragment:
            raise ValueError(expected)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"indi://{host}:{self.port}/{quote(self.device)}"


def checked_url(url: str) -> str:
    """The URL of a device as it is. Raises ValueError."""
    Address(url)
    return url


@dataclass(frozen=True, slots=True)
class Blob:
    """An image as it came: base64 text, and its format such as ".fits" or ".fits.z"."""

    text: str
    format: str

    def data(self) -> bytes:
        """The bytes of the file, unpacked. Blocks for large ones. Raises ValueError."""
        try:
            found = base64.b64decode(self.text)
            return _unpacked(found) if self.format.endswith(".z") else found
        except (binascii.Error, zlib.error) as error:
            raise ValueError(f"an image that cannot be read: {error}") from None


def _unpacked(packed: bytes) -> bytes:
    parser = zlib.decompressobj()
    found = parser.decompress(packed, MOST_BLOB)
    if not parser.eof:
        raise ValueError(f"an image that is cut off, or has more than {MOST_BLOB} bytes unpacked")
    return found


Value: TypeAlias = "float | str | bool | Blob | None"


@dataclass(frozen=True, slots=True)
class Member:
    """One value of a property. `low`, `high`, `step` of numbers, where they are declared."""

    value: Value
    label: str = ""
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """What a server says. `verb` def, set, del or message; `type` number, text, switch, light, blob or ""."""

    verb: str
    type: str
    device: str
    name: str
    attributes: Mapping[str, str]
    members: Mapping[str, Member] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Idle, Ok, Busy or Alert; "" where it is not told."""
        return self.attributes.get("state", "")

    @property
    def text(self) -> str:
        """Words for people."""
        return self.attributes.get("message", "")


class Decoder:
    """Cuts what a server sends into messages. Raises ValueError for what is no INDI, and is of no use afterwards."""

    def __init__(self) -> None:
        self._found: list[Message] = []
        self._depth = 0
        self._open: tuple[str, dict[str, str]] = "", {}
        self._member: tuple[str, dict[str, str]] = "", {}
        self._members: dict[str, Member] = {}
        self._text: list[str] = []
        self._size = self._told = self._images = self._since = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.Parse(b"<indi>", False)  # a server sends elements without end, and no root

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now."""
        self._since += len(data)
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            raise ValueError(f"no INDI: {error}") from None
        if self._since > MOST_MESSAGE:  # a tag or a comment without end is kept whole by the parser
            raise ValueError(f"no INDI: {self._since} bytes in which nothing ends")
        found, self._found = self._found, []
        return found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._since = 0
        if any(len(value) > MOST_TEXT for value in attributes.values()):
            raise ValueError(f"an attribute of {tag} of more than {MOST_TEXT} characters")
        if self._depth == 1:
            self._open, self._members, self._told, self._images = (tag, attributes), {}, 0, 0
        elif self._depth == 2:
            self._member, self._text, self._size = (tag, attributes), [], 0
            self._told += sum(map(len, attributes.values()))
            if len(self._members) >= MOST_MEMBERS or self._told > MOST_MESSAGE:
                raise ValueError(f"{self._open[0]} with more than {MOST_MEMBERS} values or {MOST_MESSAGE} characters")
        elif self._depth > 2:
            raise ValueError(f"{tag} within {self._member[0]}, expected a value")
        self._depth += 1

    def _data(self, data: str) -> None:
        self._since = 0
        if self._depth != 3:
            return
        is_image = self._member[0] == "oneBLOB"
        self._size += len(data)
        self._images += len(data) if is_image else 0
        self._told += 0 if is_image else len(data)
        if self._images > MOST_BLOB or (self._size > MOST_TEXT and not is_image):
            raise ValueError(f"a value of {self._member[1].get('name', '')} of more than {self._size} characters")
        self._text.append(data)

    def _end(self, tag: str) -> None:
        self._since = 0
        self._depth -= 1
        if self._depth == 2:
            attributes, text = self._member[1], "".join(self._text)
            self._members[attributes.get("name", "")] = _member(tag, attributes, text)
            self._text = []
        elif self._depth == 1:
            message = _message(tag, self._open[1], self._members)
            if message is not None:
                self._found.append(message)


def _message(tag: str, attributes: dict[str, str], members: dict[str, Member]) -> Message | None:
    device, name = attributes.get("device", ""), attributes.get("name", "")
    if tag == "message":
        return Message("message", "", device, "", attributes)
    if tag == "delProperty":
        return Message("del", "", device, name, attributes)
    verb, kind = tag[:3], _TYPES.get(tag[3:].removesuffix("Vector"), "")
    if verb not in _VERBS or not tag.endswith("Vector") or not kind:
        return None  # of a later version
    return Message(verb, kind, device, name, attributes, dict(members))


def _member(tag: str, attributes: dict[str, str], text: str) -> Member:
    kind = _TYPES.get(tag.removeprefix("def").removeprefix("one"), "")
    value: Value = text.strip()
    if kind == "number":
        value = number(text)
    elif kind == "switch":
        value = text.strip() == "On"
    elif kind == "blob":
        value = Blob(text, attributes.get("format", ""))
    low, high, step = (_limit(attributes.get(key, "")) for key in ("min", "max", "step"))
    return Member(value, attributes.get("label", ""), low, high, step)


def _limit(text: str) -> float:
    found = number(text) if text else 0.0
    return 0.0 if found is None else found


def number(text: str) -> float | None:
    """A number as INDI writes it, decimal or as degrees:minutes:seconds; None for what is none."""
    parts = text.strip().replace(";", ":").replace(" ", ":").split(":")
    try:
        whole, *smaller = (float(part) for part in parts)
    except ValueError:
        return None
    found = abs(whole) + sum(one / 60.0**n for n, one in enumerate(smaller, 1))
    signed = -found if parts[0].startswith("-") else found
    return signed if math.isfinite(signed) and len(parts) <= 3 else None


def ask(device: str = "", name: str = "") -> bytes:
    """Let a server tell what there is, of one device or property if named."""
    chosen = "".join(f" {key}={quoteattr(value)}" for key, value in (("device", device), ("name", name)) if value)
    return f'<getProperties version="{VERSION}"{chosen}/>\n'.encode()


def enable_blobs(device: str) -> bytes:
    """Let the images of a device come on this connection."""
    return f"<enableBLOB device={quoteattr(device)}>Also</enableBLOB>\n".encode()


def change(kind: str, device: str, name: str, members: Mapping[str, Any]) -> bytes:
    """Ask for other values of a property: numbers, texts, or switches as True and False."""
    tag = {"number": "Number", "text": "Text", "switch": "Switch"}[kind]
    ones = "".join(f"<one{tag} name={quoteattr(key)}>{_written(value)}</one{tag}>" for key, value in members.items())
    head = f"<new{tag}Vector device={quoteattr(device)} name={quoteattr(name)}>"
    return f"{head}{ones}</new{tag}Vector>\n".encode()


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "On" if value else "Off"
    return escape(value) if isinstance(value, str) else repr(float(value))
