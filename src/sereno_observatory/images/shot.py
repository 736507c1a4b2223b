"""An image that was taken and is not kept yet."""

from __future__ import annotations

from dataclasses import dataclass

from sereno_observatory.instruments import Detector, Seen
from sereno_observatory.sequences.model import Plan, Slot


@dataclass(frozen=True, slots=True)
class Shot:
    """Where its raw file is, when it was begun (ns UTC), what was seen then, and what is to be known of it."""

    slot: Slot
    detector: Detector
    plan: Plan
    raw: str
    t_start: int
    seen: Seen
    note: str = ""
