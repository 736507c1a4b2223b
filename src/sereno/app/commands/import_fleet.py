"""import: configurations of other programs, made plants."""

from __future__ import annotations

from pathlib import Path

import click

from .options import json_option
from .show import json_line


@click.group(name="import")
def import_() -> None:
    """Make a plant of another program's configuration."""


@import_.command()
@click.argument("config", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="CONFIG.json")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@json_option
def fleet(*, config: Path, folder: Path, as_json: bool) -> int:
    """Of the JSON configuration of a PLC fleet's watchdog: devices, totals, thresholds with sound, and its job.

    Writes DIR/plant.toml, never over another file, and says what of CONFIG.json it left out.
    """
    from sereno.app.fleetimport.reading import read_fleet
    from sereno.app.fleetimport.writing import plant_text
    from sereno.app.plant.load import load_plant
    from sereno.model import OperationError

    try:
        found = read_fleet(config.read_text("utf-8-sig"), str(config))
    except UnicodeDecodeError:
        raise OperationError(f"{config} is not text in UTF-8") from None
    target = folder / "plant.toml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(plant_text(found, config.name))
    except FileExistsError:
        raise OperationError(f"{target} exists already; choose another folder") from None
    plant = load_plant(target)
    if as_json:
        json_line({"plant": str(target), "tags": plant.tag_count, "alarms": len(plant.alarms), "notes": found.notes})
        return 0
    click.echo(f"wrote {target}: {plant.tag_count} tags, {len(plant.alarms)} alarms, {len(found.requests)} requests")
    for note in found.notes:
        click.echo(f"  {note}")
    click.echo(f"next: sereno check {folder} && sereno run {folder}")
    return 0
