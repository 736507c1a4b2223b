"""The mask of substituted values: one step on the way into the live table, skipped while there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sereno.model import Quality, RefusedError, SampleBatch, Setpoint, TagSpec

from .checks import writable_value
from .held import Held, held, overwritten, position
from .table import NO_GROUP, LiveTable


class Substitutes:
    """Puts substitutes in the place of what devices deliver, and keeps what these say meanwhile."""

    def __init__(self, table: LiveTable) -> None:
        self.active = False
        self._table = table
        self._substitutes: dict[int, dict[int, Held]] = {}
        self._own: dict[int, Held] = {}

    def __contains__(self, handle: int) -> bool:
        return handle in self._own

    def put(self, handle: int, substitute: Held) -> None:
        """From now on this value stands for the tag's own; a second one replaces the first."""
        if handle not in self._own:
            self._own[handle] = held(self._table, handle)
        self._substitutes.setdefault(int(self._table.group[handle]), {})[handle] = substitute
        self.active = True

    def lift(self, handle: int) -> Held:
        """End it; the tag's own value. Raises KeyError if there is none."""
        own = self._own.pop(handle)
        group = int(self._table.group[handle])
        del self._substitutes[group][handle]
        if not self._substitutes[group]:
            del self._substitutes[group]
        self.active = bool(self._substitutes)
        return own

    def regroup(self) -> None:
        """The groups of tags have changed."""
        if self.active:
            found = {handle: one for group in self._substitutes.values() for handle, one in group.items()}
            self._substitutes = {}
            for handle, one in found.items():
                self._substitutes.setdefault(int(self._table.group[handle]), {})[handle] = one

    def drop_gone(self) -> None:
        """Forget those of tags that are in no group any more."""
        self.regroup()
        for handle in self._substitutes.pop(NO_GROUP, {}):
            del self._own[handle]
        self.active = bool(self._substitutes)

    def own(self, handle: int) -> Held:
        """What the device says of a substituted tag. Raises KeyError."""
        return self._own[handle]

    def apply(self, batch: SampleBatch, *, fresh: bool) -> SampleBatch:
        """The batch with substitutes. `fresh`: it holds what the device said; else only its quality may be news."""
        substitutes = self._substitutes.get(batch.group)
        if not substitutes:
            return batch
        self._remember(batch, substitutes, fresh)
        return overwritten(batch, substitutes)

    def _remember(self, batch: SampleBatch, substitutes: Mapping[int, Held], fresh: bool) -> None:
        for handle in substitutes:
            at = position(batch, handle)
            if at is not None:
                self._keep(handle, _row(batch, at), fresh)
        for sample in batch.objects:
            if sample.handle in substitutes:
                beside = Held(np.nan, sample.t_source, sample.quality, beside=sample.value)
                self._keep(sample.handle, beside, fresh)

    def _keep(self, handle: int, said: Held, fresh: bool) -> None:
        if fresh:
            self._own[handle] = said
        elif said.quality != Quality.SUBSTITUTED:
            self._own[handle] = replace(self._own[handle], quality=said.quality)


def _row(batch: SampleBatch, at: int) -> Held:
    exact = None
    if batch.exact is not None:
        found = int(np.searchsorted(batch.exact.rows, at))
        if found < len(batch.exact.rows) and batch.exact.rows[found] == at:
            exact = int(batch.exact.values[found])
    return Held(float(batch.values[at]), int(batch.t_source[at]), int(batch.quality[at]), exact)


def substitute_of(spec: TagSpec, value: Any, t: int) -> Held:
    """A value as people write it, as a substitute since `t` ns UTC. Raises RefusedError with what was expected."""
    if spec.shape:
        raise RefusedError(f"{spec.path} is an array; only single values can be substituted")
    checked = writable_value(replace(spec, setpoint=Setpoint()), value)
    code = int(Quality.SUBSTITUTED)
    if not spec.is_row:
        return Held(np.nan, t, code, beside=checked)
    whole = spec.type.is_exact and isinstance(checked, int)
    exact = checked - (1 << 64) if whole and checked >= 1 << 63 else checked
    return Held(float(checked), t, code, exact if whole else None)
