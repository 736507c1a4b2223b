"""What an application declares: pages, data for them, and where their files are. Values only, nothing runs here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sereno.access.actor import Right
from sereno.client import Client

LANGUAGES = ("en", "es", "fr")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{kind} {name!r}: expected a name of lower-case letters, digits and '_', as 'all_sky'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in the left menu, under /app/APPLICATION/NAME.

    `template` is a file below templates/ that extends "layout.html". `script` (an ES module) and `styles` are files
    below static/. `icon` names one of Sereno's own, or "FILE.svg#ID" below static/. In the menu it stands at `place`:
    Sereno's own are at 100 (mimic), 200, ... 800 (audit). Who has not `right` somewhere does not see it.
    """

    name: str
    titles: Mapping[str, str]
    template: str
    script: str = ""
    styles: Sequence[str] = ()
    icon: str = "mimic"
    place: float = 150
    right: Right = Right.READ

    def __post_init__(self) -> None:
        _check_name("page", self.name)
        if missing := [lang for lang in LANGUAGES if not self.titles.get(lang)]:
            raise ValueError(f"page {self.name!r} has no title in {', '.join(missing)}: expected one in each language")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for data, and what for.

    `client` sees the plant as who asks may see it; it refuses commands, which have a door of their own (POST
    /api/v1/commands). `query` is what follows the '?'. `folder` is the data folder of the node, None where it has none.
    """

    client: Client
    query: Mapping[str, str]
    lang: str = "en"
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is not JSON: its bytes, or the file that has them, which is sent piece by piece.

    With a `name` the browser keeps it under that name.
    """

    content: bytes | Path
    media_type: str = "application/octet-stream"
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What can be asked for under GET /api/v1/app/APPLICATION/NAME by whoever has `right` somewhere.

    `answer` returns what JSON can say, or a File. It is awaited in the loop of the node: what takes long goes to a
    thread. Errors of Sereno are told as they are, ValueError as a wrong parameter, anything else as its own fault.
    """

    name: str
    answer: Callable[[Asked], Awaitable[Any]]
    right: Right = Right.READ

    def __post_init__(self) -> None:
        _check_name("data", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What the entry point names. `folder` has templates/, static/ and locale/{en,es,fr}.json with keys "NAME.…".

    `packages` are distributions of which the system page shows the version.
    """

    name: str
    folder: Path
    pages: Sequence[Page]
    data: Sequence[Data] = ()
    packages: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_name("application", self.name)
        for kind, names in (("pages", [p.name for p in self.pages]), ("data", [d.name for d in self.data])):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"application {self.name!r} has two {kind} of the name {', '.join(twice)}")


@dataclass(frozen=True, slots=True)
class BrokenApplication:
    """One that is asked for and cannot be had: its place in the menu tells why."""

    name: str
    fault: str
