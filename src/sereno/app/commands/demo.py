"""demo: a whole plant with its simulators, to look at and to try things on."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name", default="plant", metavar="[plant|sensor|fleet|observatory|...]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of the page; 0 chooses."
)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True, help="Data folder.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--speed", default=1.0, show_default=True, help="Simulated seconds per second, of the plant.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def demo(
    *, name: str, port: int, data: Path, seconds: float | None, speed: float, no_browser: bool, as_json: bool
) -> int:
    """Run a whole plant with its simulators and pages.

    plant: the waterworks, two simulated PLCs on Modbus/TCP. sensor: three sensors, with readers. fleet: gateways
    behind HTTP, with totals over all of them. observatory: the
    site of a robotic telescope.
    """
    from sereno.app.demo import demo_names, find_demo, run_demo

    if name not in demo_names():
        raise click.BadParameter(f"{name!r}, expected one of {', '.join(demo_names())}", param_hint="NAME")
    found = find_demo(name)
    scaled = not callable(found) and any("{speed}" in words for words in found.simulators)
    if speed != 1.0 and not scaled:
        raise click.BadParameter(f"the demo {name!r} runs in real time", param_hint="--speed")
    browser = not (no_browser or as_json)
    if callable(found):
        return found(port=port, data=data, seconds=seconds, browser=browser, as_json=as_json)
    return run_demo(found, port=port, data=data, seconds=seconds, speed=speed, browser=browser, as_json=as_json)
