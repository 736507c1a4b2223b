"""demo: a whole plant with its simulators, to look at and to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import expected_one_of

NIGHT_SPEED = 120.0


@click.command()
@click.argument("name", default="plant", metavar="[plant|sensor|fleet|observatory|...]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of the page; 0 chooses."
)
@click.option(
    "--data", type=click.Path(path_type=Path), default=None, help="Data folder. [data; with --night data-night]"
)
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option(
    "--night", is_flag=True, help="Play a whole night of the observatory in minutes, with clouds, rain and what else."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=None,
    help="Simulated seconds per second, of the plant; of a night at most, 0 is as fast as it goes. [1; of a night 120]",
)
@click.option("--seed", type=int, default=None, help="Of a night: with the same one the same happens. [1]")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def demo(
    *, name: str, port: int, data: Path | None, seconds: float | None, night: bool, speed: float | None,
    seed: int | None, no_browser: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run a whole plant with its simulators and pages.

    plant: the waterworks, two simulated PLCs on Modbus/TCP. sensor: three sensors, with readers. fleet: gateways
    behind HTTP, with totals over all of them. observatory: the
    site of a robotic telescope.
    """
    from sereno.app.demo import demo_names, find_demo, run_demo

    if name not in demo_names():
        raise click.BadParameter(expected_one_of(name, demo_names()), param_hint="NAME")
    found = find_demo(name)
    browser = not (no_browser or as_json)
    if night:
        return _play(
            name, found, data, speed, port=port, seed=1 if seed is None else seed, seconds=seconds, browser=browser,
            as_json=as_json,
        )  # fmt: skip
    if seed is not None:
        raise click.BadParameter("only a night has one; give --night too", param_hint="--seed")
    data, speed = data or Path("data"), 1.0 if speed is None else speed
    scaled = not callable(found) and any("{speed}" in words for words in found.simulators)
    if speed != 1.0 and not scaled:
        raise click.BadParameter(f"the demo {name!r} runs in real time", param_hint="--speed")
    if callable(found):
        return found(port=port, data=data, seconds=seconds, browser=browser, as_json=as_json)
    return run_demo(found, port=port, data=data, seconds=seconds, speed=speed, browser=browser, as_json=as_json)


def _play(name: str, found: Any, data: Path | None, speed: float | None, **options: Any) -> int:
    from sereno.app.paced.run import PlayOptions, run_play

    play = getattr(found, "play", None)
    if play is None:
        raise click.BadParameter(f"the demo {name!r} has none", param_hint="--night")
    speed = NIGHT_SPEED if speed is None else speed
    if 0 < speed < 1:
        raise click.BadParameter(f"{speed:g}, expected 1 or more, or 0: as fast as it goes", param_hint="--speed")
    return run_play(found, play, PlayOptions(data=data or Path("data-night"), speed=speed, **options))
