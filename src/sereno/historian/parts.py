"""What a copy of a historian's folder is made of, while it records: nothing is locked, and nothing is half.

Segments only grow and sealed ones never change, so a segment up to its last whole record is a log of its own. Cold
files never change, and the manifest says which count. So that none goes while it is copied, links hold them. The
definitions of the tags are written before their first sample: taken last, they know every tag of the copy.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .cold.manifest import FOLDER, Manifest, decode_manifest, manifest_path
from .record import Record, scan_records
from .sealed import index_path
from .segment import HEADER_SIZE

_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """The first `size` bytes of a file, `name` as seen from the folder, with '/'."""

    name: str
    path: Path
    size: int


def parts(folder: Path) -> Iterator[Part]:
    """The parts, in the order in which they are to be copied. Each is looked at when it is asked for.

    A file may be gone when it is read: the historian deletes what is beyond its limits. Raises OSError, OperationError.
    """
    if not folder.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix=".copying-", dir=folder, ignore_cleanup_errors=True) as name:
        held = Path(name)
        logs = list(_hold_log(folder / "log", held))
        manifest = _hold_cold(folder, held)
        yield from _log_parts([path for path in logs if int(path.stem) > manifest.compacted])
        for path in sorted(held / name for name in manifest.names()):
            yield _whole_file(f"{FOLDER}/{path.name}", path)
        if manifest.generation:
            yield _whole_file(f"{FOLDER}/{manifest_path(folder).name}", held / manifest_path(folder).name)
    tags = folder / "tags.jsonl"
    if tags.exists():
        yield Part(tags.name, tags, tags.read_bytes().rfind(b"\n") + 1)


def _log_parts(logs: list[Path]) -> Iterator[Part]:
    for path in logs:
        size = path.stat().st_size if path is not logs[-1] else _whole(path)
        yield Part(f"log/{path.name}", path, size)
        index = index_path(path)
        if path is not logs[-1] and index.exists():
            yield _whole_file(f"log/{index.name}", index)


def _hold_log(log: Path, held: Path) -> Iterator[Path]:
    """Links to the segments and their indexes; a segment that goes meanwhile is cold, or beyond the limits."""
    for path in sorted(p for p in log.glob("*.log") if p.stem.isdigit()):
        with contextlib.suppress(FileNotFoundError):
            link = _hold(path, held)
            yield link
            _hold(index_path(path), held)


def _hold_cold(folder: Path, held: Path) -> Manifest:
    """Links to everything that a manifest names, and the manifest. A newer one may have taken its place meanwhile."""
    path = manifest_path(folder)
    for attempt in range(_ATTEMPTS):
        if not path.exists():
            return Manifest()
        data = path.read_bytes()
        manifest = decode_manifest(data, path)
        try:
            for name in manifest.names():
                _hold(folder / FOLDER / name, held)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        (held / path.name).write_bytes(data)
        return manifest
    return Manifest()


def _hold(path: Path, held: Path) -> Path:
    link = held / path.name
    if not link.exists():
        try:
            os.link(path, link)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(path, link)
    return link


def _whole_file(name: str, path: Path) -> Part:
    return Part(name, path, path.stat().st_size)


def _whole(path: Path) -> int:
    """Where the last whole record ends."""
    found = scan_records(path.read_bytes(), int(path.stem), HEADER_SIZE)
    return max((record.end for record in found if isinstance(record, Record)), default=HEADER_SIZE)
