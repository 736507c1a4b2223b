"""What no tracked text may hold, and links that must lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.checks.source import Finding, Source

THIRD_PARTY = "src/sereno/web/static/vendor"
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|root|home|Users)/[\w.-]*|\b[A-Za-z]:\\Users\\\w*")
REGISTRY_HOST = re.compile(
    r"\b(?:(?:test\.)?pypi\.org|files\.pythonhosted\.org|registry\.(?:npmjs\.org|yarnpkg\.com)|(?:www\.)?npmjs\.com"
    r"|unpkg\.com|(?:cdn|fastly)\.jsdelivr\.net|cdnjs\.cloudflare\.com|esm\.(?:sh|run)|cdn\.skypack\.dev"
    r"|conda\.anaconda\.org|crates\.io|proxy\.golang\.org|rubygems\.org)\b"
)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^\s*(```|~~~)")


def machine_paths(source: Source) -> Iterator[Finding]:
    """No path of somebody's own machine."""
    for line, found in _matches(source, MACHINE_PATH):
        fix = "a path relative to the project, ~, or a temporary folder in a test"
        yield Finding(source.path, line, f"the machine's path {found}", "nothing that holds on one machine only", fix)


def registry_hosts(source: Source) -> Iterator[Finding]:
    """No package registry or CDN by its host: installers know theirs, and pages load nothing from outside."""
    for line, found in _matches(source, REGISTRY_HOST):
        fix = "leave the host to the installer's configuration; vendor browser files"
        yield Finding(source.path, line, f"the host {found}", "no registry or CDN host", fix)


def links(source: Source, files: frozenset[str]) -> Iterator[Finding]:
    """Relative links of Markdown files lead to a project file or a folder that holds one."""
    if not source.path.endswith(".md"):
        return
    known = files | {parent.as_posix() for name in files for parent in PurePosixPath(name).parents}
    for number, line in _outside_fences(source.lines):
        for target in LINK.findall(line):
            path = target.partition("#")[0]
            if path and not re.match(r"[a-z][a-z0-9+.-]*:", path) and _join(source.path, path) not in known:
                fix = "correct the path; it counts from this file's folder"
                yield Finding(source.path, number, f"a link to {target}", "a file of the project", fix)


def _matches(source: Source, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    if source.is_under(THIRD_PARTY) and not source.path.endswith("vendor.toml"):
        return
    for number, line in enumerate(source.lines, 1):
        for match in pattern.finditer(line):
            yield number, match.group()


def _outside_fences(lines: list[str]) -> Iterator[tuple[int, str]]:
    inside = False
    for number, line in enumerate(lines, 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def _join(page: str, target: str) -> str:
    parts: list[str] = [] if target.startswith("/") else list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."
