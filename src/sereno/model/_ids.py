"""Names of tags and the two kinds of number that stand for them."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

TagHandle = NewType("TagHandle", int)
"""Process-local row of a tag in the live table (int32). Never stored, never sent."""

TagId = NewType("TagId", int)
"""Stable 63-bit identity of a tag, from its birth path. This is what is stored or sent."""

GroupId = NewType("GroupId", int)
"""Process-local number of a scan group (or of another source of whole batches)."""

_SEGMENT = re.compile(r"[a-z0-9_]+\Z")
MAX_PATH = 200


def tag_id(birth_path: str) -> TagId:
    """The stable id of the tag that was first declared as `birth_path`."""
    digest = hashlib.blake2b(birth_path.encode(), digest_size=8).digest()
    return TagId(int.from_bytes(digest, "little") >> 1)


def check_path(path: str, *, segments: int = 2) -> str:
    """Return `path` if it is lower_snake segments joined by '/', at least `segments` of them.

    Raises ValueError with what was found and what was expected.
    """
    parts = path.split("/")
    if len(path) > MAX_PATH:
        raise ValueError(f"path of {len(path)} characters, at most {MAX_PATH} are allowed")
    if len(parts) < segments:
        raise ValueError(f"path {path!r} has {len(parts)} segment(s), expected at least {segments}: area/device")
    for part in parts:
        if not _SEGMENT.match(part):
            raise ValueError(
                f"path {path!r}: segment {part!r} must be lower_snake (a-z, 0-9, _); try {suggest_segment(part)!r}"
            )
    return path


def suggest_segment(text: str) -> str:
    """A legal segment near `text`, for error messages."""
    return re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_") or "tag"


def split_tag_path(path: str) -> tuple[str, str]:
    """Device path and tag name of a tag path."""
    device, _, name = path.rpartition("/")
    return device, name
