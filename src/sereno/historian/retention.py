"""What may go: the oldest beyond a total size or an age; and by age the samples and roll-ups of some tags."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from .disk import Disk
from .sealed import SegmentRef, index_path

BEYOND, FULL, AGED = "beyond the declared limits", "the disk was full", "older than history.keep says"


@dataclass(frozen=True, slots=True)
class KeepRule:
    """How long samples (`raw`) and roll-ups of the tags of a glob are kept, in seconds; None = for ever.

    A tag goes by the first rule that names it. Samples never stay longer than their roll-ups.
    """

    tags: str
    raw: float | None = None
    minutes: float | None = None
    hours: float | None = None
    days: float | None = None

    def expired(self, age: float) -> tuple[str, ...]:
        """What goes at an age: kinds of roll-ups, and "raw"."""
        kept = {"raw": self.raw, "1m": self.minutes, "1h": self.hours, "1d": self.days}
        return tuple(kind for kind, seconds in kept.items() if seconds is not None and age >= seconds)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept at most: bytes, and seconds of age. None = no limit. Of some tags less, by `rules`."""

    max_bytes: int | None = None
    max_age: float | None = None
    rules: tuple[KeepRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """Segments that were deleted: their numbers, the time that they covered (ns UTC), their bytes; and why."""

    segments: tuple[int, ...]
    start: int
    end: int
    bytes: int
    reason: str = BEYOND

    @classmethod
    def of(cls, refs: Sequence[SegmentRef], reason: str = BEYOND) -> Removed:
        """What goes with these, of which there is at least one."""
        outlines = [ref.outline for ref in refs]
        return cls(
            tuple(outline.number for outline in outlines),
            min(outline.header.created for outline in outlines),
            max(outline.t_end for outline in outlines),
            sum(outline.end for outline in outlines),
            reason,
        )


def beyond(segments: Sequence[SegmentRef], now: int, limits: Limits) -> int:
    """How many of `segments` (oldest first) to drop. Age counts from their last commit."""
    sizes = [ref.outline.end for ref in segments]
    total = sum(sizes)
    count = 0
    for ref, size in zip(segments, sizes, strict=True):
        too_old = limits.max_age is not None and now - ref.outline.t_end > limits.max_age * 1e9
        if not too_old and (limits.max_bytes is None or total <= limits.max_bytes):
            break
        total -= size
        count += 1
    return count


def remove(disk: Disk, ref: SegmentRef) -> None:
    """Delete the files of a segment, the index first. What cannot be deleted now is found at the next start."""
    ref.removed = True
    for path in (index_path(ref.outline.path), ref.outline.path):
        with contextlib.suppress(OSError):
            disk.remove(path)
