"""Samples of the past that come from elsewhere: checked, marked, and stored as if they had been heard of late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.access.actor import Actor, Right
from sereno.client import ImportedSamples, ImportSource, ImportTally, iso_time
from sereno.model import DeniedError, NotFoundError, Quality, RefusedError, ValueType, new_key

from .block import Block, Rows
from .historian import Historian
from .history import TagHistory
from .in_force import same_value
from .meaning import meanings
from .samples import Samples, no_samples
from .tags import Asked, Definition

MAX_ROWS = 100_000
MAX_OPEN = 16
_BAD = 0x8000
_NO_TIME = -(1 << 63)
Record = Callable[..., Awaitable[None]]


@dataclass(slots=True, eq=False)
class _TagImport:
    """One tag of an import: what holds again after its last sample is the one of `after`, if any."""

    asked: Asked
    last: int = _NO_TIME
    step: int = 10**9
    after: Samples = field(default_factory=no_samples)


@dataclass(slots=True, eq=False)
class _Import:
    source: ImportSource
    actor: str
    tags: dict[str, _TagImport]
    tally: ImportTally = field(default_factory=ImportTally)


class Imports:
    """Imports under way. `record` puts acts on record, as AuditLog.record does."""

    def __init__(self, historian: Historian, record: Record) -> None:
        self._historian = historian
        self._record = record
        self._open: dict[str, _Import] = {}

    async def begin(self, source: ImportSource, actor: Actor) -> str:
        """See AnalysisPort."""
        for path in source.tags:
            if not actor.may(Right.CONFIGURE, path):
                raise DeniedError(f"{actor.name} may not import history of {path!r} (right configure)")
        self._historian.declare(source.tags)
        async with self._historian.asking(source.tags, actor) as asking:
            tags = {asked.definition.path: _TagImport(asked) for asked in asking.asked}
        gone = [path for path, tag in tags.items() if tag.asked.handle is None]
        if gone:
            raise RefusedError(f"{', '.join(gone)}: no longer declared; samples are imported for declared tags only")
        while len(self._open) >= MAX_OPEN:
            del self._open[next(iter(self._open))]
        key = new_key()
        self._open[key] = _Import(source, actor.name, tags)
        new = {"sha256": source.sha256, "tags": list(source.tags)}
        await self._record(actor.name, "history.import", source.name, actor.origin, "begun", new=new, command=key)
        return key

    async def store(self, key: str, samples: ImportedSamples, actor: Actor) -> int:
        """See AnalysisPort."""
        job = self._job(key, actor)
        tag = job.tags.get(samples.tag)
        if tag is None:
            raise ValueError(f"{samples.tag!r} is not a tag of this import")
        given = _checked(tag.asked.definition, samples)
        since = meanings(tag.asked)[-1].start
        if int(given.t[0]) < since:
            raise RefusedError(f"{samples.tag!r} meant something else before {iso_time(since)}; import what is later")
        if int(given.t[0]) <= tag.last:
            raise ValueError(f"samples of {samples.tag!r} do not come in order of time")
        async with self._historian.asking((samples.tag,), actor) as asking:
            new = await asking.run(partial(_new, tag, given, asking.history(tag.asked)))
        if len(new):
            await self._historian.store([_block(tag, new)])
        tag.last = max(tag.last, int(given.t[-1]))
        job.tally.add(len(given), len(new), int(given.t[0]), int(given.t[-1]))
        return len(new)

    async def finish(self, key: str, actor: Actor) -> ImportTally:
        """See AnalysisPort."""
        job = self._job(key, actor)
        ends = [block for tag in job.tags.values() if (block := await self._end(tag, actor)) is not None]
        if ends:
            await self._historian.store(ends)
        del self._open[key]
        tally = job.tally
        new = {"rows": tally.rows, "new": tally.new, "from_ns": tally.first, "to_ns": tally.last}
        await self._record(actor.name, "history.import", job.source.name, actor.origin, "done", new=new, command=key)
        return tally

    async def _end(self, tag: _TagImport, actor: Actor) -> Block | None:
        """After the last sample holds what held there before the import; where nothing did, nothing is known."""
        if tag.last == _NO_TIME:
            return None
        t = tag.last + tag.step
        async with self._historian.asking((tag.asked.definition.path,), actor) as asking:
            history = asking.history(tag.asked)
            there = await asking.run(partial(history.between, tag.last + 1, t + 1))
        if (there.t > tag.last).any():
            return None
        end = tag.after if len(tag.after) and tag.after.quality[0] < _BAD else _bad()
        end.t[0] = t
        return _block(tag, end)

    def _job(self, key: str, actor: Actor) -> _Import:
        job = self._open.get(key)
        if job is None:
            raise NotFoundError(f"no import {key!r} is under way; begin it again, what is there already is left out")
        if job.actor != actor.name:
            raise DeniedError(f"this import is {job.actor}'s")
        return job


def _new(tag: _TagImport, given: Samples, history: TagHistory) -> Samples:
    """Those that are not there already. Notes what holds after the last of them without the import."""
    first, last = int(given.t[0]), int(given.t[-1])
    if len(given) > 1:
        tag.step = max(1, int(np.median(np.diff(given.t))))
    there = history.between(first, last + tag.step)
    before = there.take(there.t <= last + tag.step)
    if len(before) and int(before.t[-1]) != tag.last:
        tag.after = before.take(slice(len(before) - 1, None))
    return given.take(~_known(given, there))


def _known(given: Samples, there: Samples) -> NDArray[np.bool_]:
    """Which of the samples are there with the same value, or none, and the same severity."""
    at = np.minimum(np.searchsorted(there.t, given.t), max(0, len(there) - 1))
    if not len(there):
        return np.zeros(len(given), np.bool_)
    found = there.take(at)
    bad = given.quality >= _BAD
    values = (found.values == given.values) | (np.isnan(found.values) & np.isnan(given.values))
    same = (values & (found.exact == given.exact) & _equal(found.objects, given.objects)) | bad
    known: NDArray[np.bool_] = (found.t == given.t) & (found.quality >> 14 == given.quality >> 14) & same
    return known


def _equal(found: NDArray[Any], given: NDArray[Any]) -> NDArray[np.bool_]:
    if not any(value is not None for value in given):
        return np.array([value is None for value in found], np.bool_)
    return np.array([same_value(a, b) for a, b in zip(found, given, strict=True)], np.bool_)


def _bad() -> Samples:
    samples = no_samples(1)
    samples.quality[0] = int(Quality.BAD)
    return samples


def _block(tag: _TagImport, samples: Samples) -> Block:
    n, definition = len(samples), tag.asked.definition
    is_exact = definition.is_row and definition.type.is_exact
    rows = Rows(
        np.full(n, definition.id, np.int64),
        samples.values,
        samples.t,
        samples.quality,
        samples.exact if is_exact else None,
        None if definition.is_row else tuple(samples.objects.tolist()),
    )
    return Block(rows, np.full(n, tag.asked.handle, np.int32))


def _checked(definition: Definition, given: ImportedSamples) -> Samples:
    """As samples, good ones marked as imported. Raises ValueError, RefusedError, saying what is wrong."""
    n = len(given.t)
    if not 0 < n <= MAX_ROWS or n != len(given.value) or (given.quality is not None and n != len(given.quality)):
        raise ValueError(f"{n} times, {len(given.value)} values of {given.tag!r}: as many, 1 to {MAX_ROWS}")
    if (np.diff(given.t) <= 0).any():
        raise ValueError(f"times of {given.tag!r} do not increase")
    if definition.shape:
        raise RefusedError(f"{given.tag!r} is an array; arrays are not imported")
    samples = no_samples(n)
    samples.t[:] = given.t
    if given.quality is not None:
        samples.quality[:] = given.quality
    samples.quality[samples.quality == int(Quality.GOOD)] = int(Quality.IMPORTED)
    missing = _missing(given.value)
    samples.quality[missing & (samples.quality < _BAD)] = int(Quality.BAD)
    _fill(definition, given.value, missing, samples)
    return samples


def _missing(values: Sequence[Any] | NDArray[np.float64]) -> NDArray[np.bool_]:
    if isinstance(values, np.ndarray):
        return np.isnan(values)
    return np.array([v is None for v in values], np.bool_)


def _fill(definition: Definition, values: Any, missing: NDArray[np.bool_], samples: Samples) -> None:
    try:
        if isinstance(values, np.ndarray) and definition.is_row and not definition.type.is_exact:
            samples.values[:] = values
        elif not definition.is_row:
            samples.objects[:] = [None if v is None else str(v) for v in values]
        elif definition.type.is_exact:
            whole = [0 if m else int(v) for v, m in zip(values, missing.tolist(), strict=True)]
            unsigned = definition.type is ValueType.UINT64
            column: Any = np.array(whole, np.uint64 if unsigned else np.int64)
            samples.exact[:] = column.view(np.int64)
            samples.values[:] = np.where(missing, np.nan, column.astype(np.float64))
        else:
            labels = _labels(definition)
            samples.values[:] = [np.nan if v is None else float(labels.get(v, v)) for v in values]
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"a value of {definition.path!r} is no {definition.type.value}: {error}") from error


def _labels(definition: Definition) -> Mapping[Any, Any]:
    if definition.type is ValueType.BOOL:
        return {"true": 1, "false": 0}
    return {label: code for code, label in enumerate(definition.labels)}
