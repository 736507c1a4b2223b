"""What a copy of a historian's folder is made of, while it records: nothing is locked, and nothing is half.

Segments only grow and sealed ones never change, so a segment up to its last whole record is a log of its own. The
definitions of the tags are written before their first sample: taken last, they know every tag of the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .record import Record, scan_records
from .sealed import index_path
from .segment import HEADER_SIZE


@dataclass(frozen=True, slots=True)
class Part:
    """The first `size` bytes of a file, `name` as seen from the folder, with '/'."""

    name: str
    path: Path
    size: int


def parts(folder: Path) -> Iterator[Part]:
    """The parts, in the order in which they are to be copied. Each is looked at when it is asked for.

    A file may be gone when it is read: the historian deletes segments beyond its limits. Raises OSError.
    """
    logs = sorted(path for path in (folder / "log").glob("*.log") if path.stem.isdigit())
    for path in logs:
        size = path.stat().st_size if path is not logs[-1] else _whole(path)
        yield Part(f"log/{path.name}", path, size)
        index = index_path(path)
        if path is not logs[-1] and index.exists():
            yield Part(f"log/{index.name}", index, index.stat().st_size)
    tags = folder / "tags.jsonl"
    if tags.exists():
        yield Part(tags.name, tags, tags.read_bytes().rfind(b"\n") + 1)


def _whole(path: Path) -> int:
    """Where the last whole record ends."""
    found = scan_records(path.read_bytes(), int(path.stem), HEADER_SIZE)
    return max((record.end for record in found if isinstance(record, Record)), default=HEADER_SIZE)
