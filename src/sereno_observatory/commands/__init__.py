"""sereno observatory: the command line of the observatory."""

from __future__ import annotations

import click

from .addresses import import_addresses
from .quota import quota
from .sequence import sequence
from .site import site


@click.group()
def observatory() -> None:
    """The robotic observatory: its sequences and its site."""


observatory.add_command(import_addresses)
observatory.add_command(quota)
observatory.add_command(sequence)
observatory.add_command(site)
