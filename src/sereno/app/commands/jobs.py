"""job list, show, run, stop, pause, resume: declared sequences of steps, and what became of their runs."""

from __future__ import annotations

import click

from sereno.client import Client, JobColumn, JobDetail, JobRun, JobStatus, job_detail_json, job_json, run_json
from sereno.model import AckState, NoAnswerError

from .live import ack_exit_code
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp

LOOK = 0.1
LONGEST = 3600.0
BRIEF = 70
"""Characters of an outcome in a table."""
FINE = ("done", "warned")


@click.group()
def job() -> None:
    """Jobs: declared sequences of steps, run on a schedule or when somebody asks for it."""


@job.command(name="list")
@node_options
@json_option
def list_jobs(*, node: NodeAddress, as_json: bool) -> int:
    """Every job: what it does now, when it runs next, how its last run ended."""

    async def work(client: Client) -> None:
        found = await client.jobs()
        if as_json:
            for status in found:
                json_line(job_json(status))
            return
        heads = ("job", "state", "when", "next", "runs", "failed", "last", "took", "outcome")
        table(heads, [_row(status) for status in found], right=(4, 5, 7))

    return with_client(work, node)


@job.command()
@click.argument("name", metavar="JOB")
@node_options
@json_option
def show(*, name: str, node: NodeAddress, as_json: bool) -> int:
    """One job: its last run step by step, who of the fleet said what, and its earlier runs."""

    async def work(client: Client) -> None:
        detail = await client.job.job(name, client.actor)
        if as_json:
            json_line(job_detail_json(detail))
        else:
            _show(detail)

    return with_client(work, node)


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--no-wait", is_flag=True, help="Return when it has begun rather than when it is over.")
@node_options
@json_option
def run(*, name: str, no_wait: bool, node: NodeAddress, as_json: bool) -> int:
    """Run a job now, also one that is paused; exit code 1 if the run fails."""

    async def work(client: Client) -> int:
        detail = await client.job.job(name, client.actor)
        ack = await client.call(detail.status.path, "run")
        if ack.state is not AckState.DONE:
            click.echo(f"{str(ack.state).replace('_', ' ')}: {ack.reason}", err=True)
            return ack_exit_code(ack)
        if no_wait:
            return 0
        found = await _ended(client, name, int(ack.value))
        if as_json:
            json_line(run_json(found))
        else:
            _steps(found)
        return 0 if found.outcome in FINE else 1

    return with_client(work, node)


@job.command()
@click.argument("name", metavar="JOB")
@node_options
def stop(*, name: str, node: NodeAddress) -> int:
    """Stop the run under way; commands that it has sent go on."""
    return _order(name, "stop", node)


@job.command()
@click.argument("name", metavar="JOB")
@node_options
def pause(*, name: str, node: NodeAddress) -> int:
    """No more runs by its schedule, until it is resumed; also over a restart of the node."""
    return _order(name, "pause", node)


@job.command()
@click.argument("name", metavar="JOB")
@node_options
def resume(*, name: str, node: NodeAddress) -> int:
    """By its schedule again."""
    return _order(name, "resume", node)


def _order(name: str, command: str, node: NodeAddress) -> int:
    async def work(client: Client) -> int:
        detail = await client.job.job(name, client.actor)
        ack = await client.call(detail.status.path, command, timeout=30.0)
        if ack.state is not AckState.DONE:
            click.echo(f"{str(ack.state).replace('_', ' ')}: {ack.reason}", err=True)
        return ack_exit_code(ack)

    return with_client(work, node)


async def _ended(client: Client, name: str, number: int) -> JobRun:
    """The run of this number, once it is over. Raises NoAnswerError."""
    async with client.clock.timeout(LONGEST):
        while True:
            detail = await client.job.job(name, client.actor)
            for one in detail.runs:
                if one.number == number:
                    return one
            if detail.status.runs > number:
                raise NoAnswerError(f"run {number} of {name} is over and forgotten")
            await client.clock.sleep(LOOK)


def _row(status: JobStatus) -> tuple[str, ...]:
    last = status.last
    told = ("-", "", "never run") if last is None else (timestamp(last.began), _took(last), _briefly(last))
    state = f"step {status.under_way} of {status.steps}" if status.under_way else status.state
    counts = (str(status.runs), str(status.failed))
    return (status.name, state, status.when, timestamp(status.next), *counts, *told)


def _show(detail: JobDetail) -> None:
    status = detail.status
    click.echo(f"{status.name}: {status.description or status.path}, as {status.actor}")
    click.echo(
        f"{status.state}, {status.when}, next {timestamp(status.next)}, {status.runs} runs, {status.failed} failed"
    )
    if status.last is not None:
        click.echo("")
        _steps(status.last)
    if detail.table:
        click.echo("")
        _members(detail.table)
    if len(detail.runs) > 1:
        click.echo("")
        rows = [(str(r.number), timestamp(r.began), _took(r), _began_by(r), _briefly(r)) for r in detail.runs[1:11]]
        table(("run", "began", "took", "by", "outcome"), rows, right=(0, 2))


def _steps(run: JobRun) -> None:
    click.echo(f"run {run.number} at {timestamp(run.began)}, {_began_by(run)}: {_briefly(run)}, {_took(run)}")
    rows = [(str(at), s.text or s.do, s.state, f"{s.seconds:.2f} s", s.words) for at, s in enumerate(run.steps, 1)]
    table(("", "step", "", "took", "what came of it"), rows, right=(0, 3))


def _members(columns: tuple[JobColumn, ...]) -> None:
    names = sorted({name for column in columns for name in column.by_member})
    rows = [(name, *(_cell(column.by_member.get(name)) for column in columns)) for name in names]
    totals = [_cell(c.value) + ("" if c.quality in ("good", "") else f" ({c.quality})") for c in columns]
    table(("member", *(column.title for column in columns)), [*rows, ("all", *totals)])


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_cell(one) for one in value)
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _took(run: JobRun) -> str:
    return f"{run.seconds:.2f} s"


def _outcome(run: JobRun) -> str:
    return run.outcome.replace("_", " ") + (f": {run.reason}" if run.reason else "")


def _briefly(run: JobRun) -> str:
    text = _outcome(run)
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 3]}..."


def _began_by(run: JobRun) -> str:
    return f"{run.why} by {run.by}" if run.by else run.why
