"""observatory quota: how much observing time who has, and who has used how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from .sequence import node_options


@click.command()
@node_options
def quota(*, call: Callable[..., Any], as_json: bool) -> int:
    """What you may ask for at this site, and who has used how much of the present night."""
    text = call("quotas")
    if as_json:
        click.echo(text)
        return 0
    found = json.loads(text)
    own = found["own"]
    click.echo(f"{found['person']}: no level at this site" if own is None else f"you: {_line(own)}")
    for one in found["used"]:
        click.echo(_line(one))
    return 0


def _line(one: Mapping[str, Any]) -> str:
    used = f"{one['account']} ({one['level']})  {one['taken']} s taken, {one['waiting']} s wait"
    if one["quota"] is not None:
        used += f", of {one['quota']:g} s " + ("a night" if one["nights"] == 1 else f"in {one['nights']} nights")
    return used if one["priority"] is None else f"{used}; priority {one['priority']} at most"
