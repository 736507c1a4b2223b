"""History as a file, whatever its length: a work file beside it grows piece by piece, and can be gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sereno.client import Client, Form, HistoryRequest, Series, form_of
from sereno.model import OperationError

SUFFIXES = {".csv": "csv", ".ndjson": "ndjson", ".arrow": "arrow", ".parquet": "arrow"}
"""Formats by the end of the file's name; a Parquet file is made of a stream of Arrow at the end."""

Progress = Callable[[str, int, int], None]
"""Told of the tag, of the rows so far, and of the time reached (ns UTC)."""


class Stage(msgspec.Struct, frozen=True):
    """How far an export has come: `size` bytes of the work file count, up to the sample `after` of tag number `tag`.

    `asked` are the times in the words of who asked, and their time zone: "now-1h" goes on with the hour of then.
    """

    tags: tuple[str, ...]
    start: int
    end: int
    asked: tuple[str, ...] = ()
    tag: int = 0
    after: int | None = None
    rows: int = 0
    size: int = 0


def _what(stage: Stage) -> tuple[object, ...]:
    """What is exported, by which an export that was broken off is known again."""
    return (stage.tags, *(stage.asked or (stage.start, stage.end)))


class Export:
    """One export to `path`. Given again after it was broken off, it goes on where it was."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in SUFFIXES:
            raise ValueError(f"{path.name!r} does not end with {', '.join(SUFFIXES)}")
        self.path = path
        self._work = path.with_name(f".{path.name}.part")
        self._stage = path.with_name(f".{path.name}.stage")
        self._form = SUFFIXES[path.suffix]

    def begun(self, wanted: Stage) -> Stage | None:
        """How far an export of the same tags and times to the same file came that was broken off."""
        try:
            found = msgspec.json.decode(self._stage.read_bytes(), type=Stage)
        except (OSError, msgspec.DecodeError):
            return None
        return found if _what(found) == _what(wanted) else None

    def size(self) -> int:
        """Bytes of the file that was made."""
        return self.path.stat().st_size

    async def run(self, client: Client, stage: Stage, progress: Progress) -> int:
        """Write what is missing and give the file its name; the number of rows. Raises OSError, SerenoError."""
        form = form_of(self._form)
        with self._work.open("r+b" if stage.size else "wb") as file:
            file.truncate(stage.size)
            file.seek(stage.size)
            head = form.begin()
            if not stage.size:
                file.write(head)
            for number in range(stage.tag, len(stage.tags)):
                if number > stage.tag:
                    stage = msgspec.structs.replace(stage, tag=number, after=None)
                stage = await self._one(client, stage, form, file, progress)
            file.write(form.end())
            file.flush()
            os.fsync(file.fileno())
        self._finish()
        return stage.rows

    async def _one(self, client: Client, stage: Stage, form: Form, file: Any, progress: Progress) -> Stage:
        tag, after = stage.tags[stage.tag], stage.after
        request = HistoryRequest((tag,), stage.start if after is None else after + 1, stage.end)
        if request.end <= request.start:
            return stage
        async with aclosing(client.analysis.pieces(request, client.actor)) as pieces:
            async for piece in pieces:
                rest = piece if after is None else _later(piece, after)
                if not len(rest.t):
                    continue
                file.write(form.piece(rest))
                file.flush()
                reached = int(rest.t[-1])
                stage = msgspec.structs.replace(
                    stage, after=max(reached, stage.start), rows=stage.rows + len(rest.t), size=file.tell()
                )
                self._keep(stage)
                progress(tag, stage.rows, reached)
        return stage

    def _keep(self, stage: Stage) -> None:
        new = self._stage.with_name(f"{self._stage.name}.new")
        new.write_bytes(msgspec.json.encode(stage))
        new.replace(self._stage)

    def _finish(self) -> None:
        if self.path.suffix == ".parquet":
            _to_parquet(self._work, self.path)
            self._work.unlink()
        else:
            self._work.replace(self.path)
        self._stage.unlink(missing_ok=True)


def _later(piece: Series, after: int) -> Series:
    """The samples after a time."""
    n = int(np.searchsorted(piece.t, after, "right"))
    return Series(
        piece.tag,
        piece.unit,
        piece.t[n:],
        piece.value[n:],
        piece.quality[n:],
        exact=None if piece.exact is None else piece.exact[n:],
        objects=None if piece.objects is None else piece.objects[n:],
    )


def _to_parquet(work: Path, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = path.with_name(f".{path.name}.new")
    try:
        with (
            pa.ipc.open_stream(pa.memory_map(str(work))) as stream,
            pq.ParquetWriter(made, stream.schema, compression="zstd") as writer,
        ):
            for batch in stream:
                writer.write_batch(batch)
    except pa.ArrowInvalid as error:
        raise OperationError(f"{work} is damaged: {error}; delete it and export again") from error
    made.replace(path)
