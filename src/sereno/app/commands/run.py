"""run: a node with its pages, from a plant file, until it is told to stop."""

from __future__ import annotations

from pathlib import Path

import click

from .plant import plant_path


@click.command()
@click.argument("plant", type=click.Path(path_type=Path), default=Path(), metavar="[PLANT]")
@click.option("--host", default=None, help="Address to listen on. [the plant file's, 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 chooses one. [the plant file's, 8000]"
)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True, help="Data folder.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option(
    "--no-browser", is_flag=True, help="Do not open a browser (run never does; for scripts shared with demo)."
)
@click.option(
    "--simulators", is_flag=True, help="Run the plant file's simulators in place of the devices they stand for."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def run(
    *,
    plant: Path,
    host: str | None,
    port: int | None,
    data: Path,
    seconds: float | None,
    no_browser: bool,
    simulators: bool,
    as_json: bool,
) -> int:
    """Run PLANT: a plant file or the folder of one."""
    from sereno.app.plant.load import load_plant
    from sereno.app.runner import RunOptions, run_node
    from sereno.app.simulators.placing import with_simulators
    from sereno.app.welcome import Welcome

    del no_browser
    loaded = load_plant(plant_path(plant))
    if simulators:
        loaded = with_simulators(loaded)
    options = RunOptions(loaded, data, host or loaded.web.host, loaded.web.port if port is None else port, seconds)
    return run_node(options, Welcome(as_json=as_json))
