"""How long a tag was in each of its states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.samples import F64, I64
from sereno.historian.tags import Definition
from sereno.model import ValueType

from .held import held
from .stretch import Stretch

MAX_STATES = 200
_BAD = 0x8000
_UNKNOWN = -1


def has_states(definition: Definition) -> bool:
    """True if the values of a tag can be told apart as states."""
    return not definition.shape and not definition.type.is_float


class StateTimes:
    """Of the buckets between `edges`. Feed the stretches in order of time, then `finish`."""

    def __init__(self, definition: Definition, edges: I64) -> None:
        self.edges = edges
        self.changes: I64 = np.zeros(len(edges) - 1, np.int64)
        self.count: I64 = np.zeros(len(edges) - 1, np.int64)
        self._definition = definition
        self._names: dict[str, int] = {}
        self._seconds: list[F64] = []
        self._held_t: I64 = np.empty(0, np.int64)
        self._held: I64 = np.empty(0, np.int64)
        self._before = _UNKNOWN

    def feed(self, stretch: Stretch) -> None:
        """Take the next stretch, which is of samples. Raises ValueError beyond MAX_STATES."""
        assert stretch.samples is not None
        new = slice(int(np.searchsorted(stretch.t, stretch.start)) if len(self._held_t) else 0, None)
        t = stretch.t[new]
        if not len(t):
            return
        if self._definition.is_row:
            codes = self._of_numbers(stretch.value[new])
        else:
            codes = self._of_objects(stretch.samples.objects[new], stretch.samples.quality[new])
        self._follow(t, codes)
        steps, states = np.concatenate((self._held_t, t)), np.concatenate((self._held, codes))
        self._hold(steps[:-1], states[:-1], int(steps[-1]))
        self._held_t, self._held = steps[-1:], states[-1:]

    def finish(self, until: int) -> None:
        """The last state is known to hold `until`."""
        self._hold(self._held_t, self._held, until)

    def seconds(self) -> dict[str, F64]:
        """Seconds in each state by its name."""
        return {name: self._seconds[code] for name, code in self._names.items()}

    def _hold(self, t: I64, states: I64, until: int) -> None:
        holds = held(t, self.edges, until)
        codes = states[holds.which]
        for code in np.unique(codes[codes != _UNKNOWN]).tolist():
            mine = codes == code
            np.add.at(self._seconds[code], holds.bucket[mine], holds.seconds[mine])

    def _follow(self, t: I64, codes: I64) -> None:
        known = codes != _UNKNOWN
        inside = (t >= self.edges[0]) & (t < self.edges[-1])
        np.add.at(self.count, np.searchsorted(self.edges, t[known & inside], "right") - 1, 1)
        t, codes = t[known], codes[known]
        if len(t):
            before = np.concatenate(([self._before], codes[:-1]))
            self._before = int(codes[-1])
            turned = (codes != before) & (before != _UNKNOWN) & (t >= self.edges[0]) & (t < self.edges[-1])
            np.add.at(self.changes, np.searchsorted(self.edges, t[turned], "right") - 1, 1)

    def _of_numbers(self, values: F64) -> I64:
        known = np.isfinite(values)
        found, inverse = np.unique(np.where(known, values, 0.0), return_inverse=True)
        used = np.unique(inverse[known]).tolist()
        table: I64 = np.full(len(found), _UNKNOWN, np.int64)
        for at in used:
            table[at] = self._code(_label(self._definition, int(found[at])))
        return np.where(known, table[inverse], _UNKNOWN)

    def _of_objects(self, objects: NDArray[Any], quality: NDArray[np.uint16]) -> I64:
        bad = (quality >= _BAD).tolist()
        names = ["" if self._definition.shape else str(one) for one in objects]
        codes = [_UNKNOWN if b or o is None else self._code(n) for b, o, n in zip(bad, objects, names, strict=True)]
        return np.array(codes, np.int64)

    def _code(self, name: str) -> int:
        code = self._names.get(name)
        if code is None:
            if len(self._names) == MAX_STATES:
                raise ValueError(f"{self._definition.path!r} had more than {MAX_STATES} states there")
            code = self._names[name] = len(self._names)
            self._seconds.append(np.zeros(len(self.edges) - 1))
        return code


def _label(definition: Definition, code: int) -> str:
    if definition.type is ValueType.BOOL:
        return "true" if code else "false"
    return definition.labels[code] if 0 <= code < len(definition.labels) else str(code)
