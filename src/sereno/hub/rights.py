"""What a set of roles may read: one mask over the handles, and the tags that globs name within it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sereno.access.actor import Actor, Right, Role

from .table import LiveTable

Mask = NDArray[np.bool_]
RoleSet: TypeAlias = "tuple[tuple[Role, ...], tuple[Role, ...] | None]"
MAX_ROLE_SETS = 64
MAX_QUESTIONS = 64


_NONE: NDArray[np.int32] = np.empty(0, np.int32)


class ReadRights:
    """Masks by role set (the actor's roles and what bounds them); the least recently used are forgotten."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._masks: OrderedDict[RoleSet, Mask] = OrderedDict()
        self._answers: OrderedDict[tuple[RoleSet, tuple[str, ...]], tuple[int, NDArray[np.int32]]] = OrderedDict()

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
        table, question = self._table, ((actor.roles, actor.bound), tuple(globs))
        size, found = self._answers.get(question, (-1, _NONE))
        if size != table.edition:
            named = [table.paths.get(path) for path in table.paths.find_all(globs)]
            handles = np.array(named, np.int32)
            found = handles[self.mask(actor)[handles]]
        self._answers[question] = table.edition, found
        self._answers.move_to_end(question)
        if len(self._answers) > MAX_QUESTIONS:
            self._answers.popitem(last=False)
        return found
