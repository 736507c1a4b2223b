"""What is kept and handed over: the audit's anchor, archives of an installation."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from sereno.app.backup.archive import ArchiveReader
from sereno.model import OperationError
from sereno.store.audit_anchor import AnchorFile

from .targets import target

_FOLDER = tempfile.TemporaryDirectory(prefix="sereno-fuzz-")


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("manifest.json", '{"format": 1, "members": []}')
        archive.writestr("a", "content")
    return made.getvalue()


@target("store-archive", raises=(OperationError,), seeds=[_archive()])
def archive(data: bytes) -> None:
    """An archive of an installation, whoever made it."""
    path = Path(_FOLDER.name, "archive.zip")
    path.write_bytes(data)
    with ArchiveReader(path) as reader:
        reader.verify()


@target("store-anchor", seeds=[b'{"seq":1,"hash":"a","t":2,"key":"k","mac":"m"}\n'])
def anchor(data: bytes) -> None:
    """The file of the audit's anchor, in any state."""
    path = Path(_FOLDER.name, "anchor")
    path.write_bytes(data)
    AnchorFile(path).look({"k": b"key"})
