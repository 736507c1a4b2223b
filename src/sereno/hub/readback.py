"""Did the plant follow? Waits for the readback of a command by the data path."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np

from sereno.model import Quality, SampleBatch, TagSpec, severity

from .agreement import reached
from .hub import Hub
from .present import show
from .table import NO_GROUP

PERIODS = 1.5
"""A readback is waited for at least this many periods of its group, however short its time-out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reached` True or False, None when no conclusive sample came; the value last seen, and all that in words."""

    reached: bool | None
    value: Any
    words: str


class ReadbackWatch:
    """A sink of the hub that sees one readback: made before the write, told when it is `written`, closed in the end.

    A sample counts if it can only have been read after the write: its scan began after it (the second batch of the
    group since then, as scans of a group do not overlap), or it shows the wanted value and the one before did not.
    """

    def __init__(self, hub: Hub, spec: TagSpec, handle: int, wanted: Any) -> None:
        self._hub = hub
        self._spec = spec
        self._handle = handle
        self._readback = hub.spec(handle)
        self._wanted = wanted
        self._group = int(hub.table.group[handle])
        before = hub.readings.one(handle)
        self._only_moves = _usable(before.quality) and not self._agrees(before.value)
        self._written_after: int | None = None
        self._seen: Any = None
        self._began_after = False
        self._done = False
        self._overtaken = ""
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leave = hub.add_sink(self)

    @property
    def handle(self) -> int:
        """Of the tag that is watched."""
        return self._handle

    @property
    def path(self) -> str:
        """The tag that is watched."""
        return self._readback.path

    def written(self) -> None:
        """The device has just confirmed the write."""
        self._written_after = self._hub.groups.last_seq[self._group] if self._group != NO_GROUP else -1

    def overtaken(self, words: str) -> None:
        """Another command has told the plant otherwise since this one was written, which will not be reached."""
        if self._written_after is not None and not self._outcome.done():
            self._overtaken = words
            self._settle()

    def close(self) -> None:
        """Stop listening."""
        self._leave()

    async def wait(self) -> Outcome:
        """Until a sample that counts shows the wanted value, at most the set-point's time-out."""
        patience = self._patience()
        timer = self._hub.clock.call_later(patience, self._settle)
        try:
            await self._outcome
        finally:
            timer.cancel()
        shown = show(self._seen, self._readback)
        if self._done:
            return Outcome(True, self._seen, "")
        if self._overtaken:
            return Outcome(False, self._seen, f"readback is {shown}, {self._overtaken}")
        if self._began_after:
            wanted = show(self._wanted, self._spec)
            return Outcome(False, self._seen, f"readback is {shown} after {patience:g} s, expected {wanted}")
        reason = self._hub.readings.one(self._handle).reason
        missing = f"confirmed by the device, but {self.path} brought no good readback in {patience:g} s"
        return Outcome(None, self._seen, f"{missing} ({reason})" if reason else missing)

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        since = self._written_after
        if since is None or batch.group != self._group or not self._is_in(batch):
            return
        reading = self._hub.readings.one(self._handle)
        if not _usable(reading.quality):
            return
        self._seen = reading.value
        began_after = batch.seq >= since + 2
        self._began_after |= began_after
        if (began_after or self._only_moves) and self._agrees(reading.value):
            self._done = True
            self._settle()

    def _patience(self) -> float:
        period = self._hub.groups.specs[self._group].period if self._group != NO_GROUP else 0.0
        return max(self._spec.setpoint.timeout, PERIODS * period)

    def _settle(self) -> None:
        if not self._outcome.done():
            self._outcome.set_result(None)

    def _agrees(self, value: Any) -> bool:
        return reached(self._spec, self._readback, self._wanted, value)

    def _is_in(self, batch: SampleBatch) -> bool:
        if not self._readback.is_row:
            return any(sample.handle == self._handle for sample in batch.objects)
        at = int(np.searchsorted(batch.handles, self._handle))
        return at < len(batch) and int(batch.handles[at]) == self._handle


def _usable(quality: int) -> bool:
    """Good, and from the device rather than substituted."""
    return severity(quality) == "good" and quality != Quality.SUBSTITUTED
