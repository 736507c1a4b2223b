"""report list|show|run|cancel: reports of a running node."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sereno.client import (
    Client,
    ReportOrder,
    ReportRun,
    ReportState,
    ReportStatus,
    report_json,
    report_run_json,
)
from sereno.model import OperationError

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp

POLL = 0.2
PERIOD = "2026-11-27, 2026-11, 2026-W48 or 2026-11-27T06:00 by the clock of the plant; last, or now = so far."


@click.group()
def report() -> None:
    """Reports: what the plant did in a day, a shift or a month, made on time, kept, and sent."""


@report.command(name="list")
@node_options
@json_option
def list_reports(*, node: NodeAddress, as_json: bool) -> int:
    """What is declared, when it is due next, what became of the last; exit code 1 if one has a problem."""

    async def work(client: Client) -> int:
        found = await client.reports.reports(client.actor)
        if as_json:
            for one in found:
                json_line(report_json(one))
        else:
            table(("report", "period", "next due", "last", "state", "problem"), [_line(one) for one in found])
        return int(any(one.problem for one in found))

    return with_client(work, node)


@report.command()
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="The newest so many.")
@node_options
@json_option
def show(*, name: str, limit: int, node: NodeAddress, as_json: bool) -> int:
    """What was made of report NAME and where it went, the newest at the end."""

    async def work(client: Client) -> None:
        runs = list(reversed(await client.reports.runs(name, client.actor, limit=limit)))
        if as_json:
            for one in runs:
                json_line(report_run_json(one))
        else:
            table(("period", "made", "state", "by", "files", "outcome"), [_run(one) for one in runs])

    return with_client(work, node)


@report.command()
@click.argument("name")
@click.option("--period", default="last", show_default=True, help=PERIOD)
@click.option("--to", "folder", type=click.Path(path_type=Path), default=None, help="Write the files here.")
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(("html", "csv")), help="Only this; may be given twice."
)
@click.option("--send", is_flag=True, help="Send it to those who get it by the plant file.")
@node_options
@json_option
def run(
    *,
    name: str,
    period: str,
    folder: Path | None,
    formats: tuple[str, ...],
    send: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Make report NAME now. The node keeps it; --to writes its files on this machine too."""
    wanted = ReportOrder(report=name, period=period, formats=formats, send=send)

    async def work(client: Client) -> int:
        try:
            made = await _made(client, await client.reports.order(wanted, client.actor))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--period") from None
        if made.state is not ReportState.MADE:
            raise OperationError(f"report {name!r} of {made.key} was not made: {made.error or made.state}")
        written = [await _write(client, made, file, folder) for file in made.files] if folder else []
        if as_json:
            json_line({**report_run_json(made), "written": [str(path) for path in written]})
        else:
            click.echo("\n".join(map(str, written or made.files)))
        return 0

    return with_client(work, node)


@report.command()
@click.argument("name")
@click.argument("key")
@node_options
@json_option
def cancel(*, name: str, key: str, node: NodeAddress, as_json: bool) -> int:
    """Do not make report NAME of the period KEY, or do not send it any more."""

    async def work(client: Client) -> None:
        await client.reports.cancel(name, key, client.actor)
        json_line({"ended": key}) if as_json else click.echo(f"{name} of {key} is cancelled")

    return with_client(work, node)


async def _made(client: Client, run: ReportRun) -> ReportRun:
    """Wait until it is made. Who interrupts this leaves it to the node."""
    while run.state in (ReportState.DUE, ReportState.MAKING):
        await client.clock.sleep(POLL)
        runs = await client.reports.runs(run.report, client.actor, limit=100)
        run = next((one for one in runs if one.key == run.key), run)
    return run


async def _write(client: Client, run: ReportRun, name: str, folder: Path) -> Path:
    data = await client.reports.file(run.report, name, client.actor)
    try:
        await asyncio.to_thread(_put, folder, name, data)
    except OSError as error:
        raise OperationError(f"{folder / name} cannot be written: {error.strerror}") from None
    return folder / name


def _put(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def _line(one: ReportStatus) -> tuple[str, ...]:
    last = one.last
    period = f"{one.period} at {one.at}" if one.at else one.period
    return (
        one.name,
        period,
        timestamp(one.next_due),
        last.key if last else "-",
        last.state if last else "-",
        one.problem,
    )


def _run(one: ReportRun) -> tuple[str, ...]:
    sent = [f"{d.person or d.way}: {d.outcome or d.state}" for d in one.deliveries]
    notes = ["late"] if one.late else []
    notes += [f"{one.skipped} before it were not made"] if one.skipped else []
    outcome = "; ".join([*filter(None, [one.error]), *notes, *sent])
    return one.key, timestamp(one.made), str(one.state), one.actor or "-", str(len(one.files)), outcome
