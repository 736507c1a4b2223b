"""sereno observatory: the command line of the observatory."""

from __future__ import annotations

import click

from .sequence import sequence


@click.group()
def observatory() -> None:
    """The robotic observatory: its sequences and its site."""


observatory.add_command(sequence)
