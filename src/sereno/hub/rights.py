"""What a set of roles may read, as one mask over the handles."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from sereno.access.actor import Actor, Right, Role

from .table import LiveTable

Mask = NDArray[np.bool_]
MAX_ROLE_SETS = 64


class ReadRights:
    """Masks by role set (the actor's roles and what bounds them); the least recently used are forgotten."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._masks: OrderedDict[tuple[tuple[Role, ...], tuple[Role, ...] | None], Mask] = OrderedDict()

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

    def handles(self, globs: list[str], actor: Actor) -> NDArray[np.int32]:
        """Handles of what the globs name and the actor may read, in path order."""
        table = self._table
        named = [table.paths.get(path) for path in table.paths.find_all(globs)]
        handles = np.array(named, np.int32)
        return handles[self.mask(actor)[handles]]
