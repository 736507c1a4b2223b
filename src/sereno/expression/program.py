"""A compiled expression: steps on a stack of columns, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .columns import Column, Operation, constant, loaded


@dataclass(frozen=True, slots=True)
class Constant:
    """Push a number."""

    value: float


@dataclass(frozen=True, slots=True)
class Load:
    """Push the value of a tag."""

    slot: int


@dataclass(frozen=True, slots=True)
class IsGood:
    """Push whether a tag is good; itself always good."""

    slot: int


@dataclass(frozen=True, slots=True)
class Age:
    """Push the age of a tag in seconds; itself always good."""

    slot: int


@dataclass(frozen=True, slots=True)
class Apply:
    """Replace the last `count` columns by the result of an operation."""

    operation: Operation
    count: int


Step: TypeAlias = Constant | Load | IsGood | Age | Apply


@dataclass(frozen=True, slots=True)
class Inputs:
    """Columns of the tags by slot; `ages` may be empty where no step asks for them."""

    values: Sequence[Any]
    quality: Sequence[Any]
    ages: Sequence[Any]


def run(steps: Sequence[Step], inputs: Inputs) -> Column:
    """The result of a program; numpy's warnings are silenced, their causes become quality."""
    stack: list[Column] = []
    with np.errstate(all="ignore"):
        for step in steps:
            if isinstance(step, Apply):
                arguments = stack[-step.count :]
                del stack[-step.count :]
                stack.append(step.operation(*arguments))
            else:
                stack.append(_pushed(step, inputs))
    return stack[0]


def _pushed(step: Constant | Load | IsGood | Age, inputs: Inputs) -> Column:
    if isinstance(step, Constant):
        return constant(step.value)
    if isinstance(step, Load):
        return loaded(inputs.values[step.slot], inputs.quality[step.slot])
    if isinstance(step, IsGood):
        usable = loaded(inputs.values[step.slot], inputs.quality[step.slot])
        return Column((usable.quality < 0x4000) * 1.0, np.uint16(0))
    return Column(np.asarray(inputs.ages[step.slot], np.float64), np.uint16(0))
