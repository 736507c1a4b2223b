"""alarm figures and alarm replay: how the alarms do, and how they would do with other declarations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from sereno.client import AlarmFigures, Client, HistoryRequest, Series, alarm_figures_json
from sereno.client import parse_time as time_of
from sereno.model import OperationError, TagSpec

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table

FROM = click.option("--from", "start", default="now-7d", show_default=True, help="ISO 8601, or relative as now-6h.")
TO = click.option("--to", "end", default="now", show_default=True, help="Before this time.")
FIGURES = (
    ("alarms", "annunciated", "d"),
    ("per operator and 10 minutes", "per_10_min", ".2f"),
    ("most in 10 minutes", "worst_10_min", "d"),
    ("share of 10 minutes with more than 10 per operator", "over_10_share", ".1%"),
    ("floods", "floods", "d"),
    ("share of time in flood", "flood_share", ".1%"),
)


def bounds(start: str, end: str) -> tuple[int, int]:
    """ns UTC. Raises click.BadParameter."""
    try:
        return time_of(start), time_of(end)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(name="figures")
@FROM
@TO
@click.option("--operators", default=1, show_default=True, type=click.IntRange(1), help="People who share the alarms.")
@node_options
@json_option
def show_figures(*, start: str, end: str, operators: int, node: NodeAddress, as_json: bool) -> int:
    """The figures of ISA-18.2 over a time."""
    first, last = bounds(start, end)

    async def work(client: Client) -> None:
        found = await client.alarm.figures(first, last, client.actor, operators=operators)
        if as_json:
            json_line(alarm_figures_json(found))
        else:
            _print(found)

    return with_client(work, node)


def _print(found: AlarmFigures) -> None:
    rows = [(name, format(getattr(found, key), form)) for name, key, form in FIGURES]
    for name, seconds in (("median", found.acknowledged_median), ("95 % within", found.acknowledged_p95)):
        rows.append((f"acknowledged after, {name}", "-" if seconds is None else f"{seconds:.0f} s"))
    total = max(1, found.annunciated)
    rows += [(f"priority {p if p != '0' else 'draft'}", f"{n} ({n / total:.0%})") for p, n in found.priorities.items()]
    table(("figure", ""), rows, right=(1,))
    for title, lines in (
        ("most frequent", [(name, str(count), f"{share:.0%}") for name, count, share in found.top]),
        ("chattering", [(name, str(count), "") for name, count in found.chattering]),
        ("stale", [(name, f"{seconds / 3600:.0f} h", "") for name, seconds in found.stale]),
    ):
        if lines:
            click.echo()
            table((title, "", ""), lines, right=(1, 2))


@click.command(name="replay")
@click.argument("plant", type=click.Path(path_type=Path, dir_okay=False))
@FROM
@TO
@node_options
@json_option
def replay_alarms(*, plant: Path, start: str, end: str, node: NodeAddress, as_json: bool) -> int:
    """How many alarms there would have been over the node's history with the declarations of PLANT, and with its own.

    Nothing of the node is changed. Tags of PLANT that the node does not have are left out, and said.
    """
    from sereno.app.plant.alarms import watched
    from sereno.app.plant.load import load_plant

    first, last = bounds(start, end)
    wanted = load_plant(plant)

    async def work(client: Client) -> None:
        from sereno.alarms.replay import replay

        tags = {spec.path: spec for spec in await client.tags()}
        present = [status.spec for status in await client.alarms()]
        usable = [spec for spec in wanted.alarms if watched(spec) <= tags.keys()]
        missing = sorted({path for spec in wanted.alarms for path in watched(spec) - tags.keys()})
        needed = sorted({path for spec in (*present, *usable) for path in watched(spec)})
        series = await _history(client, needed, tags, first, last)
        before, after = (replay(specs, tags, series, last) for specs in (present, usable))
        _report(_differences(before.came, after.came), missing, as_json)

    return with_client(work, node)


async def _history(
    client: Client, paths: Iterable[str], tags: dict[str, TagSpec], start: int, end: int
) -> list[Series]:
    """Raw samples; of tags that the history does not know, and of texts, none."""
    found = []
    for path in paths:
        request = HistoryRequest((path,), start, end)
        found += await client.history.query(request, client.actor) if tags[path].is_row else [_nothing(path)]
    if not any(len(one.t) for one in found):
        raise OperationError("the history of that time is empty: there is nothing to replay")
    return found


def _nothing(path: str) -> Series:
    import numpy as np

    return Series(path, "", np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint16))


def _differences(before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    names = sorted(before.keys() | after.keys())
    rows = [{"alarm": n, "now": len(before.get(n, ())), "then": len(after.get(n, ()))} for n in names]
    for row in rows:
        row["difference"] = row["then"] - row["now"]  # type: ignore[operator]
    return sorted(rows, key=lambda row: (-abs(int(str(row["difference"]))), -int(str(row["now"])), str(row["alarm"])))


def _report(rows: Sequence[dict[str, Any]], missing: Sequence[str], as_json: bool) -> None:
    total = {key: sum(row[key] for row in rows) for key in ("now", "then", "difference")}
    if as_json:
        json_line({**total, "alarms": list(rows), "missing_tags": list(missing)})
        return
    shown = [row for row in rows if row["now"] or row["then"]]
    cells = [(row["alarm"], str(row["now"]), str(row["then"]), f"{row['difference']:+d}") for row in shown]
    cells.append(("all", str(total["now"]), str(total["then"]), f"{total['difference']:+d}"))
    table(("alarm", "as now", "as in the file", "difference"), cells, right=(1, 2, 3))
    if missing:
        click.echo(f"not replayed, the node has no tag {', '.join(missing)}", err=True)
