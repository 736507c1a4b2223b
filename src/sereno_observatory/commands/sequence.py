"""observatory sequence add, list, show, cancel: what is to be observed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sereno.client import connect, done, iso_time
from sereno.model import ConfigurationError, Fault, SystemClock

BOOK = "observatory/sequences"
STATUSES = (
    "TOBEPLANNED", "PLANNED", "UNPLANNABLE", "EXECUTING", "EXECUTED", "ABORTED", "FAILED", "CANCELLED", "EXPIRED",
)  # fmt: skip
"""Those of `sequences.status`, which a test compares: to ask for help loads no book."""


@click.group()
def sequence() -> None:
    """Sequences: what is to be observed, and how it fares."""


def node_options(work: Callable[..., Any]) -> Callable[..., Any]:
    """--url, --token, --data of the node, handed on as `call`: a command of the book and its arguments -> result."""

    @wraps(work)
    def packed(*, url: str | None, token: str | None, data: Path | None, **rest: Any) -> Any:
        def call(name: str, *arguments: Any) -> Any:
            return asyncio.run(called(url, token, data, name, arguments))

        return work(call=call, **rest)

    return connection_options(packed)


def connection_options(work: Callable[..., Any]) -> Callable[..., Any]:
    """--url, --token, --data of the node, and --json as `as_json`."""
    wrapped = work
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line."),
        click.option(
            "--data", type=click.Path(path_type=Path), default=None, help="Data folder of a local node. [./data]"
        ),
        click.option("--token", envvar="SERENO_TOKEN", default=None, help="Token for --url.", show_envvar=True),
        click.option("--url", envvar="SERENO_URL", default=None, help="Address of a remote node.", show_envvar=True),
    ):
        wrapped = option(wrapped)
    return wrapped


async def called(url: str | None, token: str | None, data: Path | None, name: str, arguments: tuple[Any, ...]) -> Any:
    """The result of a command of the node's book; what is added is its caller's. Raises SerenoError."""
    async with connect(url=url, token=token, data=data) as client:
        return done(await client.call(BOOK, name, *arguments)).value


@sequence.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--for", "account", default="", metavar="NAME", help="In the name of another, by an overriding level.")
@node_options
def add(*, call: Callable[..., Any], files: tuple[Path, ...], account: str, as_json: bool) -> int:
    """Add the sequences of FILES, in TOML, JSON or as request files (XML). All of a file, or none."""
    for file in files:
        numbers = call("add", _checked(file), *([account] if account else []))
        for number in numbers:
            click.echo(json.dumps({"id": number, "file": str(file)}) if as_json else f"sequence {number} added")
    return 0


@sequence.command(name="list")
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only those of this status.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@node_options
def list_sequences(*, call: Callable[..., Any], status: str | None, limit: int, as_json: bool) -> int:
    """The newest sequences, newest first."""
    for entry in json.loads(call("find", status or "", limit)):
        click.echo(json.dumps(entry) if as_json else _line(entry))
    return 0


@sequence.command()
@click.argument("number", type=int)
@node_options
def show(*, call: Callable[..., Any], number: int, as_json: bool) -> int:
    """One sequence: what was asked, what was taken, and how it has fared."""
    text = call("show", number)
    if as_json:
        click.echo(text)
        return 0
    entry = json.loads(text)
    click.echo(_line(entry))
    for album in entry["sequence"]["albums"]:
        for plan in album["plans"]:
            click.echo(f"  {album['detector']}: {plan['images']} x {plan['exposure']:g} s {plan['filter']}".rstrip())
    for image in entry["images"]:
        click.echo(f"  {_second(image['t_start'])}  {image['file']}  {image['note']}".rstrip())
    for change in entry["changes"]:
        click.echo(f"  {_second(change['t'])}  {change['status']}  {change['why']}".rstrip())
    return 0


@sequence.command()
@click.argument("number", type=int)
@click.option("--why", default="", help="For the record.")
@node_options
def cancel(*, call: Callable[..., Any], number: int, why: str, as_json: bool) -> int:
    """Cancel a sequence, also while it is executed."""
    status = call("cancel", number, why)
    click.echo(json.dumps({"id": number, "status": status}) if as_json else f"sequence {number}: {status}")
    return 0


def _checked(file: Path) -> str:
    """The text of a file that can be read as sequences: faults are told here, with the file's name."""
    from sereno_observatory.sequences import read_sequences

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is not UTF-8, {error}"
        raise ConfigurationError([Fault(str(file), f"cannot be read: {why}")]) from None
    read_sequences(text, SystemClock().wall_ns(), str(file))
    return text


def _second(t_ns: int) -> str:
    """UTC to the second; --json has all of it."""
    return f"{iso_time(t_ns) or '':.19}Z"


def _line(entry: dict[str, Any]) -> str:
    asked = entry["sequence"]
    planned = sum(plan["images"] for album in asked["albums"] for plan in album["plans"])
    window = f"{_second(asked['t_start'])} to {_second(asked['t_end'])}"
    head = f"{entry['id']:>5}  {entry['status']:<11}  {asked['name']}  {len(entry['images'])} of {planned} images"
    return f"{head}  {window}  {entry['why']}".rstrip()
