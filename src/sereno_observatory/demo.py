"""The observatory as a demo: its plant, its simulators, and what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .night import NIGHT
from .night.play import ScriptedNight

SITE = Path(__file__).parent / "site"
SITE_ALPACA = Path(__file__).parent / "site_alpaca"
"""A site without a PLC: its dome, weather station and safety monitor are instruments."""


class Demo(NamedTuple):
    """What `sereno demo` needs: see docs/observatory.md."""

    plant: Path
    simulators: tuple[tuple[str, ...], ...]
    look_at: tuple[str, ...]
    play: ScriptedNight | None = None


OBSERVATORY = Demo(
    plant=SITE / "plant.toml",
    simulators=(),  # those of the plant file
    look_at=(
        "devices: observatory/environment says what the sensors mean together, and whether to act",
        "sereno put observatory/majordome/mode MANUAL   leaves the dome to you; in AUTO it is closed by day",
        "sereno call observatory/majordome open_dome   opens it, once nothing has called for action for a minute",
        "sereno call observatory/observer execute 1   exposes with both cameras; in AUTO this happens by night",
        "sereno observatory sequence show 1   and its images are in nights of the data folder",
        "sereno simulator start users   has simulated users submit ten requests to the book, one of which is refused",
        "sereno sim force WXT520:RainRate 12 --port {site/plc:port}   and the dome closes; sereno guard list says why",
        "sereno simulator list   and kill -9 one of them: it comes back; start, stop, restart on the page Agents, too",
        "sereno agent stop observatory/environment   its tags turn stale, and the dome closes too",
    ),
    play=NIGHT,
)

OBSERVATORY_ALPACA = Demo(
    plant=SITE_ALPACA / "plant.toml",
    simulators=(),  # those of the plant file
    look_at=(
        "devices: site/dome is an instrument; its command open has an interlock, close has none",
        "sereno put observatory/majordome/mode MANUAL   leaves the dome to you; in AUTO it is closed by day",
        "sereno call observatory/majordome open_dome   opens it, once nothing has called for action for a minute",
        "sereno sim trouble observingconditions {site/weather} rain_rate=12   and guards close the dome",
        "sereno sim trouble safetymonitor {site/safety} safe=false   closes it too",
        "sereno simulator list   and kill -9 one of them: it comes back; start, stop, restart on the page Agents, too",
    ),
)
