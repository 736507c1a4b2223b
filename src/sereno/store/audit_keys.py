"""The keys of the audit: random, one file each, in a folder that only the installation's owner reads.

A key's file is `audit-<id>.key` and holds 64 hexadecimal digits; its id follows from the key, so that a record can
name the key it was written with without giving it away.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import structlog

from .errors import StoreError
from .private_file import make_private_folder, open_to_others, write_durably

_log = structlog.get_logger(__name__)
_SIZE = 32


def key_id(key: bytes) -> str:
    """Name of a key, 16 hexadecimal digits."""
    return hashlib.sha256(b"sereno audit key\0" + key).hexdigest()[:16]


class AuditKeys:
    """Keys by id. `folder` None: they live in memory only, as a database in memory does."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._keys: dict[str, bytes] = {}

    @property
    def known(self) -> Mapping[str, bytes]:
        """Every whole key, by id."""
        return MappingProxyType(self._keys)

    def load(self) -> None:
        """Read the folder. A damaged file is left alone and not used. Raises StoreError if it cannot be read."""
        if self.folder is None or not self.folder.is_dir():
            return
        try:
            for path in sorted(self.folder.glob("audit-*.key")):
                self._take(path)
        except OSError as error:
            raise StoreError(f"audit keys in {self.folder}: {error.filename}: {error.strerror}") from error

    def make(self) -> str:
        """A new key, on the disk before it is used; returns its id. Raises StoreError."""
        key = secrets.token_bytes(_SIZE)
        name = key_id(key)
        if self.folder is not None:
            try:
                make_private_folder(self.folder)
                write_durably(self.folder / f"audit-{name}.key", key.hex().encode() + b"\n")
            except OSError as error:
                raise StoreError(
                    f"audit key in {self.folder}: {error.strerror}; nothing may be written unsealed"
                ) from error
        self._keys[name] = key
        return name

    def _take(self, path: Path) -> None:
        try:
            key = bytes.fromhex(path.read_text("ascii"))
        except (ValueError, UnicodeDecodeError):
            key = b""
        if len(key) != _SIZE or path.name != f"audit-{key_id(key)}.key":
            _log.error("damaged audit key, not used; put it back from a backup", file=str(path))
            return
        if open_to_others(path):
            _log.warning("audit key could be read by others, made private", file=str(path))
            path.chmod(0o600)
        self._keys[key_id(key)] = key
