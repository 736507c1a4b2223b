"""Links to acknowledge by: signed with a key of this installation, with an end, good for one notice to one person."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
from pathlib import Path

from sereno.model import DeniedError, OperationError
from sereno.store.private_file import make_private_folder, write_durably

FILE = "notices.key"
LIFE = 24 * 3600.0
_SIZE = 32
_BODY = struct.Struct(">QQ")
_WORDS = "this link is not one of ours, or its time is over; sign in instead"


class Links:
    """Makes and reads the secret part of links. Whether one was used is not known here."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_folder(cls, folder: Path) -> Links:
        """With the key that is kept there, made if there is none. Raises OperationError."""
        file = folder / FILE
        try:
            if not file.exists():
                make_private_folder(folder)
                write_durably(file, secrets.token_bytes(_SIZE).hex().encode() + b"\n")
            key = bytes.fromhex(file.read_text("ascii").strip())
        except (OSError, ValueError) as error:
            raise OperationError(f"the key of links in {file}: {error}") from error
        if len(key) != _SIZE:
            raise OperationError(f"the key of links in {file} has {len(key)} bytes, expected {_SIZE}")
        return cls(key)

    def make(self, delivery: int, until: int) -> str:
        """For a delivery, good until `until` ns UTC."""
        body = _BODY.pack(delivery, until)
        return base64.urlsafe_b64encode(body + self._sign(body)).rstrip(b"=").decode()

    def read(self, token: str, now: int) -> int:
        """The delivery. Raises DeniedError, in the same words whatever is wrong."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            body, signature = raw[: _BODY.size], raw[_BODY.size :]
            delivery, until = _BODY.unpack(body)
        except (binascii.Error, UnicodeEncodeError, struct.error, ValueError):
            raise DeniedError(_WORDS) from None
        if not hmac.compare_digest(signature, self._sign(body)) or until <= now:
            raise DeniedError(_WORDS)
        return int(delivery)

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"sereno notice link\0" + body, "sha256")
