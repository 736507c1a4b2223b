"""Present values as columns, and as readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

from sereno.access.actor import Actor
from sereno.model import Clock, TagSpec, ValueType, object_value, row_value
from sereno.wire.columns import Block

from ._ports import LivePort, PlannedPort
from ._values import Present, Reading


class ColumnsPort(LivePort, Protocol):
    """Live values that come as columns over a wire."""

    async def present(self, *globs: str) -> tuple[tuple[TagSpec, ...], Present]:
        """Declarations, and columns over them."""


async def present_of(
    live: LivePort, globs: Sequence[str], actor: Actor, clock: Clock
) -> tuple[tuple[TagSpec, ...], Present]:
    """Present values as columns, by the best way that the port has. Raises NotFoundError."""
    if hasattr(live, "present"):
        return await cast("ColumnsPort", live).present(*globs)
    if hasattr(live, "plan"):
        plan = cast("PlannedPort", live).plan(globs, actor)
        return plan.tags, plan.present()
    found = await live.read(globs, actor)
    return tuple(reading.tag for reading in found), columns_of(found, clock.wall_ns())


def columns_of(found: Sequence[Reading], t_hub: int) -> Present:
    """Readings as columns, in their order."""
    rows = [(place, reading) for place, reading in enumerate(found) if reading.tag.is_row]
    exact = [(row, r.value) for row, (_, r) in enumerate(rows) if r.tag.type.is_exact and isinstance(r.value, int)]
    return Present(
        t_hub=t_hub,
        index=np.array([place for place, _ in rows], np.int32),
        values=np.array([_number(r.tag, r.value) for _, r in rows], np.float64),
        t_source=np.array([r.t_source for _, r in rows], np.int64),
        quality=np.array([r.quality for _, r in rows], np.uint16),
        exact_rows=np.array([row for row, _ in exact], np.int32),
        exact_values=np.array([value & 0xFFFFFFFFFFFFFFFF for _, value in exact], np.uint64).view(np.int64),
        ages=np.array([r.age for _, r in rows], np.float32),
        objects=tuple((p, r.value, r.t_source, r.quality) for p, r in enumerate(found) if not r.tag.is_row),
        object_ages={p: r.age for p, r in enumerate(found) if not r.tag.is_row},
        reasons={p: r.reason for p, r in enumerate(found) if r.reason},
    )


def _number(tag: TagSpec, value: Any) -> float:
    if tag.type is ValueType.ENUM and value in tag.labels:
        return float(tag.labels.index(value))
    return float("nan") if value is None else float(value)


def readings(tags: Sequence[TagSpec], block: Block | Present) -> list[Reading]:
    """Columns as readings, in the order of the tags."""
    exact = dict(zip(block.exact_rows.tolist(), block.exact_values.tolist(), strict=True))
    ages = [0.0] * len(block.index) if block.ages is None else block.ages.tolist()
    found: list[Reading | None] = [None] * len(tags)
    columns = (c.tolist() for c in (block.index, block.values, block.t_source, block.quality))
    for row, (place, number, t, quality, age) in enumerate(zip(*columns, ages, strict=True)):
        value = row_value(tags[place], number, exact.get(row, 0), quality)
        found[place] = Reading(tags[place], value, quality, block.reasons.get(place, ""), t, age)
    for place, value, t, quality in block.objects:
        age = block.object_ages.get(place, float("inf"))
        shown = object_value(tags[place], value)
        found[place] = Reading(tags[place], shown, quality, block.reasons.get(place, ""), t, age)
    return [reading for reading in found if reading is not None]


def block_present(block: Block) -> Present:
    return Present(
        t_hub=block.t_hub,
        index=block.index,
        values=block.values,
        t_source=block.t_source,
        quality=block.quality,
        exact_rows=block.exact_rows,
        exact_values=block.exact_values,
        ages=np.zeros(len(block.index), np.float32) if block.ages is None else block.ages,
        objects=block.objects,
        object_ages=block.object_ages,
        reasons=block.reasons,
    )
