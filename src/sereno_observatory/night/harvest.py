"""What came of a night's observing: sequences as the book tells them, and the files of their images."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from sereno.client import Client, done


@dataclass(frozen=True, slots=True)
class Observed:
    """What the book says of a sequence; `files` are those of its images on record, `statuses` with ns UTC.

    `taken` is when each of the images was begun, ns UTC.
    """

    number: int
    name: str
    status: str
    wanted: int
    files: tuple[str, ...] = ()
    statuses: tuple[tuple[int, str], ...] = ()
    taken: tuple[int, ...] = ()


@dataclass(slots=True)
class Harvest:
    """Of a whole night. `missing` are files that are on record and not there, `unrecorded` the other way round.

    `digest` is that of all files.
    """

    sequences: list[Observed] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def doubled(self) -> list[str]:
        """Files that are on record twice."""
        counted = Counter(file for one in self.sequences for file in one.files)
        return [file for file, times in counted.items() if times > 1]

    def images_since(self, t_ns: int) -> int:
        """How many images were begun since then."""
        return sum(t >= t_ns for one in self.sequences for t in one.taken)


async def harvest(client: Client, numbers: Iterable[int], nights: Path, *, since: int = 0) -> Harvest:
    """What came of these sequences, whose files are below the folder `nights`; statuses `since` (ns UTC) alone."""
    found = Harvest()
    for number in numbers:
        told = json.loads(done(await client.call("observatory/sequences", "show", number)).value)
        found.sequences.append(_observed(told, since))
    files = sorted(file for one in found.sequences for file in one.files)
    there, found.digest = await asyncio.to_thread(_files, nights, {one.number for one in found.sequences})
    found.missing, found.unrecorded = sorted(set(files) - set(there)), sorted(set(there) - set(files))
    return found


def _files(nights: Path, numbers: set[int]) -> tuple[list[str], str]:
    """Finished images of these sequences, and a digest of all of them."""
    prefixes = {f"{number:06d}" for number in numbers}
    found = (file for file in nights.rglob("*.fits") if file.name[:6] in prefixes)
    there = sorted(file.relative_to(nights).as_posix() for file in found)
    digest = sha256()
    for file in there:
        digest.update(file.encode() + (nights / file).read_bytes())
    return there, digest.hexdigest()


def _observed(told: dict[str, Any], since: int) -> Observed:
    plans = [plan for album in told["sequence"]["albums"] for plan in album["plans"]]
    return Observed(
        told["id"],
        told["sequence"]["name"],
        told["status"],
        sum(plan["images"] for plan in plans),
        tuple(image["file"] for image in told["images"]),
        tuple((change["t"], change["status"]) for change in told["changes"] if change["t"] >= since),
        tuple(image["t_start"] for image in told["images"]),
    )
