"""The observatory as a demo: its plant, its simulators, and what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SITE = Path(__file__).parent / "site"


class Demo(NamedTuple):
    """What `sereno demo` needs: see docs/observatory.md."""

    plant: Path
    simulators: tuple[tuple[str, ...], ...]
    look_at: tuple[str, ...]


OBSERVATORY = Demo(
    plant=SITE / "plant.toml",
    simulators=(("sim", "observatory", "--port", "5003"), ("sim", "observatory", "--port", "0")),
    look_at=(
        "devices: observatory/environment says what the sensors mean together, and whether to act",
        "sereno put observatory/majordome/mode MANUAL   leaves the dome to you; in AUTO it is closed by day",
        "sereno call observatory/majordome open_dome   opens it, once nothing has called for action for a minute",
        "sereno call observatory/observer execute 1   exposes with both cameras; in AUTO this happens by night",
        "sereno observatory sequence show 1   and its images are in data/nights",
        "sereno sim users   has simulated users submit ten requests to the book, one of which is refused",
        "sereno sim force WXT520:RainRate 12   and the dome closes; sereno guard list says why",
        "sereno agent stop observatory/environment   its tags turn stale, and the dome closes too",
    ),
)
