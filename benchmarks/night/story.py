"""The log of a night from its hub: every change of what is watched, and a digest of all values."""

from __future__ import annotations

import math
from hashlib import sha256

from sereno.hub.hub import Hub
from sereno.model import SampleBatch, ValueType
from sereno_observatory.night.story import WATCHED, Story


class Record(Story):
    """A story that sees the hub's tags as they change, and a digest of every value of the site: a BatchSink."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._digest = sha256()
        self._named: dict[int, str] = {}
        self._watched: dict[int, list[int] | None] = {}

    @property
    def digest(self) -> str:
        """Of all values, qualities and times so far."""
        return self._digest.hexdigest()

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        if not batch.handles.size and not batch.objects:
            return
        if batch.group not in self._watched:
            self._watched[batch.group] = self._laid_out(batch)
        rows = self._watched[batch.group]
        if rows is None:
            return
        for column in (batch.handles, batch.values, batch.quality, batch.t_source):
            self._digest.update(column)
        beside = [(one.handle, one.value, one.t_source, one.quality) for one in batch.objects]
        self._digest.update(repr((batch.seq, batch.t_hub, beside)).encode())
        for row in rows:
            handle = int(batch.handles[row])
            self.see(self._path(handle), self._plain(handle, float(batch.values[row])), batch.t_hub)
        for handle, value, _, _ in beside:
            if self._path(handle) in WATCHED:
                self.see(self._path(handle), value, batch.t_hub)

    def _laid_out(self, batch: SampleBatch) -> list[int] | None:
        """The rows that are watched in batches of this group; None for a group that is not the site's."""
        paths = [self._path(handle) for handle in batch.handles.tolist()]
        beside = [self._path(one.handle) for one in batch.objects]
        if not any(path.startswith(("site/", "observatory/")) for path in (*paths, *beside)):
            return None
        return [row for row, path in enumerate(paths) if path in WATCHED]

    def _plain(self, handle: int, code: float) -> object:
        spec = self._hub.spec(handle)
        if math.isnan(code):
            return "unknown"
        if spec.labels:
            return spec.labels[int(code)]
        return bool(code) if spec.type is ValueType.BOOL else code

    def _path(self, handle: int) -> str:
        if handle not in self._named:
            self._named[handle] = self._hub.spec(handle).path
        return self._named[handle]

    def told(self, since: int) -> list[str]:
        """All lines from a time (ns UTC) on, in order."""
        return [str(line) for line in sorted(self.lines) if line.t >= since]
