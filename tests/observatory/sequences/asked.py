"""Sequences that tests ask for."""

from __future__ import annotations

from typing import Any

from sereno.testing import JumpingClock
from sereno_observatory.sequences import Album, Entry, Plan, Sequence, Target

EPOCH = JumpingClock().wall_ns()
MINUTE = 60 * 10**9
M31 = Target(right_ascension=0.7123, declination=41.269)


def asked(name: str = "M31", **more: Any) -> Sequence:
    """Two visible images, one in the near infrared, within an hour of the clock's epoch."""
    plain: dict[str, Any] = {
        "albums": (
            Album(detector="Visible camera", plans=(Plan(exposure=20.0, images=2, filter="r"),)),
            Album(detector="Near-infrared camera", plans=(Plan(exposure=30.0, filter="J"),)),
        ),
        "t_start": EPOCH,
        "t_end": EPOCH + 60 * MINUTE,
        "target": M31,
    }
    return Sequence(name=name, **{**plain, **more})


def entry(number: int = 1, **more: Any) -> Entry:
    """One in the book."""
    return Entry(id=number, sequence=asked(**more))


TOML = """
[[sequence]]
name = "M31"
target = "00:42:44.3 +41:16:09"
start = 0
end = 3600
priority = 5

[[sequence.album]]
detector = "Visible camera"
[[sequence.album.plan]]
filter = "r"
exposure = 20
images = 2
"""
