"""The functions and signs of the language, with how many arguments each takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .columns import Operation, both, chosen, compared, computed, either, inverted, largest, rounded, smallest

MANY = 64


class Function(NamedTuple):
    """A function by name: an operation on `low` to `high` columns, and what its arguments are called."""

    operation: Operation
    low: int
    high: int
    arguments: str


FUNCTIONS: dict[str, Function] = {
    "abs": Function(computed(np.abs), 1, 1, "x"),
    "min": Function(smallest, 2, MANY, "x, y, ..."),
    "max": Function(largest, 2, MANY, "x, y, ..."),
    "sqrt": Function(computed(np.sqrt), 1, 1, "x"),
    "floor": Function(computed(np.floor), 1, 1, "x"),
    "ceil": Function(computed(np.ceil), 1, 1, "x"),
    "round": Function(computed(rounded), 1, 1, "x"),
    "if": Function(chosen, 3, 3, "condition, then, otherwise"),
    "clamp": Function(computed(lambda x, low, high: np.minimum(np.maximum(x, low), high)), 3, 3, "x, low, high"),
    "between": Function(compared(lambda x, low, high: (low <= x) & (x <= high)), 3, 3, "x, low, high"),
}
"""Functions of columns. `good(tag)`, `age(tag)` and `tag('path')` take a tag, not a value; see OF_TAGS."""

OF_TAGS = ("good", "age", "tag")

PREFIX: dict[str, tuple[int, Operation]] = {
    "not": (30, inverted),
    "-": (70, computed(np.negative)),
    "+": (70, computed(np.positive)),
}
"""Sign -> how strongly it binds, what it does."""

INFIX: dict[str, tuple[int, int, Operation]] = {
    "or": (10, 11, either),
    "and": (20, 21, both),
    "==": (40, 41, compared(np.equal)),
    "!=": (40, 41, compared(np.not_equal)),
    "<": (40, 41, compared(np.less)),
    "<=": (40, 41, compared(np.less_equal)),
    ">": (40, 41, compared(np.greater)),
    ">=": (40, 41, compared(np.greater_equal)),
    "+": (50, 51, computed(np.add)),
    "-": (50, 51, computed(np.subtract)),
    "*": (60, 61, computed(np.multiply)),
    "/": (60, 61, computed(np.divide)),
    "%": (60, 61, computed(np.mod)),
    "**": (80, 70, computed(np.power)),
}
"""Sign -> how strongly it binds to its left, the least that may stand on its right, what it does."""

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
