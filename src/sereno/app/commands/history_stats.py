"""history stats: figures of a range of time, and of another one beside it."""

from __future__ import annotations

import math

import click

from sereno.client import Calendar, Client, ControlChart, Statistics, parse_time, statistics_json

from .options import NodeAddress, json_option, node_options, told_with_usage, with_client
from .show import json_line

_BAR = 40
_FIGURES = ("count", "mean", "time_mean", "std", "min", "max", "good", "lower", "upper", "beyond")


@click.command()
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--from", "start", default="now-1d", show_default=True, help="ISO 8601 or relative, as now-7d.")
@click.option("--to", "end", default="now", show_default=True)
@click.option("--beside", help="Also a period of the same length that begins then, to compare with.")
@click.option("--bins", type=click.IntRange(1, 1000), default=10, show_default=True, help="Of the histogram.")
@click.option("--tz", default="UTC", show_default=True, help="Time zone of given times.")
@node_options
@json_option
def stats(
    *,
    tags: tuple[str, ...],
    start: str,
    end: str,
    beside: str | None,
    bins: int,
    tz: str,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Figures of number tags: mean, deviation, extremes, histogram, limits of an individuals chart, correlations."""
    with told_with_usage():
        zone = Calendar(tz).zone()
        since, until = parse_time(start, zone=zone), parse_time(end, zone=zone)
        other = parse_time(beside, zone=zone) if beside else None

    async def work(client: Client) -> None:
        found = [await client.statistics(*tags, start=since, end=until, bins=bins)]
        if other is not None:
            found.append(await client.statistics(*tags, start=other, end=other + until - since, bins=bins))
        for one in found if as_json else ():
            json_line(statistics_json(one))
        if not as_json:
            _show(found)

    return with_client(work, node)


def _show(found: list[Statistics]) -> None:
    for number, tag in enumerate(found[0].tags):
        click.echo(click.style(f"{tag.tag} [{tag.unit}]", bold=True))
        for name in _FIGURES:
            values = [getattr(one.tags[number], name) for one in found]
            click.echo("  ".join([f"{name:>12}", *(f"{_text(v):>12}" for v in values), _change(name, values)]).rstrip())
        for one in (period.tags[number].chart for period in found):
            _show_chart(one)
        most = max(tag.seconds, default=0.0)
        for low, high, seconds in zip(tag.edges, tag.edges[1:], tag.seconds, strict=False):
            bar = "#" * round(_BAR * seconds / most) if most else ""
            click.echo(f"{low:>12.5g} .. {high:<12.5g}{seconds:>12.0f} s  {bar}".rstrip())
    if len(found[0].tags) > 1:
        click.echo(click.style(f"correlation of means in {found[0].buckets} parts", bold=True))
        for tag, row in zip(found[0].tags, found[0].correlation, strict=True):
            click.echo("  ".join([*(f"{_text(r):>8}" for r in row), tag.tag]))


def _show_chart(chart: ControlChart) -> None:
    """Limits of the means and ranges of subgroups, and how many are beyond."""
    low, high = _text(chart.mean_lower), _text(chart.mean_upper)
    of = f"of {chart.count} groups of {chart.size} beyond"
    click.echo(f"{'X-bar':>12}  {_text(chart.mean):>12}  {low} .. {high}: {chart.means_beyond} {of}")
    click.echo(f"{'R':>12}  {_text(chart.range):>12}  0 .. {_text(chart.range_upper)}: {chart.ranges_beyond} {of}")


def _change(name: str, values: list[float]) -> str:
    if len(values) < 2 or name in {"count", "beyond"}:
        return ""
    return f"{values[0] - values[1]:+.4g}" if all(math.isfinite(v) for v in values) else ""


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.5g}"
