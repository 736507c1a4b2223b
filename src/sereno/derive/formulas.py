"""Rules as columns: those of one level and one form are worked out together, only where an input moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from sereno.model import Quality, severity

from .rule import DerivedRule, levels

Slots = NDArray[np.intp]
Mask = NDArray[np.bool_]
log = structlog.get_logger(__name__)
_BAD = 0x8000


class Cells:
    """The values that rules work on, by slot: inputs and derived tags alike. `objects` holds what is no number."""

    def __init__(self, size: int) -> None:
        self.value = np.full(size, np.nan)
        self.quality = np.full(size, Quality.WAITING, np.uint16)
        self.t_source = np.zeros(size, np.int64)
        self.objects: dict[int, Any] = {}
        self.moved: Mask = np.zeros(size, np.bool_)


class Formula(Protocol):
    """Some rules that are worked out together."""

    slots: Slots
    """What they give."""
    inputs: Slots
    """What they need: one row per input, one column per rule."""

    def work(self, cells: Cells, at: Slots) -> None:
        """Compute the rules at these columns from the cells and put them there."""


class Arithmetic:
    """Expressions that differ in their tags only."""

    def __init__(self, rules: Sequence[DerivedRule], slot: Callable[[str], int]) -> None:
        self.slots = np.array([slot(rule.spec.path) for rule in rules], np.intp)
        self.inputs = np.array([[slot(path) for path in rule.inputs] for rule in rules], np.intp).T
        self._expression = rules[0].expression

    def work(self, cells: Cells, at: Slots) -> None:
        """See Formula."""
        assert self._expression is not None
        needed = self.inputs[:, at]
        value, quality = self._expression.evaluate(list(cells.value[needed]), list(cells.quality[needed]))
        slots = self.slots[at]
        cells.value[slots] = value
        cells.quality[slots] = quality
        cells.t_source[slots] = cells.t_source[needed].max(axis=0)


class Same:
    """A tag as it is, number or not."""

    def __init__(self, rule: DerivedRule, slot: Callable[[str], int]) -> None:
        self.slots = np.array([slot(rule.spec.path)], np.intp)
        self.inputs = np.array([[slot(rule.inputs[0])]], np.intp)

    def work(self, cells: Cells, at: Slots) -> None:
        """See Formula."""
        if at.size:
            to, source = int(self.slots[0]), int(self.inputs[0, 0])
            cells.value[to] = cells.value[source]
            cells.quality[to] = cells.quality[source]
            cells.t_source[to] = cells.t_source[source]
            cells.objects[to] = cells.objects.get(source)


class Called:
    """A function in Python; not called while an input is bad. What it raises makes its tag bad, and is logged once."""

    def __init__(self, rule: DerivedRule, slot: Callable[[str], int], is_row: Callable[[str], bool]) -> None:
        self.slots = np.array([slot(rule.spec.path)], np.intp)
        self.inputs = np.array([[slot(path)] for path in rule.inputs], np.intp)
        self._rule = rule
        self._rows = [is_row(path) for path in rule.inputs]
        self._logged = ""

    def work(self, cells: Cells, at: Slots) -> None:
        """See Formula."""
        if not at.size:
            return
        needed, to = self.inputs[:, 0], int(self.slots[0])
        quality = int(cells.quality[needed].max())
        value = None if severity(quality) == "bad" else self._call(cells, needed)
        if value is None and severity(quality) != "bad":
            quality = int(Quality.CONFIGURATION_ERROR if self._logged else Quality.BAD)
        cells.quality[to] = quality
        cells.t_source[to] = cells.t_source[needed].max()
        if self._rule.spec.is_row:
            cells.value[to] = np.nan if value is None else float(value)
        else:
            cells.objects[to] = value

    def _call(self, cells: Cells, needed: Slots) -> Any:
        given = [
            float(cells.value[slot]) if row else cells.objects.get(slot)
            for slot, row in zip(needed.tolist(), self._rows, strict=True)
        ]
        assert self._rule.function is not None
        try:
            value = self._rule.function(*given)
            if value is not None and self._rule.spec.is_row:
                value = float(value)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            if fault != self._logged:
                log.exception("a function failed", task=f"derive {self._rule.spec.path}")
            self._logged = fault
            return None
        self._logged = ""
        return value


def formulas(
    rules: Sequence[DerivedRule], slot: Callable[[str], int], is_row: Callable[[str], bool]
) -> list[list[Formula]]:
    """The rules by level of work. Raises CycleError."""
    by_path = {rule.spec.path: rule for rule in rules}
    order = levels({rule.spec.path: rule.inputs for rule in rules})
    return [list(_level([by_path[path] for path in paths], slot, is_row)) for paths in order]


def _level(
    rules: Sequence[DerivedRule], slot: Callable[[str], int], is_row: Callable[[str], bool]
) -> Iterator[Formula]:
    alike: dict[Any, list[DerivedRule]] = {}
    for rule in rules:
        if rule.function is not None:
            yield Called(rule, slot, is_row)
        elif not rule.spec.is_row:
            yield Same(rule, slot)
        else:
            assert rule.expression is not None
            alike.setdefault(rule.expression.program, []).append(rule)
    yield from (Arithmetic(same, slot) for same in alike.values())


def downstream(order: Sequence[Sequence[Formula]], slots: Slots, size: int) -> list[Formula]:
    """The formulas that these slots may move, in the order of work."""
    reached = np.zeros(size, np.bool_)
    reached[slots] = True
    found = []
    for level in order:
        for formula in level:
            hit = reached[formula.inputs].any(axis=0)
            if hit.any():
                reached[formula.slots[hit]] = True
                found.append(formula)
    return found


def by_device(rules: Sequence[DerivedRule]) -> Mapping[str, list[DerivedRule]]:
    """The rules of each derived device, numbers first, in the order of their declaration."""
    ordered = sorted(rules, key=lambda rule: (rule.spec.device, not rule.spec.is_row))
    return {device: list(group) for device, group in groupby(ordered, key=lambda rule: rule.spec.device)}
