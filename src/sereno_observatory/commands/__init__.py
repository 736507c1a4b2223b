"""sereno observatory: the command line of the observatory."""

from __future__ import annotations

import click

from .addresses import import_addresses
from .sequence import sequence


@click.group()
def observatory() -> None:
    """The robotic observatory: its sequences and its site."""


observatory.add_command(import_addresses)
observatory.add_command(sequence)
