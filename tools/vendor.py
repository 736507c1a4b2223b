"""Vendored browser files: check their hashes, or fetch them again with `npm pack`. Standard library only.

python tools/vendor.py check      every file of vendor.toml is there and has its hash, and no other file is
python tools/vendor.py refresh    fetch the versions of vendor.toml; refuse what differs from its hash
python tools/vendor.py accept     fetch, then write the new hashes (after a change of a version)
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "src/sereno/web/static/vendor"
INDEX = "vendor.toml"
HEAD = """\
# Browser code and fonts of others, kept here whole so that an installation needs no network and no npm.
# `source` is the path inside the npm package. Written by `python tools/vendor.py accept`.
"""


class VendorError(Exception):
    """A vendored file is missing, foreign or has another hash than declared."""


@dataclass(frozen=True)
class File:
    """One vendored file: its name in our folder, its path in the npm package, its SHA-256."""

    name: str
    source: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """One npm package of which some files are kept."""

    name: str
    npm: str
    version: str
    licence: str
    files: tuple[File, ...]

    @property
    def folder(self) -> str:
        """Name of its folder below `vendor`."""
        return f"{self.name}-{self.version}"


def read_index(folder: Path = FOLDER) -> list[Package]:
    """The packages that vendor.toml declares."""
    table = tomllib.loads((folder / INDEX).read_text(encoding="utf-8"))
    return [
        Package(p["name"], p["npm"], p["version"], p["licence"], tuple(File(**f) for f in p["file"]))
        for p in table["package"]
    ]


def write_index(packages: list[Package], folder: Path = FOLDER) -> None:
    """Write vendor.toml."""
    lines = [HEAD]
    for p in packages:
        lines += ["[[package]]", *(f'{key} = "{getattr(p, key)}"' for key in ("name", "npm", "version", "licence"))]
        for f in p.files:
            lines += ["[[package.file]]", *(f'{key} = "{getattr(f, key)}"' for key in ("name", "source", "sha256"))]
        lines.append("")
    (folder / INDEX).write_text("\n".join(lines), encoding="utf-8", newline="\n")


def problems(folder: Path = FOLDER) -> Iterator[str]:
    """What is wrong with the vendored files, one sentence each."""
    declared = {INDEX}
    for p in read_index(folder):
        for f in p.files:
            path = folder / p.folder / f.name
            declared.add(f"{p.folder}/{f.name}")
            if not path.is_file():
                yield f"{path}: missing; run `python tools/vendor.py refresh`"
            elif (found := _sha256(path.read_bytes())) != f.sha256:
                yield f"{path}: SHA-256 is {found}, {INDEX} says {f.sha256}"
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in declared:
            yield f"{path}: not declared in {INDEX}"


def fetch(package: Package) -> dict[str, bytes]:
    """The package's kept files as npm delivers them, by name. Raises VendorError."""
    npm = shutil.which("npm")
    if npm is None:
        raise VendorError("npm was not found; it is needed only to refresh the vendored files")
    with tempfile.TemporaryDirectory() as work:
        command = [npm, "pack", "--silent", f"{package.npm}@{package.version}"]
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            return {f.name: _member(archive, f"package/{f.source}") for f in package.files}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        stream = archive.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise VendorError(f"the npm package holds no file {name}")
    return stream.read()


def refresh(*, accept: bool, folder: Path = FOLDER) -> None:
    """Fetch every package and replace its folder. Raises VendorError where a hash differs and `accept` is not set."""
    packages = []
    for package in read_index(folder):
        content = fetch(package)
        files = tuple(File(f.name, f.source, _sha256(content[f.name])) for f in package.files)
        if not accept and files != package.files:
            changed = ", ".join(new.name for new, old in zip(files, package.files, strict=True) if new != old)
            raise VendorError(f"{package.folder}: npm delivers other bytes than declared for {changed}")
        _replace(folder, package, content)
        packages.append(Package(package.name, package.npm, package.version, package.licence, files))
    if accept:
        write_index(packages, folder)


def _replace(folder: Path, package: Package, content: dict[str, bytes]) -> None:
    for old in folder.glob(f"{package.name}-[0-9]*"):
        shutil.rmtree(old)
    for name, data in content.items():
        path = folder / package.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(arguments: list[str]) -> int:
    """Run one of check, refresh, accept. Returns 0 ok, 1 failed, 2 usage."""
    if arguments not in (["check"], ["refresh"], ["accept"]):
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        if arguments != ["check"]:
            refresh(accept=arguments == ["accept"])
        found = list(problems())
    except (VendorError, subprocess.CalledProcessError) as error:
        found = [str(error)]
    for line in found:
        sys.stderr.write(line + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
