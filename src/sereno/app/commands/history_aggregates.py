"""history TAG --every 1d: aggregates in the terminal."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import numpy as np

from sereno.client import AggregateRequest, Aggregates, Client, aggregates_json, form_of

from .options import NodeAddress, with_client
from .show import json_line


def show_aggregates(request: AggregateRequest, node: NodeAddress, form: str) -> int:
    """Print aggregates piece by piece, as a table, or with `form` as "json" or "csv". The exit code."""

    async def work(client: Client) -> None:
        csv = form_of("csv", request.aggregates)
        if form == "csv":
            click.echo(csv.begin(), nl=False)
        table = _Table(request.aggregates)
        async with aclosing(client.analysis.aggregate(request, client.actor)) as pieces:
            async for piece in pieces:
                if form == "json":
                    json_line(aggregates_json(piece))
                elif form == "csv":
                    click.echo(csv.piece(piece), nl=False)
                else:
                    table.show(piece)

    return with_client(work, node)


class _Table:
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = [name for name in names if name != "states"]
        self._tag = ""

    def show(self, piece: Aggregates) -> None:
        """Its rows, under a heading where a tag begins."""
        if piece.tag != self._tag:
            self._tag = piece.tag
            click.echo(click.style(f"{piece.tag} [{piece.unit}], {piece.timezone}", bold=True))
            heads = [f"{name} [{unit}]" if (unit := piece.units.get(name)) else name for name in self._names]
            click.echo("  ".join([f"{'from':<16}", *(f"{head:>12}" for head in heads)]))
        zone = ZoneInfo(piece.timezone)
        for i, t in enumerate(piece.t.tolist()):
            cells = [f"{_text(piece.columns[name][i]):>12}" for name in self._names]
            states = [f"{name} {column[i]:g} s" for name, column in piece.states.items() if column[i]]
            moment = datetime.fromtimestamp(t // 10**9, UTC).astimezone(zone)
            click.echo("  ".join([f"{moment:%Y-%m-%d %H:%M}", *cells, *states]))


def _text(value: Any) -> str:
    return "-" if np.isnan(value) else f"{value:.6g}"
