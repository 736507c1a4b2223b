"""What a set of roles may read: one mask over the handles, and the tags that globs name within it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sereno.access.actor import Actor, Right, Role

from .table import LiveTable

Mask = NDArray[np.bool_]
RoleSet: TypeAlias = "tuple[tuple[Role, ...], tuple[Role, ...] | None]"
MAX_ROLE_SETS = 64
MAX_QUESTIONS = 64


class _Answer(NamedTuple):
    """What was found in this edition of the table; `empty` is the first glob that names nothing."""

    edition: int
    handles: NDArray[np.int32]
    empty: str | None


_NONE = _Answer(-1, np.empty(0, np.int32), None)


class ReadRights:
    """Masks by role set (the actor's roles and what bounds them); the least recently used are forgotten."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._masks: OrderedDict[RoleSet, Mask] = OrderedDict()
        self._answers: OrderedDict[tuple[RoleSet, tuple[str, ...]], _Answer] = OrderedDict()

    def mask(self, actor: Actor) -> Mask:
        """True where the actor may read the tag of this handle."""
        key = actor.roles, actor.bound
        known = self._masks.get(key, np.zeros(0, np.bool_))
        specs = self._table.specs
        if len(known) < len(specs):
            fresh = [actor.may(Right.READ, spec.path) for spec in specs[len(known) :]]
            known = np.concatenate((known, np.array(fresh, np.bool_)))
        self._masks[key] = known
        self._masks.move_to_end(key)
        if len(self._masks) > MAX_ROLE_SETS:
            self._masks.popitem(last=False)
        return known

    def handles(self, globs: Sequence[str], actor: Actor) -> NDArray[np.int32]:
        """Handles of what the globs name and the actor may read, in path order. Asked again, the answer is known."""
        return self._answer(globs, actor).handles

    def empty(self, globs: Sequence[str], actor: Actor) -> str | None:
        """The first glob that names nothing readable; None if each names something."""
        return self._answer(globs, actor).empty

    def _answer(self, globs: Sequence[str], actor: Actor) -> _Answer:
        question = ((actor.roles, actor.bound), tuple(globs))
        answer = self._answers.get(question, _NONE)
        if answer.edition != self._table.edition:
            parts = [self._found([glob], actor) for glob in globs]
            empty = next((glob for glob, part in zip(globs, parts, strict=True) if not part.size), None)
            answer = _Answer(self._table.edition, parts[0] if len(parts) == 1 else self._found(globs, actor), empty)
        self._answers[question] = answer
        self._answers.move_to_end(question)
        if len(self._answers) > MAX_QUESTIONS:
            self._answers.popitem(last=False)
        return answer

    def _found(self, globs: Sequence[str], actor: Actor) -> NDArray[np.int32]:
        table = self._table
        handles = np.array([table.paths.get(path) for path in table.paths.find_all(globs)], np.int32)
        return handles[self.mask(actor)[handles]]
