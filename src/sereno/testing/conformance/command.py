"""driver check: the score of a driver, by the name of its subject."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import entry_points

import click

from sereno.app.commands.options import json_option
from sereno.app.commands.show import json_line, table
from sereno.app.plant.faults import nearest
from sereno.app.registry import driver_entries
from sereno.model import NotFoundError


@click.group()
def driver() -> None:
    """Drivers: which there are, and how good they are."""


@driver.command(name="list")
def list_drivers() -> None:
    """List the installed drivers; those that can be checked are marked."""
    subjects = {entry.name for entry in entry_points(group="sereno.conformance")}
    rows = [(name, entry.value, "yes" if name in subjects else "") for name, entry in sorted(driver_entries().items())]
    table(("driver", "class", "check"), rows)


@driver.command()
@click.argument("name")
@json_option
def check(*, name: str, as_json: bool) -> int:
    """Try every rule for a good driver against its own protocol, in virtual time. Exit code 1 if one is broken.

    The driver's package names its far end as an entry point of the group sereno.conformance.
    """
    from sereno.testing.conformance import conformance

    found = {entry.name: entry for entry in entry_points(group="sereno.conformance")}
    if name not in found:
        raise NotFoundError(f"no driver {name!r} can be checked. {nearest(name, found)}")
    score = conformance(found[name].load()())
    if as_json:
        json_line({"driver": name, "passed": score.passed, "counted": score.counted,
                   "results": [asdict(result) for result in score.results]})  # fmt: skip
    else:
        click.echo(str(score))
    return 1 if score.failures else 0
