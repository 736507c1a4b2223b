"""The tags of one scan group as columns, kept up by what is read and by what is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sereno.device import DriverTag, ScanColumns, in_words
from sereno.model import DeliveryError, ExactBlock, Quality, TagSpec

from .peer import Answer
from .protocol import INVALID, quality_of
from .tags import TangoTagConfig
from .values import coded_value


def attribute_of(tag: DriverTag) -> str:
    """The attribute of a tag in lower case, as Tango compares names."""
    config: TangoTagConfig = tag.config
    return (config.attribute or tag.spec.name).lower()


class Plan:
    """One scan group. `pushed`: events came since it was published; `full`: all of it is to be read."""

    def __init__(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> None:
        self.pushed = False
        self.full = True
        self.read_at = self.asked_at = 0.0
        self.busy = False
        self.newer: set[str] = set()
        self.attributes = tuple(dict.fromkeys(attribute_of(tag) for tag in (*rows, *objects)))
        self.example = (*rows, *objects)[0].spec.path
        self._objects: list[tuple[int, Any, int]] = [(i, None, int(Quality.WAITING)) for i in range(len(objects))]
        self._places: dict[str, list[tuple[DriverTag, int]]] = {name: [] for name in self.attributes}
        for part in (rows, objects):
            for i, tag in enumerate(part):
                self._places[attribute_of(tag)].append((tag, i))
        self._values = np.full(len(rows), np.nan)
        self._quality = np.full(len(rows), int(Quality.WAITING), np.uint16)
        self._t = np.zeros(len(rows), np.int64)
        self._exact = np.zeros(len(rows), np.int64)
        self._exact_rows = np.array([i for i, tag in enumerate(rows) if tag.spec.type.is_exact], np.int32)
        self._reasons: dict[str, str] = {}

    def take(self, attribute: str, answer: Answer) -> None:
        """Every tag of an attribute gets what its part of the answer is."""
        for tag, place in self._places[attribute]:
            value, quality, reason = _part(tag, answer)
            if reason:
                self._reasons[tag.spec.name] = reason
            else:
                self._reasons.pop(tag.spec.name, None)
            if tag.spec.is_row:
                self._put(tag.spec, place, value, quality, answer.t)
            else:
                kept = self._objects[place][1] if value is None else value
                self._objects[place] = place, kept, quality

    def sealed(self, now: int, *, complete: bool = True) -> ScanColumns:
        """A copy of everything, as of `now` where Tango gave no time."""
        known = self._exact_rows[~np.isnan(self._values[self._exact_rows])]
        return ScanColumns(
            values=self._values.copy(),
            quality=self._quality.copy(),
            complete=complete,
            exact=ExactBlock(known, self._exact[known]) if len(known) else None,
            objects=tuple(one for one in self._objects if one[1] is not None),
            t_source=np.where(self._t == 0, now, self._t),
            reasons=dict(self._reasons),
            fresh=False,  # an event may be long ago, and what a server polls as well
        )

    def _put(self, spec: TagSpec, place: int, value: Any, quality: int, t: int) -> None:
        self._values[place] = np.nan if value is None else value
        if spec.type.is_exact:
            self._exact[place] = 0 if value is None else np.uint64(value & (2**64 - 1)).view(np.int64)
        self._quality[place] = quality
        self._t[place] = t


def _part(tag: DriverTag, answer: Answer) -> tuple[Any, int, str]:
    """Value (None = none), quality and reason of one tag."""
    if answer.error is not None:
        lost = isinstance(answer.error, DeliveryError)
        return None, int(Quality.NOT_CONNECTED if lost else Quality.DEVICE_FAILURE), in_words(answer.error)
    config: TangoTagConfig = tag.config
    if config.part == "quality":
        return answer.quality, int(Quality.GOOD), ""
    quality = quality_of(answer.quality)
    given = answer.set_value if config.part == "set" else answer.value
    if given is None:
        words = "invalid, says the device" if answer.quality == INVALID else "the device gives no value"
        return None, int(Quality.BAD), words
    try:
        return coded_value(tag.spec, given), quality, ""
    except (TypeError, ValueError) as error:
        return None, int(Quality.CONFIGURATION_ERROR), str(error)
