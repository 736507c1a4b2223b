"""History beyond one table: any range in pieces, aggregates by the calendar."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from sereno.access.actor import Actor
from sereno.model import OperationError

from ._aggregates import AggregateRequest, Aggregates
from ._imports import ImportedSamples, ImportSource, ImportState, ImportTally, StagedImport
from ._statistics import Statistics
from ._values import HistoryRequest, Series


class AnalysisPort(Protocol):
    """What can be asked of history besides HistoryPort. Memory is bounded whatever the range; ending stops the work.

    Raises NotFoundError, DeniedError, RefusedError, ValueError.
    """

    def pieces(self, request: HistoryRequest, actor: Actor) -> AsyncGenerator[Series]:
        """Every sample of the tags in the order asked, each tag by time, in pieces of about 50,000 samples at most."""

    def aggregate(self, request: AggregateRequest, actor: Actor) -> AsyncGenerator[Aggregates]:
        """Aggregates of the tags in the order asked, each tag by time, in pieces of 2048 buckets at most."""

    async def statistics(self, request: HistoryRequest, actor: Actor) -> Statistics:
        """Figures of number tags in a range; `points` bins of the histogram, None = 20."""

    async def begin_import(self, source: ImportSource, actor: Actor) -> str:
        """The key of a new import, which goes on record. The actor needs the right to configure the tags."""

    async def store_import(self, key: str, samples: ImportedSamples, actor: Actor) -> int:
        """Make samples durable, those of one tag in order of time; how many of them were not there already."""

    async def finish_import(self, key: str, actor: Actor) -> ImportTally:
        """The import is whole: after its last sample holds again what held there before it."""

    async def stage_import(self, source: ImportSource, actor: Actor) -> StagedImport:
        """An import of many samples, which goes on record: its parts are put by, and change nothing until it is merged.

        One of the same file that the same actor broke off is gone on with.
        """

    async def put_import(self, key: str, number: int, part: bytes, actor: Actor) -> int:
        """Put a part by, an Arrow stream of at most 4 MiB; how many there are. The first is number 0.

        Rows have the columns tag, t (ns UTC), value and perhaps quality; or it has t and a column for each tag.
        """

    async def merge_import(self, key: str, actor: Actor) -> None:
        """Begin to take all parts into the history, in one step; `import_state` says how far it is.

        Again, if it failed and what was put by is kept.
        """

    async def import_state(self, key: str, actor: Actor) -> ImportState:
        """How far an import is whose parts are put by."""

    async def cancel_import(self, key: str, actor: Actor) -> None:
        """Give up an import that is not merged yet; nothing of it stays."""


class NoAnalysis:
    """An AnalysisPort where no history is kept."""

    def pieces(self, request: HistoryRequest, actor: Actor) -> AsyncGenerator[Series]:
        """Raises OperationError."""
        del actor
        raise _nothing(request.tags)

    def aggregate(self, request: AggregateRequest, actor: Actor) -> AsyncGenerator[Aggregates]:
        """Raises OperationError."""
        del actor
        raise _nothing(request.tags)

    async def statistics(self, request: HistoryRequest, actor: Actor) -> Statistics:
        """Raises OperationError."""
        del actor
        raise _nothing(request.tags)

    async def begin_import(self, source: ImportSource, actor: Actor) -> str:
        """Raises OperationError."""
        del actor
        raise _nothing(source.tags)

    async def store_import(self, key: str, samples: ImportedSamples, actor: Actor) -> int:
        """Raises OperationError."""
        del key, actor
        raise _nothing((samples.tag,))

    async def finish_import(self, key: str, actor: Actor) -> ImportTally:
        """Raises OperationError."""
        del key, actor
        raise _nothing(())

    async def stage_import(self, source: ImportSource, actor: Actor) -> StagedImport:
        """Raises OperationError."""
        del actor
        raise _nothing(source.tags)

    async def put_import(self, key: str, number: int, part: bytes, actor: Actor) -> int:
        """Raises OperationError."""
        del key, number, part, actor
        raise _nothing(())

    async def merge_import(self, key: str, actor: Actor) -> None:
        """Raises OperationError."""
        del key, actor
        raise _nothing(())

    async def import_state(self, key: str, actor: Actor) -> ImportState:
        """Raises OperationError."""
        del key, actor
        raise _nothing(())

    async def cancel_import(self, key: str, actor: Actor) -> None:
        """Raises OperationError."""
        del key, actor
        raise _nothing(())


def _nothing(tags: tuple[str, ...]) -> OperationError:
    return OperationError(f"history of {', '.join(tags)}: this node records nothing ([history] enabled = false)")
