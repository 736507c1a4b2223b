"""audit list|verify|export: who did what, and whether the record is whole; at the machine's own console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sereno.app.datafolder import DataFolder
from sereno.app.installation import open_existing
from sereno.client import parse_time
from sereno.model import OperationError, SystemClock
from sereno.wire.jsonvalue import json_bytes

from .options import json_option
from .show import json_line, table, timestamp
from .users import data_option

if TYPE_CHECKING:
    from sereno.store.audit import AuditLog, AuditQuery, AuditRecord


@click.group()
def audit() -> None:
    """The audit of the installation in a data folder: who did what, when, from where, with which outcome.

    Reads the installation's own files, whether the node runs or not, and changes nothing.
    """


def query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--who, --action, --target, --since, --until, handed to the command as one `query`."""

    @wraps(command)
    def packed(*, who: str, action: str, target: str, since: str | None, until: str | None, **rest: Any) -> Any:
        from sereno.store.audit import AuditQuery

        times = {"since": _time("--since", since), "until": _time("--until", until)}
        return command(query=AuditQuery(who=who, action=action, target=target, **times), **rest)

    wrapped: Callable[..., Any] = packed
    for option in (
        click.option("--until", default=None, help="Before this time."),
        click.option("--since", default=None, help="From this time on: ISO 8601, or relative as now-6h."),
        click.option("--target", default="", help="Of this tag, person or file; with * of all that match."),
        click.option("--action", default="", help="This act, such as write, sign_in or 'user.*'."),
        click.option("--who", default="", help="By this actor; with * by all that match."),
    ):
        wrapped = option(wrapped)
    return wrapped


def _time(option: str, given: str | None) -> int | None:
    try:
        return None if given is None else parse_time(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def with_audit(data: Path, work: Callable[[AuditLog], Awaitable[int]]) -> int:
    """Open the data folder's audit to look at, do `work`, close; its result is the exit code."""
    from sereno.store.audit import AuditLog

    async def opened() -> int:
        store = await asyncio.to_thread(open_existing, DataFolder(data), look=True)
        try:
            return await work(AuditLog(store, SystemClock()))
        except ValueError as error:
            raise OperationError(str(error)) from None
        finally:
            await store.close()

    return asyncio.run(opened())


@audit.command(name="list")
@query_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="The newest so many.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, the oldest first.")
@data_option
@json_option
def list_records(*, query: AuditQuery, limit: int, as_csv: bool, data: Path, as_json: bool) -> int:
    """Show records, the newest at the end."""

    async def work(log: AuditLog) -> int:
        records = list(reversed(await log.entries(query, limit=limit)))
        if as_csv:
            from sereno.web.audit_text import csv_lines

            click.echo(csv_lines(records, header=True), nl=False)
        elif as_json:
            from sereno.web.audit_text import record_json

            for record in records:
                json_line(record_json(record))
        else:
            headers = ("number", "time", "who", "from", "act", "of", "old -> new", "outcome")
            table(headers, [_row(record) for record in records], right=(0,))
        return 0

    return with_audit(data, work)


def _row(record: AuditRecord) -> tuple[str, ...]:
    change = "" if record.old is None and record.new is None else f"{_short(record.old)} -> {_short(record.new)}"
    outcome = f"{record.outcome} ({record.comment})" if record.comment else record.outcome
    return (
        str(record.seq),
        timestamp(record.t),
        record.actor,
        record.origin,
        record.action,
        record.target,
        change,
        outcome,
    )


def _short(value: Any) -> str:
    text = "-" if value is None else json_bytes(value).decode()
    return text if len(text) <= 40 else f"{text[:37]}..."


@audit.command()
@click.option("--from", "first", default=1, type=click.IntRange(1), help="From this record on. [the first]")
@data_option
@json_option
def verify(*, first: int, data: Path, as_json: bool) -> int:
    """Check every record against the chain and the chain against its anchor.

    Exit code 1 if one was edited, deleted, moved, cut off or put in; the first such record is named.
    """

    async def work(log: AuditLog) -> int:
        found = await log.verify(first)
        if as_json:
            from sereno.web.audit_text import verification_json

            json_line(verification_json(found))
        else:
            for finding in found.findings:
                click.echo(f"record {finding.seq}: {finding.text}")
            click.echo(f"NOT WHOLE, first at record {found.findings[0].seq}" if found.findings else str(found))
        return 0 if found.whole else 1

    return with_audit(data, work)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@query_options
@data_option
def export(*, file: Path, query: AuditQuery, data: Path) -> int:
    """Write the records to FILE, the oldest first: CSV if it ends in .csv, else one JSON object a line."""
    from sereno.web.audit_text import csv_lines, json_lines

    as_csv = file.suffix == ".csv"

    async def work(log: AuditLog) -> int:
        count = 0
        try:
            with file.open("xb") as out:
                out.write(csv_lines([], header=True) if as_csv else b"")
                async for records in _pages(log.all(query)):
                    out.write(csv_lines(records) if as_csv else json_lines(records))
                    count += len(records)
        except FileExistsError:
            raise OperationError(f"{file} exists; choose another name") from None
        except OSError as error:
            raise OperationError(f"cannot write {file}: {error.strerror}") from None
        click.echo(f"{count} records in {file}")
        return 0

    return with_audit(data, work)


async def _pages(records: AsyncIterator[AuditRecord]) -> AsyncIterator[list[AuditRecord]]:
    from sereno.store.audit import AT_ONCE

    page: list[AuditRecord] = []
    async for record in records:
        page.append(record)
        if len(page) == AT_ONCE:
            yield page
            page = []
    if page:
        yield page
