"""Plays the evening of a site, from a minute before dusk: `python -m ... FOLDER SPEED SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

from sereno.app.paced.run import PlayOptions, run_play
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.night.play import BEFORE, BELOW, ScriptedNight
from sereno_observatory.night.script import EVENING


class Evening(ScriptedNight):
    """A whole night of midsummer, without most of what is played before it."""

    __slots__ = ()

    def times(self, now: int, after: int) -> tuple[int, int]:
        begin, end = super().times(now, after)
        return begin + round((BEFORE - 60.0) * 1e9), end


if __name__ == "__main__":
    place, speed, seconds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    options = PlayOptions(data=place / "data", port=0, speed=speed, seed=1, seconds=seconds, as_json=True)
    sys.exit(run_play(OBSERVATORY, Evening(BELOW, EVENING), options))
