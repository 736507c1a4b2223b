"""top: how a node is, as it runs."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from sereno.app.top.tables import TABS, headline, table_of
from sereno.client import connect
from sereno.model import SystemClock

from .options import NodeAddress, json_option, node_options
from .show import json_line, table


@click.command()
@click.option("--once", is_flag=True, help="Print the tables once, and end.")
@click.option("--interval", default=1.0, show_default=True, type=click.FloatRange(0.2, 3600), help="Seconds.")
@click.option("--tab", "tabs", multiple=True, type=click.Choice(list(TABS)), help="With --once: only this. Repeatable.")
@click.option("--sort", default="", help="With --once: by this column.")
@click.option("--reverse", is_flag=True, help="With --sort: the largest first.")
@click.option("--filter", "match", default="", help="With --once: only rows in which this occurs.")
@node_options
@json_option
def top(*, once: bool, interval: float, node: NodeAddress, as_json: bool, **view: Any) -> int:
    """Devices, subscribers, hub, historian and tasks of a node. Without a terminal as with --once."""
    return asyncio.run(_top(node, once=once, interval=interval, as_json=as_json, view=view))


async def _top(node: NodeAddress, *, once: bool, interval: float, as_json: bool, view: dict[str, Any]) -> int:
    async with connect(url=node.url, token=node.token, data=node.data) as client:
        if not (once or as_json) and sys.stdout.isatty():
            from sereno.app.top.screen import Top

            await Top(client.system, interval=interval).run_async()
            return 0
        while True:
            system = await client.system()
            if as_json:
                json_line(system)
            else:
                _print(system, **view)
            if once or not as_json:
                return 0
            await SystemClock().sleep(interval)


def _print(system: dict[str, Any], *, tabs: tuple[str, ...], sort: str, reverse: bool, match: str) -> None:
    shown = tabs or tuple(TABS)
    able = [tab for tab in shown if not sort or any(column.name == sort for column in TABS[tab])]
    if not able:
        names = ", ".join(dict.fromkeys(column.name for tab in shown for column in TABS[tab]))
        raise click.BadParameter(f"no column {sort!r}; there are {names}", param_hint="--sort")
    click.echo(headline(system))
    for tab in shown:
        found = table_of(system, tab, sort=sort if tab in able else "", reverse=reverse, match=match)
        click.echo(f"\n{tab}")
        table(found.columns, found.rows)
