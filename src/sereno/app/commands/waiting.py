"""command list|execute|approve|sign|decline|cancel: commands that wait for people; and put's way through them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from sereno.client import Client, WaitingCommand, WaitsFor, connect, connect_as, waiting_json
from sereno.model import Ack, AckState, DeniedError, Marks, NotFoundError, OperationError, RefusedError, Say, Verb

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp

POLL = 0.3
Act = Callable[[Client, WaitingCommand], Awaitable[None]]
which = click.argument("which", metavar="KEY|TAG")
Existing = click.Path(exists=True, dir_okay=False, path_type=Path)
yes_option = click.option("--yes", is_flag=True, help="Do not ask. [asks on a terminal only]")


@click.group()
def command() -> None:
    """Commands that wait for people: to be executed, approved by a second person, or signed."""


@command.command(name="list")
@node_options
@json_option
def list_waiting(*, node: NodeAddress, as_json: bool) -> int:
    """What waits, for whom, and what you may do about it."""

    async def work(client: Client) -> None:
        found = await client.waiting()
        if as_json:
            for one in found:
                json_line(waiting_json(one))
            return
        heads = ("command", "old", "new", "by", "waits for", "until", "you may", "key")
        table(heads, [_row(one) for one in found])

    return with_client(work, node)


@command.command()
@which
@yes_option
@node_options
@json_option
def execute(*, which: str, yes: bool, node: NodeAddress, as_json: bool) -> int:
    """Let your own command go; all is checked again. WHICH is its key, the begin of it, or its tag."""

    async def act(client: Client, one: WaitingCommand) -> None:
        await client.execute(one.key)

    return _act(Say.EXECUTE, which, act, node, as_json=as_json, asks=not yes)


@command.command()
@which
@click.option("--comment", default="", help="Kept with the record.")
@yes_option
@node_options
@json_option
def approve(*, which: str, comment: str, yes: bool, node: NodeAddress, as_json: bool) -> int:
    """Agree to the command of somebody else, as a second person."""

    async def act(client: Client, one: WaitingCommand) -> None:
        await client.approve(one.key, comment=comment)

    return _act(Say.APPROVE, which, act, node, as_json=as_json, asks=not yes)


@command.command()
@which
@click.option("--as", "name", default="", help="Who signs. [who the token is of]")
@click.option("--meaning", default="", help="What the signature means. [the only one there is, else asked for]")
@click.option("--comment", default="", help="Kept with the record of an approval.")
@click.option("--password-file", type=Existing, help="Its first line is the password. [asked for on a terminal]")
@yes_option
@node_options
@json_option
def sign(
    *,
    which: str,
    name: str,
    meaning: str,
    comment: str,
    password_file: Path | None,
    yes: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Sign with your password: your own command goes, that of somebody else is approved.

    It signs you in for that and out again, as only a person who is signed in signs. With --as it needs no token.
    """

    async def work() -> int:
        who = name or await _person(node)
        password = _password(who, password_file)
        async with connect_as(who, password, url=node.url, data=node.data) as client:
            one = await _find(client, which)
            say, meant = _signable(one, who), _meaning(one, meaning)
            if not (yes or as_json) and sys.stdin.isatty():
                click.confirm(f"{_sentence(one)}\nSign it as {meant!r}?", abort=True, err=True)
            if say is Say.EXECUTE:
                await client.execute(one.key, password=password, meaning=meant)
            else:
                await client.approve(one.key, password=password, meaning=meant, comment=comment)
        if as_json:
            json_line({"key": one.key, "target": one.target, "act": say, "meaning": meant, "by": who})
        else:
            click.echo(f"{_sentence(one)}: {say}, signed by {who} as {meant!r}")
        return 0

    return asyncio.run(work())


@command.command()
@which
@click.option("--reason", required=True, help="Why not; its actor is told.")
@node_options
@json_option
def decline(*, which: str, reason: str, node: NodeAddress, as_json: bool) -> int:
    """Refuse the command of somebody else, or take a hold away."""

    async def act(client: Client, one: WaitingCommand) -> None:
        await client.decline(one.key, reason=reason)

    return _act(Say.DECLINE, which, act, node, as_json=as_json)


@command.command()
@which
@node_options
@json_option
def cancel(*, which: str, node: NodeAddress, as_json: bool) -> int:
    """Withdraw your own command."""

    async def act(client: Client, one: WaitingCommand) -> None:
        await client.cancel(one.key)

    return _act(Say.CANCEL, which, act, node, as_json=as_json)


async def _person(node: NodeAddress) -> str:
    async with connect(url=node.url, token=node.token, data=node.data) as client:
        return client.actor.name.partition(":")[0]


def _password(who: str, file: Path | None) -> str:
    """From a file or a person at a terminal, never from the command line, which others may read."""
    if file is not None:
        return file.read_text("utf-8").partition("\n")[0].removesuffix("\r")
    if not sys.stdin.isatty():
        raise OperationError("a password is asked for on a terminal only; elsewhere name a file with --password-file")
    return str(click.prompt(f"Password of {who}", hide_input=True, err=True))


def _signable(one: WaitingCommand, who: str) -> Say:
    if not one.sign:
        raise RefusedError(f"the command to {one.target} is not signed; execute or approve it")
    found = next((say for say in (Say.EXECUTE, Say.APPROVE) if say in one.may), None)
    if found is None:
        raise DeniedError(f"{who} may not sign the command to {one.target}: it {_waits(one)}")
    return found


def _meaning(one: WaitingCommand, given: str) -> str:
    """One of those that are declared; asked for on a terminal where there are several."""
    if given in one.sign:
        return given
    if not given and len(one.sign) == 1:
        return one.sign[0]
    if not given and sys.stdin.isatty():
        return str(click.prompt("It means", type=click.Choice(one.sign), err=True))
    raise RefusedError(f"--meaning {given!r}: a signature there means {' or '.join(one.sign)}")


def _act(say: Say, which: str, act: Act, node: NodeAddress, *, as_json: bool, asks: bool = False) -> int:
    async def work(client: Client) -> int:
        one = await _find(client, which)
        if asks and not as_json and sys.stdin.isatty():
            click.confirm(f"{_sentence(one)}\n{say.value.capitalize()} it?", abort=True)
        await act(client, one)
        if as_json:
            json_line({"key": one.key, "target": one.target, "act": say})
        else:
            click.echo(f"{_sentence(one)}: {say}")
        return 0

    return with_client(work, node)


async def _find(client: Client, which: str) -> WaitingCommand:
    found = await client.waiting()
    exact = [one for one in found if which in (one.key, one.target)]
    named = exact or [one for one in found if one.key.startswith(which)]
    if len(named) == 1:
        return named[0]
    there = ", ".join(one.target for one in named or found) or "none"
    raise NotFoundError(f"{which!r} names {len(named)} commands that wait, expected one; there are: {there}")


async def follow(client: Client, ack: Ack, *, asks: bool) -> Ack:
    """The end of a command that waits; what its actor can do for it is done, what others are to do is said."""
    told = 0
    while not ack.state.final:
        acks = await client.acks(ack.key)
        if len(acks) > told and acks[-1].state is AckState.SELECTED:
            await _go_on(client, ack.key, asks=asks)
        told, ack = len(acks), acks[-1]
        if not ack.state.final:
            await client.clock.sleep(POLL)
    return ack


async def _go_on(client: Client, key: str, *, asks: bool) -> None:
    one = next((one for one in await client.waiting() if one.key == key), None)
    if one is None:
        return
    if Say.EXECUTE in one.may:
        if not asks or click.confirm(f"{_sentence(one)}. Execute it?", default=True, err=True):
            await client.execute(key)
        else:
            await client.cancel(key)
        return
    click.echo(f"{_sentence(one)}: {_waits(one)} until {timestamp(one.until)}, see the page Commands", err=True)


def marks_words(marks: Marks) -> list[str]:
    """Whom a command waits for, and how long."""
    found = [f"execution ({marks.select:g} s)"] if marks.select else []
    found += [f"a second person ({marks.approval:g} s)"] if marks.approval else []
    return [*found, f"signature ({' or '.join(marks.sign)})"] if marks.sign else found


def _waits(one: WaitingCommand) -> str:
    if one.waits_for is WaitsFor.APPROVAL:
        return "waits for the approval of a second person"
    signs = f"signature ({', '.join(one.sign)}) and " if one.sign else ""
    return f"waits for {signs}execution by {one.actor}"


def _sentence(one: WaitingCommand) -> str:
    why = f" ({one.comment})" if one.comment else ""
    what = _call_words(one) or f"{one.old} -> {one.value}"
    return f"{one.target}: {what}, by {one.actor}{why}"


def _call_words(one: WaitingCommand) -> str:
    """A command of a device as it is written; "" for a set-point."""
    shown = ", ".join(json.dumps(argument) for argument in one.arguments)
    return f"{one.name}({shown})" if one.verb is Verb.CALL else ""


def _row(one: WaitingCommand) -> tuple[str, ...]:
    called = _call_words(one)
    old, new = ("", called) if called else (str(one.old), str(one.value))
    waits = one.waits_for.value + (f", signed {' or '.join(one.sign)}" if one.sign else "")
    return (
        one.target, old, new, one.actor, waits, timestamp(one.until), ", ".join(one.may), one.key,
    )  # fmt: skip
