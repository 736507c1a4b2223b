"""What the samples of a tag mean: its definition at their time, and how they are said in the present one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Series
from sereno.model import Quality, ValueType

from .history import Snapshot, Store, TagHistory
from .samples import Samples
from .series import series_of
from .tags import Asked, Definition

_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_APART = (ValueType.BOOL, ValueType.ENUM, ValueType.STRING)


@dataclass(frozen=True, slots=True)
class Meaning:
    """From `start` until `end` (ns UTC) samples mean what `definition` says.

    A value times `factor` plus `offset` is one of the present definition; None: it cannot be said in it.
    """

    definition: Definition
    start: int
    end: int
    factor: float | None = 1.0
    offset: float = 0.0

    @property
    def as_now(self) -> bool:
        """True if samples can be shown as they are."""
        return self.factor == 1.0 and self.offset == 0.0


def meanings(asked: Asked) -> tuple[Meaning, ...]:
    """The meanings of a tag, by time; the last is the present one and has no end."""
    present = asked.definition
    if not asked.earlier:
        return (Meaning(present, _FIRST, _LAST),)
    kept: list[Definition] = []
    for definition in (*asked.earlier, present):
        if kept and _same(kept[-1], definition):
            kept[-1] = definition if definition is present else kept[-1]
        else:
            kept.append(definition)
    starts = [_FIRST, *(d.since for d in _firsts(asked, kept)[1:])]
    ends = [*starts[1:], _LAST]
    spans = zip(kept, starts, ends, strict=True)
    return tuple(Meaning(d, start, end, *_conversion(d, present)) for d, start, end in spans)


def said_now(samples: Samples, spans: Sequence[Meaning]) -> Samples:
    """The samples in the present meaning; those that cannot be said in it are bad."""
    if len(spans) == 1 or not len(samples):
        return samples
    at = np.searchsorted(np.array([m.start for m in spans], np.int64), samples.t, "right") - 1
    factor = np.array([np.nan if m.factor is None else m.factor for m in spans])[at]
    if (factor == 1.0).all() and not any(spans[i].offset for i in np.unique(at).tolist()):
        return samples
    offset = np.array([m.offset for m in spans])[at]
    lost: NDArray[np.bool_] = np.isnan(factor)
    objects = samples.objects.copy()
    objects[lost] = None
    return Samples(
        samples.t,
        samples.values * factor + offset,
        np.where(lost, np.uint16(Quality.BAD), samples.quality).astype(np.uint16),
        np.where(lost, 0, samples.exact),
        objects,
        samples.place,
    )


def in_spans(samples: Samples, spans: Sequence[Meaning]) -> list[tuple[Meaning, Samples]]:
    """The samples by what they mean, by time: those that can be said in the present meaning are, in one part."""
    at = np.searchsorted([m.start for m in spans], samples.t, "right") - 1
    groups: list[list[int]] = []
    for i, span in enumerate(spans):
        if groups and span.factor is not None and spans[groups[-1][-1]].factor is not None:
            groups[-1].append(i)
        else:
            groups.append([i])
    parts: list[tuple[Meaning, Samples]] = []
    for group in groups:
        mine = samples.take((at >= group[0]) & (at <= group[-1]))
        if len(mine):
            span = spans[group[-1]]
            parts.append((span, mine if span.factor is None else said_now(mine, spans)))
    return parts or [(spans[-1], samples)]


def definition_at(asked: Asked, t: int) -> Definition:
    """What the tag was declared as at a time."""
    return next(m.definition for m in reversed(meanings(asked)) if m.start <= t)


def meant_series(asked: Asked, samples: Samples, known_until: int) -> list[Series]:
    """Raw Series: one, and one more for each part whose samples cannot be said in the present meaning."""
    spans = meanings(asked)
    if len(spans) == 1:
        return [series_of(asked.definition, samples, known_until)]
    found: list[Series] = []
    for span, part in in_spans(samples, spans):
        definition = asked.definition if span.factor is not None else span.definition
        units = [m.definition.unit for m in spans if m.factor is not None and not m.as_now and _holds(m, part)]
        series = series_of(definition, part, min(known_until, span.end))
        begun = max(span.start, 0) if span.factor is None or span.as_now else 0
        ended = span.end if span.end < _LAST else 0
        found.append(replace(series, since=begun, until=ended, converted=tuple(dict.fromkeys(units))))
    return found


def _holds(meaning: Meaning, samples: Samples) -> bool:
    return bool(((samples.t >= meaning.start) & (samples.t < meaning.end)).any())


class MeantHistory(TagHistory):
    """A tag's past in its present meaning. Roll-ups are of samples as they were: they fit from `rolled_from` on."""

    def __init__(self, store: Store, snapshot: Snapshot, asked: Asked) -> None:
        self._spans = meanings(asked)
        numbers = all(span.definition.is_row for span in self._spans)
        super().__init__(store, snapshot, asked.definition.id, asked.handle, numbers=numbers)
        self.rolled_from = next((m.end for m in reversed(self._spans) if not m.as_now), _FIRST)

    def between(self, start: int, end: int) -> Samples:
        """See TagHistory."""
        return said_now(super().between(start, end), self._spans)


def recorded(store: Store, snapshot: Snapshot, asked: Asked) -> TagHistory:
    """A tag's past as it was recorded."""
    numbers = all(definition.is_row for definition in (*asked.earlier, asked.definition))
    return TagHistory(store, snapshot, asked.definition.id, asked.handle, numbers=numbers)


def _firsts(asked: Asked, kept: Sequence[Definition]) -> list[Definition]:
    """Of each meaning that is kept, the definition that began it."""
    firsts: list[Definition] = []
    for definition in (*asked.earlier, asked.definition):
        if not firsts or not _same(firsts[-1], definition):
            firsts.append(definition)
    return firsts[: len(kept)]


def _same(one: Definition, other: Definition) -> bool:
    """True if a value of one is the same value of the other."""
    return (one.type, one.unit, one.labels, one.shape) == (other.type, other.unit, other.labels, other.shape)


def _conversion(old: Definition, now: Definition) -> tuple[float | None, float]:
    if _same(old, now):
        return 1.0, 0.0
    if old.shape != now.shape or (not old.is_row and old.type is not now.type):
        return None, 0.0
    if old.type in _APART or now.type in _APART:
        kept = old.type is now.type and now.labels[: len(old.labels)] == old.labels
        return (1.0 if kept else None), 0.0
    if now.type.is_exact and (old.type is not now.type or old.unit != now.unit):
        return None, 0.0
    return unit_conversion(old.unit, now.unit)


@lru_cache(maxsize=256)
def unit_conversion(old: str, now: str) -> tuple[float | None, float]:
    """Factor and offset from one unit to another; None where they do not measure the same."""
    if old == now:
        return 1.0, 0.0
    from pint import PintError

    registry = _registry()
    try:
        zero, one = (registry.Quantity(v, _exponents(old)).to(_exponents(now)).magnitude for v in (0.0, 1.0))
    except (PintError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        return None, 0.0
    return float(one - zero), float(zero)


@lru_cache(maxsize=1)
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry()


def _exponents(unit: str) -> str:
    """m3/h -> m**3/h, as pint writes powers."""
    return re.sub(r"(?<=[A-Za-z])(\d)", r"**\1", unit)
