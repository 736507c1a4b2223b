"""Datagrams of sensors: `number`, `name number`, with a sequence number and a signature where they have one. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

MAX_DATAGRAM = 512
"""Bytes; longer ones are malformed."""
SIGNATURE = 32
"""Hexadecimal digits: the first half of an HMAC with SHA-256."""

_NAME = rb"[A-Za-z_][A-Za-z0-9_./-]{0,63}"
_NUMBER = rb"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]{1,5})?|\.[0-9]+(?:[eE][+-]?[0-9]{1,5})?|nan|inf|infinity)"
_FORM = re.compile(
    rb"(?:((?!(?:nan|inf|infinity) )" + _NAME + rb") )?(" + _NUMBER + rb")(?: ([0-9]{1,18})(?: ([0-9a-f]{32}))?)?\s*\Z",
)
_WHOLE_NAME = re.compile(_NAME.decode() + r"\Z")


@dataclass(frozen=True, slots=True)
class Datagram:
    """What a sensor sent. `signed` is the text that `signature` is about; both are empty where there is none."""

    value: float
    name: str = ""
    sequence: int | None = None
    signed: bytes = b""
    signature: bytes = b""


def parse_datagram(data: bytes) -> Datagram:
    """Raises ValueError for what is no reading of a sensor."""
    if len(data) > MAX_DATAGRAM:
        raise ValueError(f"{len(data)} bytes, at most {MAX_DATAGRAM}")
    found = _FORM.match(data)
    if found is None:
        raise ValueError(f"{data[:40]!r} is no number, nor a name and a number")
    name, number, sequence, signature = found.groups()
    if signature is not None:
        return Datagram(float(number), (name or b"").decode(), int(sequence), data[: found.end(3)], signature)
    return Datagram(float(number), name.decode() if name else "", None if sequence is None else int(sequence))


def make_datagram(value: float, name: str = "", sequence: int | None = None, key: bytes = b"") -> bytes:
    """The bytes of a reading. Raises ValueError for a name that cannot be sent, or a key without a sequence number."""
    if name and not is_name(name):
        raise ValueError(f"{name!r} is no name of a sensor: a letter, then letters, digits, _ . / -, at most 64")
    if key and sequence is None:
        raise ValueError("a signed datagram needs a sequence number, or it could be sent again by anybody")
    words = [name, str(value), "" if sequence is None else str(sequence)]
    text = " ".join(word for word in words if word).encode()
    return text + b" " + sign(text, key) if key else text


def is_name(text: str) -> bool:
    """True for what can stand before the number."""
    return _WHOLE_NAME.match(text) is not None and text not in ("nan", "inf", "infinity")


def sign(text: bytes, key: bytes) -> bytes:
    """The signature of a datagram's text."""
    return hmac.digest(key, text, hashlib.sha256).hex()[:SIGNATURE].encode()


def is_signed(datagram: Datagram, key: bytes) -> bool:
    """True if whoever sent it has the key."""
    return hmac.compare_digest(datagram.signature, sign(datagram.signed, key))
