"""Whose an image is, when that of an exposure before may still come: by what its own header says. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sereno.device.instruments import FrameKind

UNSURE = 0.6
"""Seconds: servers tell when they say something in whole ones, and say it a little after they began."""
CLEAR = 2.0
"""Seconds that the header of the right image may be early, where exposures are far enough apart."""
STRANGE = 300.0
"""Seconds beyond which DATE-OBS is of another clock, or of another time zone, and proves nothing."""


class Whose(Enum):
    """The image is of the exposure that was asked for last, of one before, or that cannot be told."""

    OWN = "own"
    BEFORE = "before"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """The exposure asked for last. `begun`: by the server's clock, in s; None where it did not say.

    `after`: how long after the one before, in s.
    """

    seconds: float = 0.0
    frame: FrameKind = FrameKind.LIGHT
    begun: float | None = None
    after: float = 2 * CLEAR


def moment(text: object) -> float | None:
    """A time of INDI or FITS in s; None for what is none. Without fractions it is the middle of its second."""
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return seconds if "." in str(text) else seconds + 0.5


def offset(said: Mapping[str, Any], asked: Asked) -> float | None:
    """How much later than the server's word an exposure began by its header, in s; None where that is not told."""
    date = moment(said.get("DATE-OBS", ""))
    found = None if date is None or asked.begun is None else date - asked.begun
    return found if found is not None and abs(found) <= STRANGE + asked.after else None


def whose(said: Mapping[str, Any], asked: Asked, usual: float = 0.0) -> Whose:
    """By length (a fifth and 50 ms), frame and begin, as the header has them. `usual`: the `offset` of other images."""
    took, kind = said.get("EXPTIME"), str(said.get("FRAME", "")).strip().lower()
    if isinstance(took, int | float) and abs(took - asked.seconds) > max(0.05, asked.seconds / 5):
        return Whose.BEFORE
    if kind in {one.value for one in FrameKind} and kind != asked.frame.value:
        return Whose.BEFORE
    found = offset(said, asked)
    if found is None:
        return Whose.UNKNOWN
    later = found - usual
    if later < -max(min(asked.after / 2, CLEAR), UNSURE):
        return Whose.BEFORE
    return Whose.OWN if later > UNSURE - asked.after else Whose.UNKNOWN
