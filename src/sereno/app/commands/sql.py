"""sql: questions in SQL about the whole history of a local node, running or not."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from sereno.app.datafolder import DataFolder
from sereno.model import OperationError

from .options import json_option
from .show import json_line


@click.command()
@click.argument("query", required=False)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), help="Data folder. [./data]")
@click.option("--save", type=click.Path(path_type=Path), help="A new file that plain DuckDB opens.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Rows shown at most.")
@json_option
def sql(*, query: str | None, data: Path, save: Path | None, limit: int, as_json: bool) -> int:
    """Ask DuckDB: tables samples, texts, tags, rollup_1m, rollup_1h, rollup_1d. Nothing of the history can be changed.

    Whoever may read the data folder may ask. What was recorded since the start of the question is not in it.
    """
    import duckdb

    from sereno.historian.cold.reading import DamagedError
    from sereno.historian.cold.tables import open_tables

    if not query and not save:
        raise click.UsageError("a QUERY, or --save FILE")
    folder = DataFolder(data).history
    if not folder.is_dir():
        raise OperationError(f"no history in {data}; give --data")
    if save is not None and save.exists():
        raise OperationError(f"{save} is there already; give the name of a new file")
    try:
        with open_tables(folder, str(save) if save else ":memory:") as connection:
            if query:
                _check(connection, query)
                _show(connection.execute(query), limit, as_json=as_json)
    except (duckdb.Error, DamagedError) as error:
        raise OperationError(str(error)) from error
    return 0


def _check(connection: Any, query: str) -> None:
    """Raises OperationError for what is not one question."""
    import duckdb

    asked = connection.extract_statements(query)
    if len(asked) != 1 or asked[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise OperationError("one SELECT is expected; nothing can be changed or written here")


def _show(result: Any, limit: int, *, as_json: bool) -> None:
    names = [column[0] for column in result.description or ()]
    rows = result.fetchmany(limit + 1)
    for row in rows[:limit]:
        values = [_plain(v) for v in row]
        if as_json:
            json_line(dict(zip(names, values, strict=True)))
        else:
            click.echo("  ".join("-" if v is None else str(v) for v in values))
    if len(rows) > limit:
        click.echo(f"only the first {limit} rows; ask for more with --limit", file=sys.stderr)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
