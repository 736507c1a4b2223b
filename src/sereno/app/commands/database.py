"""db current|upgrade: the schema of an installation's database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sereno.app.datafolder import DataFolder
from sereno.app.installation import database_of, open_existing, read_note

from .options import json_option
from .show import json_line
from .users import data_option


@click.group()
def db() -> None:
    """The database of the installation in a data folder: a file there, or what SERENO_DATABASE or the plant names."""


@db.command()
@data_option
@json_option
def current(*, data: Path, as_json: bool) -> int:
    """Which schema the database has, and which this version of Sereno has. Exit code 1 if they differ."""
    from sereno.store.engine import Store
    from sereno.store.schema import present_schema
    from sereno.store.tables import SCHEMA

    folder = DataFolder(data)
    where = database_of(folder, read_note(folder))
    name, present = Store.glance(where, present_schema)
    if as_json:
        json_line({"database": name, "schema": present, "newest": SCHEMA})
    else:
        click.echo(f"{name}: schema {present or 'none'}, this version has {SCHEMA}")
        if present != SCHEMA:
            click.echo("next: sereno db upgrade (or start the node, which does it too)")
    return 0 if present == SCHEMA else 1


@db.command()
@data_option
@json_option
def upgrade(*, data: Path, as_json: bool) -> int:
    """Bring the database to the newest schema. What was cut off before goes on where it stopped."""
    from sereno.store.engine import Store
    from sereno.store.schema import present_schema
    from sereno.store.tables import SCHEMA

    folder = DataFolder(data)
    before = Store.glance(database_of(folder, read_note(folder)), present_schema)[1]
    store = open_existing(folder)
    name = store.name
    asyncio.run(store.close())
    if as_json:
        json_line({"database": name, "before": before, "schema": SCHEMA})
    else:
        click.echo(f"{name}: schema {before or 'none'} -> {SCHEMA}" if before != SCHEMA else f"{name}: is at {SCHEMA}")
    return 0
