"""Groups as they live: last sequence number, last sign of life, what is known about their device's link."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sereno.client import GroupSpec
from sereno.model import GroupId, LinkState, OperationalState

_FIRST = 16


@dataclass(slots=True)
class DeviceLink:
    """What a device last reported about itself; nothing reported yet = no `link`."""

    link: LinkState | None = None
    error: str = ""
    state: OperationalState | None = None

    @property
    def down(self) -> bool:
        """The link is known not to be up."""
        return self.link is not None and self.link is not LinkState.UP


@dataclass(slots=True)
class Groups:
    """All groups by GroupId, their ages as columns. Times are monotonic seconds.

    `last` the last batch (or the registration), `answered` whether there was one, `marked` the quality code
    that freshness put on the group, 0 while it is fresh.
    """

    specs: list[GroupSpec] = field(default_factory=list)
    last_seq: list[int] = field(default_factory=list)
    devices: dict[str, DeviceLink] = field(default_factory=dict)
    last: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_FIRST))
    stale_after: NDArray[np.float64] = field(default_factory=lambda: np.full(_FIRST, np.inf))
    marked: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(_FIRST, np.uint16))
    answered: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(_FIRST, np.bool_))

    def __len__(self) -> int:
        return len(self.specs)

    def add(self, spec: GroupSpec, now: float) -> GroupId:
        """A new group, waiting for its first batch since `now`."""
        number = len(self.specs)
        if number == len(self.last):
            self.last = np.concatenate((self.last, np.zeros(number)))
            self.stale_after = np.concatenate((self.stale_after, np.full(number, np.inf)))
            self.marked = np.concatenate((self.marked, np.zeros(number, np.uint16)))
            self.answered = np.concatenate((self.answered, np.zeros(number, np.bool_)))
        self.specs.append(spec)
        self.last_seq.append(-1)
        self.last[number] = now
        self.stale_after[number] = spec.stale_after
        return GroupId(number)

    def end(self, group: int) -> None:
        """No more batches are expected."""
        self.stale_after[group] = np.inf

    def device(self, path: str) -> DeviceLink:
        """What is known about a device, made on first use."""
        known = self.devices.get(path)
        if known is None:
            known = self.devices[path] = DeviceLink()
        return known

    def heard(self, group: int, seq: int, now: float) -> bool:
        """Note a batch; True if the group had been marked and is back."""
        back = bool(self.marked[group])
        self.last_seq[group] = seq
        self.last[group] = now
        self.marked[group] = 0
        self.answered[group] = True
        return back

    def overdue(self, now: float) -> list[int]:
        """Groups whose last batch is older than their stale_after."""
        n = len(self.specs)
        return np.flatnonzero(now - self.last[:n] > self.stale_after[:n]).tolist()
