"""Conditions that are expressions, evaluated by columns: those that differ in their tags only are one family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmKind, AlarmSpec
from sereno.expression.compiler import Expression, compile_expression
from sereno.expression.program import Step
from sereno.model import TagSpec

F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
_BAD = 0x8000


class Condition(NamedTuple):
    """An expression that belongs to an alarm: true beyond `limit` of its size, false again below by `deadband`."""

    row: int
    expression: Expression[TagSpec]
    limit: float = 0.0
    deadband: float = 0.0


class Found(NamedTuple):
    """Alarms whose condition turned, what it is now, with the value and quality that say so."""

    rows: Rows
    there: Mask
    values: F64
    quality: U16


class Family:
    """Conditions of one program. `slots` (tags, conditions) says where their inputs lie in the columns of the watch."""

    def __init__(self, evaluate: Callable[..., tuple[F64, U16]], slots: NDArray[np.intp], members: Sequence[Condition]):
        self._evaluate = evaluate
        self.slots = slots
        self.rows = np.array([member.row for member in members], np.intp)
        self._limit = np.array([member.limit for member in members])
        self._back = self._limit - np.array([member.deadband for member in members])
        self.there = np.zeros(len(members), np.bool_)

    def look(self, values: F64, quality: U16, ready: Mask) -> Found:
        """Those that turned, given the columns of the watch; what is bad or not `ready` leaves a condition as it is."""
        size, codes = self._evaluate(list(values[self.slots]), list(quality[self.slots]))
        size = np.broadcast_to(np.abs(size), self.there.shape)
        codes = np.broadcast_to(codes, self.there.shape)
        there = (size > self._limit) | (self.there & (size > self._back))
        turned = np.flatnonzero((there != self.there) & (codes < _BAD) & ready[self.slots].all(axis=0))
        self.there[turned] = there[turned]
        return Found(self.rows[turned], there[turned], size[turned], codes[turned])


def families(conditions: Sequence[Condition], slot: Mapping[str, int]) -> list[Family]:
    """Conditions by program; `slot` is the place of each tag in the columns."""
    grouped: dict[tuple[Step, ...], list[tuple[Condition, list[int]]]] = {}
    evaluators: dict[tuple[Step, ...], Callable[..., tuple[F64, U16]]] = {}
    for condition in conditions:
        expression = condition.expression
        evaluators.setdefault(expression.program, expression.evaluate)
        inputs = [slot[path] for path in expression.paths]
        grouped.setdefault(expression.program, []).append((condition, inputs))
    made = []
    for program, members in grouped.items():
        slots = np.array([inputs for _, inputs in members], np.intp).T
        made.append(Family(evaluators[program], slots, [condition for condition, _ in members]))
    return made


def condition_of(spec: AlarmSpec, row: int, tags: Mapping[str, TagSpec]) -> Condition | None:
    """The expression of an alarm; None for limits, rate, bad and stale, which have their own columns.

    Raises ExpressionError: what comes from a plant file is checked before.
    """
    if spec.kind is AlarmKind.DEVIATION:
        one, other = (f"tag('{path}')" for path in spec.inputs)
        return Condition(row, compiled(f"{one} - {other}", tags), spec.limit or 0.0, spec.deadband)
    if spec.kind in (AlarmKind.STATE, AlarmKind.EXPRESSION):
        return Condition(row, compiled(spec.condition, tags))
    return None


def hiding_of(spec: AlarmSpec, row: int, tags: Mapping[str, TagSpec]) -> Condition | None:
    """What suppresses an alarm by design. Raises ExpressionError."""
    return Condition(row, compiled(spec.suppress_when, tags)) if spec.suppress_when else None


def compiled(text: str, tags: Mapping[str, TagSpec]) -> Expression[TagSpec]:
    """An expression over declared tags. Raises ExpressionError."""
    return compile_expression(text, lambda path: tags[path], known=tags)
