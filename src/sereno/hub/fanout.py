"""From one admitted batch to every subscription: shared selections, found by group."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sereno.model import Clock

from .admission import Admitted
from .reasons import Reasons
from .selection import Selection
from .subscription import LatestSubscription, LosslessSubscription, QueueLimits, Stream
from .table import LiveTable


class Fanout:
    """The open subscriptions of a hub. Those of the same tags share a selection, and so what is gathered for it."""

    def __init__(self, table: LiveTable, reasons: Reasons, clock: Clock, limits: QueueLimits) -> None:
        self._table = table
        self._reasons = reasons
        self._clock = clock
        self._limits = limits
        self._selections: dict[bytes, tuple[Selection, list[Stream]]] = {}
        self._by_group: dict[int, list[bytes]] = {}
        self._peak = 0
        self._closed_delivered = 0
        self._closed_dropped = 0

    def open(self, handles: NDArray[np.int32], *, min_interval: float, lossless: bool) -> Stream:
        """A new subscription to these tags."""
        key = handles.tobytes()
        known = self._selections.get(key)
        selection = known[0] if known else Selection(self._table, self._reasons, handles)
        on_close = partial(self._forget, key)
        stream: Stream
        if lossless:
            stream = LosslessSubscription(selection, self._clock, min_interval, on_close, self._limits)
        else:
            stream = LatestSubscription(selection, self._clock, min_interval, on_close)
        if known:
            known[1].append(stream)
        else:
            self._selections[key] = selection, [stream]
            self._enter(key, selection)
        self._peak = max(self._peak, len(self._streams()))
        return stream

    def offer(self, admitted: Admitted) -> None:
        """Tell every subscription what changed."""
        for key in self._by_group.get(admitted.batch.group, ()):
            selection, streams = self._selections[key]
            pick = selection.pick(admitted)
            if pick is not None:
                for stream in tuple(streams):
                    stream.offer(pick)

    def regroup(self) -> None:
        """The group of a tag changed: find the selections of each group again."""
        self._by_group = {}
        for key, (selection, _) in self._selections.items():
            self._enter(key, selection)

    def close(self) -> None:
        """End all subscriptions."""
        for stream in self._streams():
            stream.end()

    def statistics(self) -> dict[str, int]:
        """Over all subscriptions, those that ended included; `queue_peak` is the longest queue of an open one."""
        streams = self._streams()
        return {
            "subscriptions": len(streams),
            "subscriptions_peak": self._peak,
            "selections": len(self._selections),
            "delivered": self._closed_delivered + sum(s.delivered for s in streams),
            "dropped": self._closed_dropped + sum(s.dropped for s in streams),
            "queued": sum(s.queued for s in streams),
            "queue_peak": max((s.peak for s in streams), default=0),
        }

    def _streams(self) -> list[Stream]:
        return [stream for _, streams in self._selections.values() for stream in streams]

    def _enter(self, key: bytes, selection: Selection) -> None:
        for group in np.unique(self._table.group[selection.handles]).tolist():
            self._by_group.setdefault(group, []).append(key)

    def _forget(self, key: bytes, stream: Stream) -> None:
        _, streams = self._selections[key]
        streams.remove(stream)
        self._closed_delivered += stream.delivered
        self._closed_dropped += stream.dropped
        if not streams:
            del self._selections[key]
            for keys in self._by_group.values():
                if key in keys:
                    keys.remove(key)
