"""Static files of the package, under an address that changes with their content."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from .problem import problem

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_FOREVER = "public, max-age=31536000, immutable"


class Statics:
    """The files that were below `folder` when this was made; nothing else can be asked for.

    Those below `more` are found under app/NAME/, of the same version: so scripts can import each other by relative
    addresses, and a module of Sereno is loaded once for all.
    """

    def __init__(self, folder: Path, more: Mapping[str, Path] | None = None) -> None:
        self._files = _files(folder, "")
        for name, other in (more or {}).items():
            self._files |= _files(other, f"app/{name}/")
        digest = hashlib.sha256()
        for name, path in self._files.items():
            digest.update(name.encode() + b"\0" + path.read_bytes())
        self.version = digest.hexdigest()[:12]

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def url(self, path: str) -> str:
        """The address of a file. Raises ValueError if there is no such file."""
        if path not in self._files:
            raise ValueError(f"there is no static file {path!r}")
        return f"/static/{self.version}/{path}"

    async def answer(self, request: Request) -> Response:
        """The file; of another version it may not be kept by the browser."""
        name = request.path_params["path"]
        path = self._files.get(name)
        if path is None:
            return problem(404, f"there is no static file {name!r}")
        current = request.path_params["version"] == self.version
        headers = {"cache-control": _FOREVER if current else "no-cache"}
        content = await asyncio.to_thread(path.read_bytes)
        return Response(content, headers=headers, media_type=_media_type(path))


def _files(folder: Path, prefix: str) -> dict[str, Path]:
    return {prefix + p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}


def _media_type(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
