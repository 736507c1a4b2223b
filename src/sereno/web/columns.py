"""Updates as JSON columns for SSE, and the picture that they add up to."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from sereno.client import Update, iso_time
from sereno.model import TagSpec, ValueType, severity
from sereno.wire.jsonvalue import json_value

_FLOAT = (ValueType.FLOAT32, ValueType.FLOAT64)


class EventColumns:
    """Writes updates of one list of tags as JSON: bools, exact integers, enum labels, null for no value."""

    def __init__(self, tags: tuple[TagSpec, ...]) -> None:
        self._tags = tags
        self._paths = [tag.path for tag in tags]
        self._special = np.array([tag.type not in _FLOAT for tag in tags], np.bool_)

    def encode(self, update: Update) -> bytes:
        """The JSON object of an update; `tags` only in a snapshot, `reasons` only where there are some."""
        body: dict[str, Any] = {"seq": update.seq, "t_hub": iso_time(update.t_hub), "snapshot": update.snapshot}
        if update.snapshot:
            body["tags"] = self._paths
        times: dict[int, str | None] = {t: iso_time(t) for t in set(update.t_source.tolist())}
        body["index"] = update.index.tolist()
        body["value"] = self._values(update)
        body["quality"] = [severity(code) for code in update.quality.tolist()]
        body["t_source"] = [times[t] for t in update.t_source.tolist()]
        for position, value, t_source, quality in update.objects:
            body["index"].append(position)
            body["value"].append(json_value(value))
            body["quality"].append(severity(quality))
            body["t_source"].append(iso_time(t_source))
        if update.reasons:
            body["reasons"] = {str(position): text for position, text in update.reasons.items()}
        return orjson.dumps(body)

    def _values(self, update: Update) -> list[Any]:
        values: list[Any] = update.values.tolist()
        for row in np.flatnonzero(self._special[update.index]).tolist():
            values[row] = _plain(self._tags[int(update.index[row])], values[row])
        exact = zip(update.exact_rows.tolist(), update.exact_values.tolist(), strict=True)
        for row, value in exact:
            unsigned = self._tags[int(update.index[row])].type is ValueType.UINT64
            values[row] = value % (1 << 64) if unsigned else value
        return values


def _plain(tag: TagSpec, number: float) -> Any:
    if number != number:  # noqa: PLR0124 - NaN: there never was a value
        return None
    if tag.type is ValueType.BOOL:
        return number != 0
    code = int(number)
    if tag.type is ValueType.ENUM and 0 <= code < len(tag.labels):
        return tag.labels[code]
    return code


class Picture:
    """The last value of everything, kept from updates; gives a full snapshot at any time."""

    def __init__(self, size: int) -> None:
        self.seq = -1
        self._t_hub = 0
        self._known = np.zeros(size, np.bool_)
        self._values = np.full(size, np.nan)
        self._t_source = np.zeros(size, np.int64)
        self._quality = np.zeros(size, np.uint16)
        self._is_exact = np.zeros(size, np.bool_)
        self._exact = np.zeros(size, np.int64)
        self._objects: dict[int, tuple[int, Any, int, int]] = {}
        self._reasons: dict[int, str] = {}

    def apply(self, update: Update) -> None:
        """Take an update in."""
        self.seq, self._t_hub = update.seq, update.t_hub
        if update.snapshot:
            self._known[:] = False
            self._is_exact[:] = False
            self._objects.clear()
            self._reasons.clear()
        index = update.index
        self._known[index] = True
        self._values[index] = update.values
        self._t_source[index] = update.t_source
        self._quality[index] = update.quality
        self._is_exact[index] = False
        positions = index[update.exact_rows]
        self._is_exact[positions] = True
        self._exact[positions] = update.exact_values
        touched = set(index.tolist()) if self._reasons else set[int]()
        for sample in update.objects:
            self._objects[sample[0]] = sample
            touched.add(sample[0])
        for position in touched & self._reasons.keys():
            del self._reasons[position]
        self._reasons.update(update.reasons)

    def snapshot(self) -> Update:
        """Everything, under the sequence number of the last update."""
        index = np.flatnonzero(self._known).astype(np.int32)
        rows = np.flatnonzero(self._is_exact[index]).astype(np.int32)
        return Update(
            seq=self.seq,
            t_hub=self._t_hub,
            snapshot=True,
            index=index,
            values=self._values[index],
            t_source=self._t_source[index],
            quality=self._quality[index],
            exact_rows=rows,
            exact_values=self._exact[index[rows]],
            objects=tuple(self._objects.values()),
            reasons=dict(self._reasons),
        )
