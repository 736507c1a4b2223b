"""alarm report: the figures of ISA-18.2 as a text to hand over, each beside what the standard recommends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from sereno.client import AlarmFigures, Client

from .alarm_figures import FROM, TO, bounds
from .options import NodeAddress, node_options, with_client

PLENTY = 2.0
SELDOM = 0.01
URGENT = 0.2
"""At most so many alarms for an operator in ten minutes, share of time, and share of the first two priorities."""


@click.command(name="report")
@FROM
@TO
@click.option("--operators", default=1, show_default=True, type=click.IntRange(1), help="People who share the alarms.")
@node_options
def report_figures(*, start: str, end: str, operators: int, node: NodeAddress) -> int:
    """The figures over a time as a report in Markdown, with what ISA-18.2 recommends."""
    first, last = bounds(start, end)

    async def work(client: Client) -> None:
        found = await client.alarm.figures(first, last, client.actor, operators=operators)
        click.echo("\n".join(report(found)))

    return with_client(work, node)


def report(found: AlarmFigures) -> Iterator[str]:
    """The lines of the report."""
    yield f"# Alarms of {_day(found.start)} to {_day(found.end)}"
    yield f"\n{found.annunciated} alarms, {found.operators} operator{'s' if found.operators > 1 else ''}.\n"
    yield "| figure | found | recommended | met |"
    yield "|---|---|---|---|"
    for name, shown, wanted, met in _rows(found):
        yield f"| {name} | {shown} | {wanted} | {'yes' if met else '**no**'} |"
    yield from _table(
        "Priorities", [(p if p != "0" else "draft", n, _share(n, found)) for p, n in found.priorities.items()]
    )
    yield from _table("Most frequent", [(name, n, _percent(share)) for name, n, share in found.top])
    yield from _table("Chattering", [(name, n, "") for name, n in found.chattering])
    yield from _table("Standing for more than a day", [(name, f"{s / 3600:.0f} h", "") for name, s in found.stale])


def _rows(found: AlarmFigures) -> Iterator[tuple[str, str, str, bool]]:
    per_10 = found.per_10_min
    yield "per operator and 10 minutes", f"{per_10:.2f}", "1, at most 2", per_10 <= PLENTY
    over, flood = found.over_10_share, found.flood_share
    yield "share of 10 minutes with more than 10", _percent(over), "under 1 %", over < SELDOM
    yield f"time in flood ({found.floods} floods)", _percent(flood), "under 1 %", flood < SELDOM
    yield "alarms that chatter", str(len(found.chattering)), "none", not found.chattering
    yield "alarms that stand for more than a day", str(len(found.stale)), "under 5", len(found.stale) < 5
    urgent = sum(n for p, n in found.priorities.items() if p in ("1", "2")) / max(1, found.annunciated)
    yield "share of priorities 1 and 2", _percent(urgent), "about 5 %", urgent <= URGENT


def _table(title: str, rows: list[tuple[str, int | str, str]]) -> Iterator[str]:
    if rows:
        yield f"\n## {title}\n\n| {'priority' if title == 'Priorities' else 'alarm'} | | |\n|---|---|---|"
        for name, count, share in rows:
            yield f"| {name} | {count} | {share} |"


def _share(count: int, found: AlarmFigures) -> str:
    return _percent(count / max(1, found.annunciated))


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _day(t: int) -> str:
    return f"{datetime.fromtimestamp(t / 1e9, UTC):%Y-%m-%d %H:%M}"
