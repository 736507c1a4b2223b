"""What a job remembers over a restart, and how it is written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from sereno.client import JobColumn, JobRun, parse_run, run_json

REMEMBERED = 50
"""Runs."""


@dataclass(slots=True)
class Kept:
    """Runs, the newest first, and the table of the last one that brought any. `begun`: the one that is under way."""

    paused: bool = False
    count: int = 0
    failed: int = 0
    runs: list[JobRun] = field(default_factory=list)
    table: tuple[JobColumn, ...] = ()
    begun: JobRun | None = None

    def add(self, run: JobRun, table: tuple[JobColumn, ...], *, failed: bool) -> None:
        """One more run."""
        self.count = run.number
        self.failed += failed
        self.runs = [run, *self.runs[: REMEMBERED - 1]]
        self.table = table or self.table
        self.begun = None


class Documents(Protocol):
    """Where documents lie."""

    async def load(self, name: str) -> Any:
        """What was kept last, None where nothing was."""

    async def keep(self, name: str, document: Any) -> None:
        """Return when it is on the disk."""


class Keeper:
    """Writes what is to be remembered."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def load(self, name: str) -> Kept:
        """As it was; anew where nothing was kept, or by a version that wrote otherwise. Raises StoreError."""
        found = await self._documents.load(name)
        try:
            return Kept() if found is None else _kept(found)
        except (KeyError, TypeError, ValueError):
            return Kept()

    async def keep(self, name: str, kept: Kept) -> None:
        """Return when it is on the disk. Raises StoreError."""
        table = [asdict(column) for column in kept.table]
        runs = [run_json(run) for run in kept.runs]
        begun = None if kept.begun is None else run_json(kept.begun)
        counts = {"paused": kept.paused, "count": kept.count, "failed": kept.failed}
        await self._documents.keep(name, {**counts, "runs": runs, "table": table, "begun": begun})


def _kept(document: Any) -> Kept:
    """With the run that was under way when the node was killed, as far as it is known."""
    kept = Kept(
        paused=bool(document["paused"]),
        count=int(document["count"]),
        failed=int(document["failed"]),
        runs=[parse_run(one) for one in document["runs"]],
        table=tuple(JobColumn(**one) for one in document["table"]),
    )
    if document.get("begun"):
        kept.add(parse_run(document["begun"]), (), failed=False)
    return kept
