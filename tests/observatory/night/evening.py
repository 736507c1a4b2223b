"""Plays the evening of a site with short nights, from a minute before dusk: `python -m ... FOLDER SPEED SECONDS`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sereno.app.paced.run import PlayOptions, run_play
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.night.play import BEFORE, ScriptedNight
from sereno_observatory.night.script import EVENING

BELOW = -35.5


class Evening(ScriptedNight):
    """The short night of midsummer, without most of what is played before it."""

    __slots__ = ()

    def times(self, now: int, after: int) -> tuple[int, int]:
        begin, end = super().times(now, after)
        return begin + round((BEFORE - 60.0) * 1e9), end


def site_with_short_nights(folder: Path) -> Path:
    """The demo's site, where it is night with the sun below 35.5 degrees: half an hour at midsummer."""
    home = folder / "site"
    shutil.copytree(OBSERVATORY.plant.parent, home)
    site = home / "site.toml"
    text = site.read_text("utf-8")
    assert "night_below = -12.0" in text
    site.write_text(text.replace("night_below = -12.0", f"night_below = {BELOW}"), "utf-8")
    return home / "plant.toml"


if __name__ == "__main__":
    place, speed, seconds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    demo = OBSERVATORY._replace(plant=site_with_short_nights(place))
    options = PlayOptions(data=place / "data", port=0, speed=speed, seed=1, seconds=seconds, as_json=True)
    sys.exit(run_play(demo, Evening(BELOW, EVENING), options))
