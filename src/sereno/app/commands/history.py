"""history [show] TAG... | verify: samples of the past in the terminal, and whether they are whole."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from sereno.app.datafolder import DataFolder
from sereno.app.history_acts import HISTORY
from sereno.client import (
    AGGREGATES,
    DEFAULT_AGGREGATES,
    AggregateRequest,
    Calendar,
    Client,
    Series,
    parse_time,
    series_json,
)
from sereno.model import AckState, OperationError, severity

from .history_aggregates import show_aggregates
from .history_files import export, import_
from .history_stats import stats
from .live import ack_exit_code
from .options import NodeAddress, json_option, node_options, told_with_usage, with_client
from .show import json_line, timestamp
from .users import data_option


class _ShowsByDefault(click.Group):
    """`sereno history TAG` is `sereno history show TAG`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowsByDefault)
def history() -> None:
    """Recorded samples: `sereno history TAG...` shows them."""


history.add_command(export)
history.add_command(import_)
history.add_command(stats)


@history.command()
@data_option
@json_option
def verify(*, data: Path, as_json: bool) -> int:
    """Check every checksum of the history in a data folder, whether the node runs or not; changes nothing.

    Says which block of which file is bad. While a node records, the end of its log may be an unfinished commit.
    """
    from sereno.historian.cold.verifying import verify as verified
    from sereno.historian.disk import SystemDisk

    folder = DataFolder(data).history
    if not folder.is_dir():
        raise OperationError(f"no history in {data}; give --data")
    files = size = bad = 0
    for one in verified(SystemDisk(), folder):
        files, size, bad = files + 1, size + one.size, bad + len(one.faults)
        for fault in one.faults:
            if as_json:
                json_line({"file": one.name, "where": fault.where, "fault": fault.found, "fix": fault.fix})
            else:
                click.echo(str(fault))
    if as_json:
        json_line({"files": files, "bytes": size, "faults": bad})
    else:
        click.echo(f"{files} files, {size / 2**20:.1f} MiB: {f'{bad} faults' if bad else 'whole'}")
    return int(bad > 0)


@history.command()
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--from", "start", default="now-1h", show_default=True, help="ISO 8601 or relative, as now-6h.")
@click.option("--to", "end", default="now", show_default=True)
@click.option("--at", help="What was in force then, instead of a range.")
@click.option("--points", type=click.IntRange(1, 100_000), default=None, help="Buckets per tag. [every sample]")
@click.option(
    "--every", default="", help="Buckets of the calendar: 15min, 1h, 1d, 1w, 1mo, 1y, shift or all (one bucket)."
)
@click.option("--aggregate", "names", multiple=True, help=f"Of these buckets: {', '.join(AGGREGATES)}.")
@click.option("--tz", default="", help="Time zone of the buckets and of given times. [the plant's]")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
@node_options
@json_option
def show(
    *,
    tags: tuple[str, ...],
    start: str,
    end: str,
    at: str | None,
    points: int | None,
    every: str,
    names: tuple[str, ...],
    tz: str,
    as_csv: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Show recorded samples of tags: raw, in buckets with their extremes, or aggregates by the calendar."""
    with told_with_usage():
        zone = Calendar(tz or "UTC").zone()
        since, until = parse_time(at or start, zone=zone), parse_time(end, zone=zone)
    if every:
        wanted = tuple(n for given in names for n in given.split(",") if n) or DEFAULT_AGGREGATES
        asked = AggregateRequest(tags, since, until, every, wanted, tz)
        return show_aggregates(asked, node, "json" if as_json else "csv" if as_csv else "")
    if names:
        raise click.UsageError("--aggregate needs --every, the length of a bucket")
    if at:
        until = since + 1

    async def work(client: Client) -> None:
        for found in await client.query(*tags, start=since, end=until, points=None if at else points):
            series = _in_force(found, since) if at else found
            if as_json:
                json_line(series_json(series))
            elif as_csv:
                _csv(series)
            else:
                _text(series)

    return with_client(work, node)


@history.command()
@click.option("--tag", "tags", required=True, metavar="GLOB", help="Which tags: a path, what is below it, * and ?.")
@click.option("--from", "start", required=True, help="ISO 8601 or relative, as now-6h.")
@click.option("--to", "end", required=True)
@click.option("--comment", default="", help="Why; kept with the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@node_options
@json_option
def delete(*, tags: str, start: str, end: str, comment: str, yes: bool, node: NodeAddress, as_json: bool) -> int:
    """Delete recorded samples for good. Takes the right to configure, and goes on record in the audit."""
    with told_with_usage():
        since, until = [datetime.fromtimestamp(parse_time(text) / 1e9, UTC).isoformat() for text in (start, end)]
    if not yes:
        click.confirm(f"Delete all samples of {tags} from {since} to {until}? They cannot be brought back.", abort=True)

    async def work(client: Client) -> int:
        ack = await client.call(HISTORY, "delete", tags, since, until, comment=comment)
        if as_json:
            json_line({"tags": tags, "from": since, "to": until, "state": ack.state, "reason": ack.reason,
                       "samples": ack.value})  # fmt: skip
        elif ack.state is AckState.DONE:
            click.echo(f"{ack.value} samples deleted")
        else:
            click.echo(f"{str(ack.state).replace('_', ' ')}: {ack.reason}", err=True)
        return ack_exit_code(ack)

    return with_client(work, node)


def _in_force(series: Series, t: int) -> Series:
    """The last sample at or before `t`; a node far away may have been asked for a little more."""
    n = max(1, int(np.searchsorted(series.t, t, "right")))
    last = slice(n - 1, n)
    return replace(
        series,
        t=series.t[last],
        value=series.value[last],
        quality=series.quality[last],
        exact=None if series.exact is None else series.exact[last],
        objects=None if series.objects is None else series.objects[last],
    )


def _rows(series: Series) -> list[tuple[str, str, str, str, str]]:
    values = (
        series.objects if series.objects is not None else (series.exact if series.exact is not None else series.value)
    )
    rows = []
    for i, (t, q) in enumerate(zip(series.t.tolist(), series.quality.tolist(), strict=True)):
        low = "" if series.low is None else f"{series.low[i]:g}"
        high = "" if series.high is None else f"{series.high[i]:g}"
        value = values[i]
        text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
        rows.append((timestamp(t), text if text != "nan" else "", severity(q), low, high))
    return rows


def _csv(series: Series) -> None:
    writer = csv.writer(sys.stdout)
    for t, value, quality, low, high in _rows(series):
        writer.writerow((series.tag, t, value, series.unit, quality, low, high))


def _text(series: Series) -> None:
    click.echo(click.style(f"{series.tag} [{series.unit}]: {len(series.t)} rows", bold=True))
    for t, value, quality, low, high in _rows(series):
        spread = f"  {low} .. {high}" if low else ""
        click.echo(f"{t}  {value or '-':>12}{spread}{'' if quality == 'good' else '  ' + quality}")
