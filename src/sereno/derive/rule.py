"""DerivedRule: how one tag is computed, and in which order rules are worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sereno.expression.compiler import Expression
from sereno.model import TagSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRule:
    """One derived tag: an expression over numbers, or a function that is called with the inputs in their order.

    The value of a tag that is no number is an input only where the rule is that tag alone, or a function. `forward` is
    the tag that a command to this one goes to, "" = read only.
    """

    spec: TagSpec
    inputs: tuple[str, ...]
    expression: Expression[TagSpec] | None = None
    function: Callable[..., Any] | None = None
    forward: str = ""


class CycleError(ValueError):
    """Tags that are computed from each other; `cycle` is the way round, the first path once more at its end."""

    def __init__(self, cycle: Sequence[str]) -> None:
        super().__init__(f"derived from itself: {' -> '.join(cycle)}")
        self.cycle = tuple(cycle)


def levels(inputs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Derived paths in the order of work: those of a level need only tags of earlier ones, or none that is derived.

    `inputs` are the paths that each derived one needs. Raises CycleError.
    """
    depth: dict[str, int] = {}
    for path in inputs:
        _measure(path, inputs, depth)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for path in inputs:
        found[depth[path]].append(path)
    return found


def _measure(start: str, inputs: Mapping[str, Sequence[str]], depth: dict[str, int]) -> None:
    """Depth first, with a stack of our own: chains may be longer than Python's."""
    trail: dict[str, list[str]] = {}
    stack = [start]
    while stack:
        path = stack[-1]
        if path in depth:
            stack.pop()
            continue
        if path not in trail:
            trail[path] = [one for one in inputs[path] if one in inputs]
        if trail[path]:
            needed = trail[path].pop()
            if needed in trail and needed not in depth:
                way = list(trail)
                raise CycleError([*way[way.index(needed) :], needed])
            stack.append(needed)
            continue
        depth[path] = 1 + max((depth[one] for one in inputs[path] if one in inputs), default=-1)
        del trail[path]
        stack.pop()
