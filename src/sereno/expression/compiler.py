"""compile_expression: text -> Expression, evaluated over columns or single values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

import numpy as np

from sereno.model import NotFoundError, TagSpec

from .errors import ExpressionError
from .parser import Parser
from .program import Inputs, Step, run

T = TypeVar("T")
MAX_TAGS = 256


class Expression(Generic[T]):
    """A compiled expression. `tags` are what `resolve` gave for `paths`, in the order of first mention."""

    def __init__(self, text: str, paths: Sequence[str], tags: Sequence[T], steps: Sequence[Step], needs_age: bool):
        self.text = text
        self.paths = tuple(paths)
        self.tags = tuple(tags)
        self.needs_age = needs_age
        self._steps = tuple(steps)

    def __str__(self) -> str:
        return self.text

    @property
    def program(self) -> tuple[Step, ...]:
        """What is done, with tags by their number: equal for expressions that differ in their tags only."""
        return self._steps

    def evaluate(self, values: Sequence[Any], quality: Sequence[Any], ages: Sequence[Any] = ()) -> tuple[Any, Any]:
        """(value, quality) from one value, quality code and age (s, only if `needs_age`) for each of `tags`.

        Each may be a number or an array; arrays have one shape, and so has the result (float64, uint16).
        Conditions give 1.0 and 0.0. Raises ValueError if a column is missing.
        """
        needed = len(self.tags)
        if len(values) != needed or len(quality) != needed or (self.needs_age and len(ages) != needed):
            raise ValueError(
                f"the expression has {needed} tags and got {len(values)} values, {len(quality)} qualities"
                + (f", {len(ages)} ages" if self.needs_age else "")
            )
        result = run(self._steps, Inputs(values, quality, ages))
        value, code = np.broadcast_arrays(result.value, result.quality)
        return (float(value), int(code)) if value.ndim == 0 else (value, code)


def labels_of(tag: object) -> Sequence[str]:
    """Labels of a TagSpec; nothing else has any."""
    return tag.labels if isinstance(tag, TagSpec) else ()


def compile_expression(
    text: str,
    resolve: Callable[[str], T],
    *,
    labels: Callable[[T], Sequence[str]] = labels_of,
    known: Collection[str] = (),
) -> Expression[T]:
    """Compile `text` for tags that `resolve` finds by their path.

    `resolve` raises NotFoundError (its message is shown) or LookupError for an unknown path; `known` paths serve as
    near spellings then. `labels` gives the labels of an enum tag in the order of their codes.
    Raises ExpressionError with the place of the fault.
    """
    slots: dict[str, int] = {}
    tags: list[T] = []

    def slot(path: str, offset: int) -> int:
        if path not in slots:
            if len(tags) == MAX_TAGS:
                raise ExpressionError(text, offset, f"more than {MAX_TAGS} tags", "split it into derived tags")
            tags.append(_resolved(text, offset, path, resolve, known))
            slots[path] = len(slots)
        return slots[path]

    parser = Parser(text, slot, lambda number: labels(tags[number]))
    steps = parser.parse()
    return Expression(text, tuple(slots), tags, steps, parser.needs_age)


def _resolved(text: str, offset: int, path: str, resolve: Callable[[str], T], known: Collection[str]) -> T:
    try:
        return resolve(path)
    except NotFoundError as error:
        raise ExpressionError(text, offset, str(error), _division(path), path) from None
    except LookupError:
        near = get_close_matches(path, known, 1)
        fix = f"did you mean {near[0]!r}?" if near else _division(path)
        raise ExpressionError(text, offset, f"unknown tag {path!r}", fix, path) from None


def _division(path: str) -> str:
    """A tag nobody knows may have been meant as a division."""
    return "to divide, write spaces around '/'" if "/" in path else ""
