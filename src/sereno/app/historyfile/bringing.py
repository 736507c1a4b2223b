"""Brings a file of samples into a node: sorted by days first, so that each day of the node's history changes once."""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Client, ImportedSamples, ImportSource, ImportTally
from sereno.model import TagSpec

from .reading import TagRows, rows_in

SLICE = 86_400 * 10**9
AT_ONCE, OBJECTS_AT_ONCE = 40_000, 4_000
Progress = Callable[[int, int], None]
"""Told of the rows so far and of the rows that there are."""


class SortedFile:
    """The rows of a file by days, in a folder that is deleted when this is closed. See `rows_in`."""

    def __init__(self, path: Path, tag: str, timezone: str, texts: Set[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sereno-import-")
        self.tags: dict[str, str] = {}
        self.rows = 0
        self._days: set[int] = set()
        self._numbers: dict[str, int] = {}
        try:
            for part in rows_in(path, tag, timezone, texts):
                self._add(part)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> SortedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete what is in the way."""
        self._folder.cleanup()

    def days(self) -> Iterator[dict[str, tuple[NDArray[np.int64], NDArray[Any], NDArray[np.uint16]]]]:
        """By tag: times, values, qualities of a day, in order; of rows of one time the last counts."""
        names = list(self._numbers)
        for day in sorted(self._days):
            parts: dict[int, list[Any]] = {}
            with self._path(day).open("rb") as file:
                while True:
                    try:
                        number, *columns = pickle.load(file)  # noqa: S301 - our own file
                    except EOFError:
                        break
                    parts.setdefault(number, []).append(columns)
            yield {names[number]: _sorted(found) for number, found in sorted(parts.items())}

    def _add(self, part: TagRows) -> None:
        if not len(part.t):
            return
        self.tags.setdefault(part.tag, part.unit)
        number = self._numbers.setdefault(part.tag, len(self._numbers))
        self.rows += len(part.t)
        day = part.t // SLICE
        for one in np.unique(day).tolist():
            mine = np.flatnonzero(day == one)
            self._days.add(one)
            with self._path(one).open("ab") as file:
                pickle.dump((number, part.t[mine], part.value[mine], part.quality[mine]), file, 5)

    def _path(self, day: int) -> Path:
        return Path(self._folder.name) / str(day)


def check_tags(tags: dict[str, str], specs: list[TagSpec]) -> None:
    """Raises ValueError if tags of a file are not declared, or have another unit there."""
    declared = {spec.path: spec for spec in specs}
    for tag, unit in tags.items():
        if tag not in declared:
            raise ValueError(f"no tag {tag!r} at the node; a column of another name is given with --tag")
        if unit and unit != declared[tag].unit:
            raise ValueError(f"{tag!r} is in {unit!r} in the file and in {declared[tag].unit!r} at the node")


def source_of(path: Path, tags: dict[str, str]) -> ImportSource:
    """What goes on record of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ImportSource(path.name[-200:], digest, tuple(tags))


async def bring(client: Client, source: ImportSource, content: SortedFile, progress: Progress) -> ImportTally:
    """Send everything; given again, what is there already is left out. Raises SerenoError, ValueError."""
    port, actor = client.analysis, client.actor
    key = await port.begin_import(source, actor)
    sent = 0
    for day in content.days():
        for tag, (t, value, quality) in day.items():
            step = AT_ONCE if value.dtype != object else OBJECTS_AT_ONCE
            for first in range(0, len(t), step):
                part = slice(first, first + step)
                some = value[part] if value.dtype != object else value[part].tolist()
                await port.store_import(key, ImportedSamples(tag, t[part], some, quality[part]), actor)
                sent += len(t[part])
                progress(sent, content.rows)
    return await port.finish_import(key, actor)


def _sorted(parts: list[Any]) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.uint16]]:
    if len({part[1].dtype for part in parts}) > 1:
        parts = [(part[0], _as_objects(part[1]), part[2]) for part in parts]
    t, values, quality = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 2))
    if (np.diff(t) > 0).all():
        return t, values, quality
    order = np.argsort(t, kind="stable")
    order = order[np.append(np.diff(t[order]) > 0, True)]
    return t[order], values[order], quality[order]


def _as_objects(value: NDArray[Any]) -> NDArray[Any]:
    if value.dtype == object:
        return value
    found = value.astype(object)
    found[np.isnan(value)] = None
    return found
