"""logs: what a node of this machine has logged, and what it logs now."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from .options import json_option

FOLLOW = 0.25
COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}
SHOWN = ("timestamp", "level", "logger", "event", "exception")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True, help="Data folder.")
@click.option("--module", default="", metavar="NAME", help="Of this part and what is below it: alarms, sereno.web.")
@click.option("--agent", "about", default="", metavar="NAME", help="About this agent, actor, device, guard or task.")
@click.option("--level", type=click.Choice(["debug", "info", "warning", "error"]), default=None, help="At least.")
@click.option("--since", default=None, metavar="TIME", help="now-1h, or ISO 8601.")
@click.option("--text", default="", metavar="WORDS", help="With these words anywhere.")
@click.option("--last", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Lines at most.")
@click.option("--all", "whole", is_flag=True, help="All lines, however many.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--for", "seconds", type=float, default=None, help="Follow for so many seconds.")
@json_option
def logs(
    *,
    data: Path,
    module: str,
    about: str,
    level: str | None,
    since: str | None,
    text: str,
    last: int,
    whole: bool,
    follow: bool,
    seconds: float | None,
    as_json: bool,
) -> int:
    """Show the log files of a node, which need not run. They are in DATA/logs."""
    from sereno.app.datafolder import DataFolder
    from sereno.app.logfiles.reading import LogTail
    from sereno.app.logfiles.wanted import WantedLines
    from sereno.client import iso_time, parse_time
    from sereno.model import NotFoundError, SystemClock

    try:
        start = (iso_time(parse_time(since, SystemClock())) or "") if since else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    folder = DataFolder(data).logs
    if not folder.is_dir():
        raise NotFoundError(f"there are no logs in {data}; give the --data of a node that ran here")
    wanted, tail = WantedLines(module, about, level or "", start, text), LogTail(folder)
    first = taken(tail.lines(), wanted)
    for entry, line in first if whole else deque(first, last):
        _show(entry, line, as_json=as_json)

    async def go_on(stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            for entry, line in taken(tail.lines(), wanted):
                _show(entry, line, as_json=as_json)
            await until(stopped, FOLLOW)

    if follow or seconds is not None:
        from sereno.app.stopping import first_of, run_until_stopped, until

        run_until_stopped(lambda stopped: first_of(go_on(stopped), until(stopped, seconds)))
    tail.close()
    if tail.missed:
        click.echo(f"{tail.missed} files were cleared before they could be read", err=True)
    return 0


def taken(lines: Iterator[str], wanted: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Those that are wanted, each with what it says; a torn one says only itself."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        entry = entry if isinstance(entry, dict) else {"event": line}
        if wanted.takes(entry, line):
            yield entry, line


def _show(entry: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(line)
        return
    level, event = str(entry.get("level", "")), _printable(entry.get("event", ""))
    more = " ".join(f"{key}={_printable(value)}" for key, value in entry.items() if key not in SHOWN)
    head = f"{str(entry.get('timestamp', ''))[:23]} {click.style(level.ljust(7), fg=COLOURS.get(level))}"
    click.echo(f"{head} {click.style(event, bold=True)}" + (f"  {more}" if more else "") + _module(entry))
    for row in str(entry.get("exception", "")).splitlines():
        click.echo(f"    {_printable(row)}")


def _module(entry: dict[str, Any]) -> str:
    name = _printable(entry.get("logger", ""))
    return click.style(f"  [{name}]", dim=True) if name else ""


def _printable(value: Any) -> str:
    """Without characters that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in str(value))
