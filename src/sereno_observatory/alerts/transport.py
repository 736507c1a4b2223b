"""The VOEvent Transport Protocol apart from I/O: frames (a length of four bytes, then XML) and what they say.

Its messages are told apart by their root element: a VOEvent, or a Transport message of one of four roles.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, register_namespace, tostring

TRANSPORT = "http://www.telescope-networks.org/xml/Transport/v1.1"
VOEVENT = "http://www.ivoa.net/xml/VOEvent/v2.0"
LONGEST = 1_000_000
_LENGTH = struct.Struct("!I")
_TRANSPORTS = (
    TRANSPORT,
    "http://telescope-networks.org/xml/Transport/v1.1",
    "http://telescope-networks.org/schema/Transport/v1.1",
)
_VOEVENTS = (VOEVENT, "http://www.ivoa.net/xml/VOEvent/v1.1")

register_namespace("trn", TRANSPORT)
register_namespace("voe", VOEVENT)


class Role(StrEnum):
    """Of a Transport message."""

    ALIVE = "iamalive"
    AUTHENTICATE = "authenticate"
    ACK = "ack"
    NAK = "nak"


@dataclass(frozen=True, slots=True)
class Message:
    """A Transport message. `origin`: who asks, or the event that is answered; `response`: who answers; `time`: ISO."""

    role: Role
    origin: str
    response: str = ""
    time: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class VOEvent:
    """An event as it travels: its name (IVORN), role (observation, prediction, utility or test), and its bytes."""

    ivorn: str
    role: str
    document: bytes


class Frames:
    """Cuts a stream of bytes into documents."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The documents that are complete now. Raises ValueError for a frame of no sensible length."""
        self._kept += data
        while len(self._kept) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._kept)
            if not 0 < length <= LONGEST:
                raise ValueError(f"a frame of {length} bytes; expected 1 to {LONGEST}")
            end = _LENGTH.size + length
            if len(self._kept) < end:
                return
            document = bytes(self._kept[_LENGTH.size : end])
            del self._kept[:end]
            yield document


def frame(document: bytes) -> bytes:
    """A document as it goes over the wire."""
    return _LENGTH.pack(len(document)) + document


def written(message: Message) -> bytes:
    """A Transport message as a document."""
    root = Element(f"{{{TRANSPORT}}}Transport", role=message.role, version="1.0")
    SubElement(root, "Origin").text = message.origin
    if message.response:
        SubElement(root, "Response").text = message.response
    SubElement(root, "TimeStamp").text = message.time
    if message.result:
        SubElement(SubElement(root, "Meta"), "Result").text = message.result
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True))


def read(document: bytes) -> Message | VOEvent:
    """What a document says. Raises ValueError."""
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise ValueError("a document type declaration; expected plain elements")
    try:
        root = fromstring(document)  # noqa: S314 - see above
    except (ParseError, LookupError, RecursionError) as error:
        raise ValueError(f"no XML: {error}") from None
    space, _, name = root.tag.removeprefix("{").rpartition("}")
    if name == "Transport" and space in _TRANSPORTS:
        return _message(root)
    if name == "VOEvent" and space in _VOEVENTS:
        if not (ivorn := root.get("ivorn", "")):
            raise ValueError("a VOEvent without ivorn")
        return VOEvent(ivorn, root.get("role", "observation"), document)
    raise ValueError(f"<{root.tag}>; expected a VOEvent or a Transport message")


def _message(root: Element) -> Message:
    role = root.get("role", "")
    if role not in list(Role):
        raise ValueError(f"a Transport message of role {role!r}; expected one of {', '.join(Role)}")
    words = {name: (root.findtext(name) or "").strip() for name in ("Origin", "Response", "TimeStamp", "Meta/Result")}
    return Message(Role(role), words["Origin"], words["Response"], words["TimeStamp"], words["Meta/Result"])
