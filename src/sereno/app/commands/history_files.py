"""history export | import: samples of the past as files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sereno.client import Calendar, Client, ImportTally, StagedImport, parse_time
from sereno.model import NotFoundError, TagSpec

from .options import NodeAddress, json_option, node_options, told_with_usage, with_client
from .show import json_line

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("export")
@click.argument("file", type=_FILE)
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--from", "start", default="now-1h", show_default=True, help="ISO 8601 or relative, as now-30d.")
@click.option("--to", "end", default="now", show_default=True)
@click.option("--tz", default="UTC", show_default=True, help="Time zone of given times.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@node_options
@json_option
def export(
    *,
    file: Path,
    tags: tuple[str, ...],
    start: str,
    end: str,
    tz: str,
    force: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Write every sample of tags (paths or globs) to FILE: .csv, .ndjson, .arrow or .parquet by its name.

    Broken off, the same command goes on where it was.
    """
    from sereno.app.historyfile.export import Export, Stage

    with told_with_usage():
        made, zone = Export(file), Calendar(tz).zone()
        since, until = parse_time(start, zone=zone), parse_time(end, zone=zone)
    if file.exists() and not force:
        raise click.UsageError(f"{file} exists; --force replaces it")
    if not file.parent.is_dir():
        raise click.UsageError(f"there is no folder {file.parent} for {file.name}; make it, or choose another")

    async def work(client: Client) -> None:
        names = tuple(spec.path for spec in await client.tags(*tags))
        if not names:
            raise NotFoundError(f"no tag is called {' or '.join(tags)}; `sereno ls` lists those that there are")
        stage = Stage(names, since, until, (start, end, tz))
        begun = made.begun(stage)
        if begun is not None:
            _say(f"goes on after {begun.rows} rows, up to {_iso(begun.end)}")
            stage = begun
        line = _Line()
        rows = await made.run(client, stage, lambda tag, n, t: line.show(f"{tag}: {n} rows, {_iso(t)}"))
        line.end()
        size = made.size()
        if as_json:
            json_line({"file": str(file), "rows": rows, "bytes": size, "tags": len(names)})
        else:
            click.echo(f"{file}: {rows} rows of {len(names)} tags, {size} bytes")

    return with_client(work, node)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--tag", default="", help="The tag, where the file has a time and one further column.")
@click.option("--tz", default="UTC", show_default=True, help="Time zone of times without one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--stopped", is_flag=True, help="The node of --data does not run: write into its history from here.")
@node_options
@json_option
def import_(*, file: Path, tag: str, tz: str, yes: bool, stopped: bool, node: NodeAddress, as_json: bool) -> int:
    """Bring samples of the past from FILE (.csv, .parquet, .arrow) into the history of a node; it goes on record.

    Columns: tag, t, value and perhaps quality and unit, as `export` writes them; or t and a column per tag. What is
    there already is left out, so that it may be done again; broken off or not merged, it goes on where it was.
    """
    from sereno.app.historyfile.bringing import bring
    from sereno.app.historyfile.source import SourceFile
    from sereno.app.historyfile.stopped import bring_stopped

    with told_with_usage():
        Calendar(tz).zone()
    line = _Line()

    def progress(what: str, share: float) -> None:
        line.show(f"{what}: {share:.0%}")

    def agreed(content: SourceFile) -> None:
        if not yes and sys.stdin.isatty():
            click.confirm(f"Bring {content.samples} samples of {len(content.tags)} tags into the history?", abort=True)

    def told(tally: ImportTally) -> None:
        line.end()
        if as_json:
            json_line({"rows": tally.rows, "new": tally.new, "from_ns": tally.first, "to_ns": tally.last})
        else:
            click.echo(f"{tally.rows} samples from {_iso(tally.first)} to {_iso(tally.last)}, {tally.new} new")

    def resumed(found: StagedImport) -> None:
        why = f"; when it was merged last: {found.error}" if found.error else ""
        _say(f"goes on: {found.parts} parts are there{why}")

    def source_of(specs: Mapping[str, TagSpec]) -> SourceFile:
        with told_with_usage():
            return SourceFile(file, tag, tz, specs)

    async def work(client: Client) -> None:
        content = source_of({spec.path: spec for spec in await client.tags()})
        with told_with_usage():
            await asyncio.to_thread(content.look)
        agreed(content)
        source = await asyncio.to_thread(content.source)
        told(await bring(client, source, content, progress, resumed=resumed))

    if not stopped:
        return with_client(work, node)
    if node.url is not None:
        raise click.UsageError("--stopped goes with --data, not with --url")
    with told_with_usage():
        tally = bring_stopped(node.data or Path("data"), source_of, agreed, progress)
    told(tally)
    return 0


class _Line:
    """One line of progress that is written over, on a terminal only."""

    def __init__(self) -> None:
        self._shown = False

    def show(self, text: str) -> None:
        """The present state."""
        if sys.stderr.isatty():
            self._shown = True
            _say(f"\r\x1b[K{text}", newline=False)

    def end(self) -> None:
        """Nothing more comes."""
        if self._shown:
            _say("")


def _say(text: str, **how: Any) -> None:
    click.echo(text, err=True, nl=how.get("newline", True))


def _iso(t: int) -> str:
    return f"{datetime.fromtimestamp(t // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"
