"""What must agree between files: versions, the lock, and the hashes of other people's browser files."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.checks.source import Finding, Source

LOCK = "requirements.lock"
PEERS_LOCK = "requirements-peers.lock"
PEERS = "peers"
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
VENDOR_LIST = "src/sereno/web/static/vendor/vendor.toml"


def version(pyproject: str, package: Source) -> Iterator[Finding]:
    """`__version__` in the package, where it is written out, is the version in pyproject.toml."""
    declared = tomllib.loads(pyproject)["project"]["version"]
    for node in package.tree.body:
        if not isinstance(node, ast.Assign) or [ast.unparse(target) for target in node.targets] != ["__version__"]:
            continue
        if isinstance(node.value, ast.Constant) and node.value.value != declared:
            found = f"__version__ = {node.value.value!r}"
            yield Finding(package.path, node.lineno, found, f"{declared!r} as in pyproject.toml", "make them equal")


def lock(pyproject: str, locked: str, *, peers: bool = False) -> Iterator[Finding]:
    """Each direct dependency is in requirements.lock in a version that pyproject.toml accepts, with hashes.

    `peers`: the group of that name instead, which has a lock of its own.
    """
    fix, path = "./dev lock", PEERS_LOCK if peers else LOCK
    entries = _lock_entries(locked)
    for name, (line, _, hashes) in entries.items():
        if not hashes:
            yield Finding(path, line, f"{name} without a hash", "--hash=sha256:... for every file", fix)
    for wanted in _direct_requirements(pyproject, peers):
        name = canonicalize_name(wanted.name)
        if name not in entries:
            yield Finding(path, 1, f"no {wanted.name}", f"{wanted} of pyproject.toml", fix)
        elif not wanted.specifier.contains(entries[name][1], prereleases=True):
            yield Finding(path, entries[name][0], f"{name} {entries[name][1]}", f"{wanted} of pyproject.toml", fix)


def vendored(listing: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Every file beside vendor.toml is listed there with version, licence and hash, and is what the hash says.

    `files` are the contents by path from the folder of vendor.toml; a package's files lie in NAME-VERSION/.
    """
    expected: dict[str, str] = {}
    for package in tomllib.loads(listing).get("package", []):
        name = package.get("name", "?")
        for key in ("name", "version", "licence", "file"):
            if not package.get(key):
                yield _vendor_finding(listing, name, f"{name} without {key}", f"a {key}", "write it down")
        for file in package.get("file", []):
            expected[f"{name}-{package.get('version')}/{file['name']}"] = file["sha256"]
    for path in sorted(set(files) - set(expected) - {"vendor.toml"}):
        yield _vendor_finding(listing, "", f"{path} unlisted", "its package, licence and hash", "list or remove it")
    for path, digest in expected.items():
        if path not in files:
            yield _vendor_finding(listing, digest, f"{path} missing", "the file", "restore it or take it off the list")
        elif hashlib.sha256(files[path]).hexdigest() != digest:
            actual = hashlib.sha256(files[path]).hexdigest()
            yield _vendor_finding(listing, digest, f"{path} with sha256 {actual}", digest, "restore the released file")


def _lock_entries(locked: str) -> dict[str, tuple[int, str, bool]]:
    """Name -> (line, version, has a hash); of entries for several environments the first."""
    entries: dict[str, tuple[int, str, bool]] = {}
    lines = locked.splitlines()
    for number, line in enumerate(lines, 1):
        match = LOCKED.match(line)
        if match:
            hashed = "--hash=sha256:" in line or (number < len(lines) and "--hash=sha256:" in lines[number])
            entries.setdefault(canonicalize_name(match["name"]), (number, match["version"], hashed))
    return entries


def _direct_requirements(pyproject: str, peers: bool) -> list[Requirement]:
    data = tomllib.loads(pyproject)
    groups = data.get("dependency-groups", {})
    others = [texts for name, texts in groups.items() if name != PEERS]
    lists = [groups.get(PEERS, [])] if peers else [data["project"].get("dependencies", []), *others]
    return [Requirement(text) for texts in lists for text in texts]


def _vendor_finding(listing: str, mark: str, found: str, expected: str, fix: str) -> Finding:
    lines = listing.splitlines()
    line = next((number for number, text in enumerate(lines, 1) if mark and mark in text), 1)
    return Finding(VENDOR_LIST, line, found, expected, fix)
