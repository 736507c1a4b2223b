"""What a check looks at and what it says."""

from __future__ import annotations

import ast
import fnmatch
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

MADE_IN_ROOT = {"build", "dist", "data", "site", ".venv.lock"}


@dataclass(frozen=True, order=True)
class Finding:
    """One fault: where it is, what was found, what was expected, and how to mend it."""

    path: str
    line: int
    found: str
    expected: str
    fix: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.path}:{self.line}: {kind}{self.found}; expected {self.expected}; fix: {self.fix}"


@dataclass(frozen=True)
class Source:
    """A text file by its path from the project's root (with forward slashes)."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed Python; raises SyntaxError."""
        return ast.parse(self.text, self.path)

    @property
    def is_python(self) -> bool:
        """Whether it is Python by its name or its first line."""
        return self.path.endswith(".py") or self.text.startswith("#!/usr/bin/env python")

    def is_under(self, *folders: str) -> bool:
        """Whether the file lies in one of the folders."""
        return any(PurePosixPath(self.path).is_relative_to(folder) for folder in folders)

    def matches(self, pattern: str) -> bool:
        """Whether the whole path matches a shell pattern, in which * also crosses folders."""
        return fnmatch.fnmatchcase(self.path, pattern)


def project_files(root: Path) -> list[str]:
    """The project's files: what git tracks or would track; without git, everything but what is made."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists() and shutil.which("git"):
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode == 0:  # git refuses the folder of another user
            return sorted(name for name in set(done.stdout.decode().split("\0")) if (root / name).is_file())
    found = (path.relative_to(root) for path in _walk(root))
    return sorted(path.as_posix() for path in found if path.parts[0] not in MADE_IN_ROOT)


def read_sources(root: Path) -> list[Source]:
    """The project's text files; those that are not UTF-8 text are left out."""
    sources = []
    for name in project_files(root):
        try:
            sources.append(Source(name, (root / name).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return sources


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if not path.is_dir():
            yield path
        elif path.name == ".ci" or not path.name.startswith((".", "__pycache__")):
            yield from _walk(path)
