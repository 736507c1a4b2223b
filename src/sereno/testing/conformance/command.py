"""driver check: the score of a driver, by the name of its subject."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import click

from sereno.app.commands.options import json_option
from sereno.app.commands.show import json_line, table
from sereno.app.plant.faults import nearest
from sereno.app.registry import driver_entries
from sereno.model import NotFoundError

if TYPE_CHECKING:
    from ._kit import Score


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
@click.argument("name", metavar="NAME|MODULE:CLASS")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the device class.")
@json_option
def check(*, name: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Try every rule for a good driver, or for a good device class, and print the score. Exit code 1 if one is broken.

    A driver is tried against its own protocol in virtual time; its package names its far end as an entry point of the
    group sereno.conformance. A device class is run as it is, and its tags are set to what they show.
    """
    score = _of_device(name, settings) if ":" in name else _of_driver(name)
    if as_json:
        json_line({"driver": name, "passed": score.passed, "counted": score.counted,
                   "results": [asdict(result) for result in score.results]})  # fmt: skip
    else:
        click.echo(str(score))
    return 1 if score.failures else 0


def _of_device(name: str, settings: tuple[str, ...]) -> Score:
    from sereno.app.serve.units import check_units
    from sereno.app.serve.wanted import wanted_devices
    from sereno.testing.conformance import device_conformance

    wanted = wanted_devices([name], settings=settings)
    check_units(wanted)
    return device_conformance(wanted[0].cls, wanted[0].settings)


def _of_driver(name: str) -> Score:
    from sereno.testing.conformance import conformance

    found = {entry.name: entry for entry in entry_points(group="sereno.conformance")}
    if name not in found:
        raise NotFoundError(f"no driver {name!r} can be checked. {nearest(name, found)}")
    return conformance(found[name].load()())
