"""check and init: plant files before anything runs."""

from __future__ import annotations

import shutil
from importlib.metadata import entry_points
from pathlib import Path

import click

from sereno.model import ConfigurationError

from .options import expected_one_of, json_option
from .show import json_line, table

TEMPLATES = Path(__file__).parent.parent / "templates"


def plant_path(given: Path) -> Path:
    """The plant file that is meant: a file, or `plant.toml` in a folder."""
    return given / "plant.toml" if given.is_dir() else given


@click.command()
@click.argument("plant", type=click.Path(path_type=Path), default=Path(), metavar="[PLANT]")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the plant file instead.")
@json_option
def check(plant: Path, schema: bool, as_json: bool) -> int:
    """Prove a plant file without starting it. Every fault with file:line; exit code 2 if there is one."""
    from sereno.app.plant.load import load_plant
    from sereno.app.plant.published import json_schema

    if schema:
        json_line(json_schema())
        return 0
    try:
        loaded = load_plant(plant_path(plant))
    except ConfigurationError as error:
        if not as_json:
            raise
        for fault in error.faults:
            json_line({"where": fault.where, "found": fault.found, "expected": fault.expected, "fix": fault.fix})
        return 2
    if as_json:
        json_line({"plant": loaded.table.name, "devices": len(loaded.devices), "tags": loaded.tag_count, "faults": 0})
        return 0
    rows = [
        (d.table.name, d.table.driver, str(len(d.tags)), ", ".join(f"{g} {t.period:g} s" for g, t in d.groups.items()))
        for d in loaded.devices
    ]
    table(("device", "driver", "tags", "scan groups"), rows, right=(2,))
    click.echo(f"{loaded.table.name}: {len(loaded.devices)} devices, {loaded.tag_count} tags, no fault")
    return 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--template", default="minimal", show_default=True, help="One of --list.")
@click.option("--list", "listing", is_flag=True, help="List the templates.")
def init(folder: Path | None, template: str, listing: bool) -> int:
    """Write a plant to start from into FOLDER. Never overwrites a file."""
    if listing:
        for name in template_names():
            click.echo(name)
        return 0
    if folder is None:
        raise click.UsageError("FOLDER is missing; for example: sereno init myplant")
    source = templates().get(template)
    if source is None:
        raise click.BadParameter(expected_one_of(template, template_names()), param_hint="--template")
    files = sorted(p for p in source.rglob("*") if p.is_file())
    taken = [p.relative_to(source) for p in files if (folder / p.relative_to(source)).exists()]
    if taken:
        raise click.ClickException(f"{folder / taken[0]} exists already; choose another folder")
    for file in files:
        target = folder / file.relative_to(source)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        except OSError as error:
            raise click.ClickException(f"{target} cannot be written: {error.strerror}; choose another folder") from None
        click.echo(f"wrote {target}")
    click.echo(f"next: edit {folder / 'plant.toml'}, then: sereno check {folder} && sereno run {folder}")
    return 0


def template_names() -> list[str]:
    """Templates that `init` knows."""
    return sorted(templates())


def templates() -> dict[str, Path]:
    """Name -> folder: those of this package, and the folders that entry points of `sereno.templates` name."""
    others = {entry.name: Path(entry.load()) for entry in entry_points(group="sereno.templates")}
    return {**others, **{p.name: p for p in TEMPLATES.iterdir() if (p / "plant.toml").is_file()}}
