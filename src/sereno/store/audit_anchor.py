"""The anchor: how far the audit reached and with which hash, kept outside of the database.

A file of two slots of 512 bytes, each one line of JSON with a keyed hash of its own. A new state is written over the
older slot and synced: a write that is cut short leaves the other one, and no space is needed on a full disk.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .private_file import make_private_folder, write_durably

SLOT = 512
_sync_data = getattr(os, "fdatasync", os.fsync)


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The newest record that is known to be there: its number and hash, the key it was written with, when (ns UTC)."""

    v: int = 1
    seq: int
    hash: str
    key: str
    t: int
    mac: str = ""

    def sealed(self, key: bytes) -> Anchor:
        """The same with its keyed hash."""
        return msgspec.structs.replace(self, mac=self._mac(key))

    def fits(self, keys: Mapping[str, bytes]) -> bool:
        """True if it was sealed with one of the keys."""
        key = keys.get(self.key)
        return key is not None and hmac.compare_digest(self.mac, self._mac(key))

    def _mac(self, key: bytes) -> str:
        content = msgspec.json.encode(["anchor", self.v, self.seq, self.hash, self.key, self.t])
        return hmac.new(key, content, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class AnchorFound:
    """What a look at the file found: the newest anchor that fits, and in words what is wrong with the file."""

    anchor: Anchor | None
    fault: str = ""


class AnchorFile:
    """Reads and moves the anchor. Several processes may; the one that is further wins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def look(self, keys: Mapping[str, bytes]) -> AnchorFound:
        """The anchor. Raises OSError other than that there is no file."""
        try:
            slots = self._slots()
        except FileNotFoundError:
            return AnchorFound(None, f"there is no anchor {self.path.name}")
        written = [slot for slot in slots if slot.strip(b"\0 \n")]
        found = [anchor for slot in written if (anchor := _decode(slot)) is not None]
        fitting = [anchor for anchor in found if anchor.fits(keys)]
        if fitting:
            return AnchorFound(max(fitting, key=lambda a: a.seq))
        if found:
            return AnchorFound(None, f"the anchor {self.path.name} was written with another key ({found[0].key})")
        return AnchorFound(None, f"the anchor {self.path.name} is damaged")

    def move(self, anchor: Anchor, keys: Mapping[str, bytes]) -> None:
        """Return when the anchor, or a later one of another process, is on the disk. Raises OSError."""
        try:
            anchors = [_decode(slot) for slot in self._slots()]
        except FileNotFoundError:
            self.replace(anchor)
            return
        reached = [a.seq if a is not None and a.fits(keys) else -1 for a in anchors]
        if max(reached) > anchor.seq:
            return
        with self.path.open("r+b", buffering=0) as file:
            file.seek(SLOT * reached.index(min(reached)))
            file.write(_encode(anchor))
            _sync_data(file.fileno())

    def replace(self, anchor: Anchor) -> None:
        """A new file with this anchor alone. Raises OSError."""
        make_private_folder(self.path.parent)
        write_durably(self.path, _encode(anchor) + b" " * (SLOT - 1) + b"\n")

    def _slots(self) -> list[bytes]:
        with self.path.open("rb") as file:
            data = file.read(2 * SLOT).ljust(2 * SLOT, b"\0")
        return [data[:SLOT], data[SLOT:]]


def _encode(anchor: Anchor) -> bytes:
    line = msgspec.json.encode(anchor)
    return line.ljust(SLOT - 1) + b"\n"


def _decode(slot: bytes) -> Anchor | None:
    try:
        return msgspec.json.decode(slot.strip(), type=Anchor)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
