"""An image that was taken, for tests."""

from __future__ import annotations

from typing import Any

from sereno_observatory.images.headers import Facts
from sereno_observatory.images.shot import Shot
from sereno_observatory.instruments import Detector, Seen
from sereno_observatory.sequences import Plan, Slot
from sereno_observatory.sky import Place
from tests.observatory.sequences.asked import EPOCH, entry

BEGUN = EPOCH + 3 * 3600 * 10**9
KEPT = BEGUN + 25 * 10**9
DETECTOR = Detector("Visible camera", "site/vis", "site/wheel", "site/focuser")
SITE = Place(31.0439, -115.4637, 2800.0)
SEEN = {
    "site/telescope/right_ascension": 0.7123,
    "site/telescope/declination": 41.269,
    "site/wheel/filter": "r",
    "site/vis/temperature": -20.0,
    "site/vis/gain": 1.5,
    "site/vis/electrons_per_count": 0.8,
    "site/vis/binning": 2,
    "site/focuser/position": 1200,
    "site/dome/azimuth": 123.0,
}


def facts_of(*, raw: str = "raw.fits", seen: dict[str, Any] | None = None, number: int = 1, **more: Any) -> Facts:
    """All that is known of an image of M31."""
    shot = Shot(
        slot=Slot(0, 0, number),
        detector=DETECTOR,
        plan=Plan(exposure=20.0, images=2, filter="r"),
        raw=raw,
        t_start=BEGUN,
        seen=Seen(SEEN if seen is None else seen),
    )
    known = {"entry": entry(7, observer="vera", program="Galaxies"), "ambient": 7.5, "t_kept": KEPT, **more}
    return Facts(shot=shot, place=SITE, name="Sereno", telescope="site/telescope", **known)
