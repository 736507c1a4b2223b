"""Options that several commands share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sereno.app.loading import done

if TYPE_CHECKING:
    from sereno.client import Client


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Which node a client command talks to: --url with a token, or a local node's data folder."""

    url: str | None
    token: str | None
    data: Path | None


def node_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--url, --token, --data, handed to the command as one `node`."""

    @wraps(command)
    def packed(*, url: str | None, token: str | None, data: Path | None, **rest: Any) -> Any:
        return command(node=NodeAddress(url, token, data), **rest)

    folder = click.Path(path_type=Path)
    wrapped: Callable[..., Any] = packed
    for option in (
        click.option("--data", type=folder, default=None, help="Data folder of a local node. [./data]"),
        click.option("--token", envvar="SERENO_TOKEN", default=None, help="Token for --url.", show_envvar=True),
        click.option("--url", envvar="SERENO_URL", default=None, help="Address of a remote node.", show_envvar=True),
    ):
        wrapped = option(wrapped)
    return wrapped


json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line.")


def with_client(work: Callable[[Client], Coroutine[Any, Any, int | None]], node: NodeAddress) -> int:
    """Connect, do `work`, disconnect; its result is the exit code."""
    from sereno.client import UnclearError, connect

    async def connected() -> int:
        async with connect(url=node.url, token=node.token, data=node.data) as client:
            return await work(client) or 0

    done()
    try:
        return asyncio.run(connected())
    except UnclearError as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def told_with_usage() -> Iterator[None]:
    """What is wrong with an option's text (a time, a zone, a name) is told as such, not as a mistake of ours."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def expected_one_of(word: str, known: Iterable[str]) -> str:
    """For a click.BadParameter: the word, what there is, and which of it was likely meant."""
    names = list(known)
    likely = "".join(f". Did you mean {near!r}?" for near in get_close_matches(word, names, 1))
    return f"{word!r}, expected one of {', '.join(names)}{likely}"
