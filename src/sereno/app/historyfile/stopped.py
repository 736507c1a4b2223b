"""Brings a file of samples into the history of a node that does not run, from the machine itself; it goes on record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sereno.app.datafolder import DataFolder
from sereno.app.installation import at_console, open_existing, read_note
from sereno.app.plant.load import load_plant
from sereno.app.plant.schema import HistoryTable
from sereno.client import ImportSource, ImportTally
from sereno.historian.bulk.alone import StoppedHistory
from sereno.historian.bulk.stage import StageNote
from sereno.historian.disk import SystemDisk
from sereno.historian.tags import Definition
from sereno.model import ConfigurationError, OperationError, SystemClock, TagSpec, new_key
from sereno.store.audit import AuditLog

from .bringing import Progress
from .source import SourceFile


def bring_stopped(
    data: Path,
    source: Callable[[Mapping[str, TagSpec]], SourceFile],
    agreed: Callable[[SourceFile], None],
    progress: Progress,
) -> ImportTally:
    """Import into the history of a data folder. `source` is given its tags, `agreed` may raise once it was looked at.

    Raises OperationError while a node runs there, NotFoundError, ValueError, OSError.
    """
    folder = DataFolder(data)
    if not folder.history.is_dir():
        raise OperationError(f"no history in {data}; give --data")
    with StoppedHistory(SystemDisk(), folder.history, _keep_free(folder)) as history:
        content = source({path: _spec(definition) for path, definition in history.tags().items()})
        content.look()
        agreed(content)
        note = content.source()
        record = _Record(folder, note, new_key())
        record("begun")
        try:
            tally = _brought(history, content, record, progress)
        except BaseException as error:
            record(f"failed: {error}"[:500])
            raise
        record("done", tally)
    return tally


def _brought(history: StoppedHistory, content: SourceFile, record: _Record, progress: Progress) -> ImportTally:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for part in content.parts():
            yield part.data
            sent += part.samples
            progress("sent", sent / max(sent, content.samples))

    now = SystemClock().wall_ns()
    source = record.source
    note = StageNote(record.key, source.name, source.sha256, source.tags, "console", now)
    done = history.bring(note, parts(), now, lambda share: progress("merged", share))
    return ImportTally(done.rows, done.new, done.first, done.last)


def _keep_free(folder: DataFolder) -> int:
    """As the plant file says that ran here last; as a plant file that does not say, if it cannot be read."""
    try:
        return load_plant(Path(read_note(folder).plant)).history.keep_free
    except (OSError, ConfigurationError, OperationError):
        return HistoryTable().keep_free


class _Record:
    """Puts what becomes of an import on record, in the audit of its data folder."""

    def __init__(self, folder: DataFolder, source: ImportSource, key: str) -> None:
        self.source, self.key = source, key
        self._folder = folder

    def __call__(self, outcome: str, tally: ImportTally | None = None) -> None:
        new: dict[str, object] = {"sha256": self.source.sha256, "tags": list(self.source.tags)[:1000]}
        if tally is not None:
            new = {"rows": tally.rows, "new": tally.new, "from_ns": tally.first, "to_ns": tally.last}
        asyncio.run(self._write(outcome, new))

    async def _write(self, outcome: str, new: dict[str, object]) -> None:
        store = open_existing(self._folder)
        try:
            audit = AuditLog(store, SystemClock())
            await audit.record(
                "console", "history.import", self.source.name, at_console(), outcome, new=new, command=self.key
            )
        finally:
            await store.close()


def _spec(definition: Definition) -> TagSpec:
    return TagSpec(
        path=definition.path,
        type=definition.type,
        unit=definition.unit,
        labels=definition.labels,
        shape=definition.shape,
        decimals=definition.decimals,
    )
