"""A scan compiled: requests, where each reply lands, and how the columns come out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.device import ScanColumns
from sereno.model import Quality

from .address import BIT_TABLES, READ_FUNCTIONS, Area
from .columns import Decoder
from .exchange import Requests, Step, compile_step
from .fields import Field
from .plan import Block
from .protocol import Read

REFUSED = (1, 2, 3, 4)
"""Exceptions that mean no, rather than not now: function, address, value, device failure."""
GATEWAY = (10, 11)
"""Exceptions of a gateway that does not reach the device."""


class Layout:
    """Blocks compiled for the fields of one scan group; made anew when the device turns out to refuse something."""

    def __init__(self, rows: Sequence[Field], objects: Sequence[Field], blocks: Sequence[Block], unit: int) -> None:
        self.blocks = tuple(sorted(blocks, key=lambda b: b.area.table in BIT_TABLES))
        steps: list[Step] = []
        places: dict[Area, tuple[int, int]] = {}
        size = 0
        for i, block in enumerate(self.blocks):
            area = block.area
            step = compile_step(unit, Read(READ_FUNCTIONS[area.table], area.start, area.count), size)
            steps.append(step)
            for member in block.members:
                ahead = member.start - area.start
                places[member] = i, 8 * size + ahead if area.table in BIT_TABLES else size + 2 * ahead
            size = step.stop
        self.requests = Requests(steps)
        self.payload = bytearray(max(size, 1))
        self._decoder = Decoder(self.payload, _placed(rows, places), _placed(objects, places))
        self._row_blocks = _blocks(rows, places)
        self._object_blocks = _blocks(objects, places)
        refused = self._row_blocks < 0
        self._quality = np.where(refused, np.uint16(Quality.REFUSED_BY_DEVICE), np.uint16(0))
        self._all_there = not bool(refused.any())

    def columns(self, exceptions: Mapping[int, int]) -> ScanColumns:
        """The columns of the payload as it is now; `exceptions` (step -> code) are the blocks that did not come."""
        values, exact = self._decoder.columns()
        quality: NDArray[np.uint16] | int = 0 if self._all_there else self._quality.copy()
        objects = self._decoder.objects() if self._object_blocks.size else ()
        if not exceptions:
            return ScanColumns(values, quality, True, exact, objects)
        quality = self._quality.copy() if isinstance(quality, int) else quality
        for step, code in exceptions.items():
            missing = self._row_blocks == step
            bad = exception_quality(code)
            values[missing] = np.nan
            quality[missing] = bad
            objects = tuple(
                (i, None, bad) if self._object_blocks[i] == step else (i, value, q) for i, value, q in objects
            )
        return ScanColumns(values, quality, False, exact, objects)


def exception_quality(code: int) -> int:
    """Quality of the tags of a block that was answered with this exception."""
    if code in REFUSED:
        return int(Quality.REFUSED_BY_DEVICE)
    return int(Quality.NOT_CONNECTED if code in GATEWAY else Quality.DEVICE_FAILURE)


def _placed(fields: Sequence[Field], places: Mapping[Area, tuple[int, int]]) -> list[tuple[Field, int | None]]:
    return [(field, places[field.area][1] if field.area in places else None) for field in fields]


def _blocks(fields: Sequence[Field], places: Mapping[Area, tuple[int, int]]) -> NDArray[np.intp]:
    return np.array([places.get(field.area, (-1, 0))[0] for field in fields], np.intp)


class ScanPlan:
    """What one scan group reads: its fields in the order of the columns, and the layout in force."""

    def __init__(self, rows: Sequence[Field], objects: Sequence[Field]) -> None:
        self.rows = tuple(rows)
        self.objects = tuple(objects)
        self.areas = frozenset(f.area for f in (*rows, *objects))
        self.layout: Layout | None = None
        self.generation = -1
