"""get, put, monitor, ls, info: live values from the terminal."""

from __future__ import annotations

import sys
from typing import Any

import click

from sereno.app.cli import EXIT_DENIED, EXIT_FAILED, EXIT_TIMED_OUT
from sereno.client import Client, Reading, Update, reading_json, spec_json, substitution_json
from sereno.model import Access, Ack, AckState, TagSpec, ValueType, reason, severity
from sereno.wire.jsonvalue import json_value

from .options import NodeAddress, json_option, node_options, with_client
from .show import age_text, json_line, quality_text, table, timestamp, value_text, with_unit
from .waiting import follow, marks_words, yes_option


@click.command()
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@node_options
@json_option
def get(*, tags: tuple[str, ...], node: NodeAddress, as_json: bool) -> int:
    """Show present values. TAG is a path or a glob such as 'river/*'. Exit code 1 if one is not good."""

    async def work(client: Client) -> int:
        readings = await client.read(*tags)
        if as_json:
            for reading in readings:
                json_line(reading_json(reading))
        else:
            _readings(readings)
        known = [r for r in readings if r.tag.access is not Access.WRITE]
        return 0 if all(severity(r.quality) == "good" for r in known) else EXIT_FAILED

    return with_client(work, node)


def _readings(readings: list[Reading]) -> None:
    rows = [(r.tag.path, value_text(r.tag, r.value), r.tag.unit, quality_text(r), age_text(r.age)) for r in readings]
    table(("tag", "value", "unit", "quality", "age"), rows, right=(1,))


@click.command()
@click.argument("tag")
@click.argument("value")
@click.option("--expect", default=None, help="Refuse unless the present value is this.")
@click.option("--comment", default="", help="Why; kept with the record.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds until the command expires unsent.")
@yes_option
@node_options
@json_option
def put(
    *,
    tag: str,
    value: str,
    expect: str | None,
    comment: str,
    timeout: float,
    yes: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Set a tag and wait for its read-back. Says old -> new and how it ended.

    A set-point that waits for people is selected, then executed (on a terminal after a question); where a second person
    or a signature is asked for, this says so and waits.
    """

    async def work(client: Client) -> int:
        before = (await client.read(tag))[0]
        spec = before.tag
        expected = None if expect is None else parse_value(spec, expect)
        ask = client.select if spec.setpoint.marked else client.write
        ack = await ask(
            spec.path, parse_value(spec, value), expected=expected, timeout=timeout, comment=comment, origin="cli"
        )
        ack = await follow(client, ack, asks=sys.stdin.isatty() and not yes and not as_json)
        if as_json:
            json_line({"tag": spec.path, "key": ack.key, "state": ack.state, "reason": ack.reason,
                       "old": json_value(before.value), "value": json_value(ack.value)})  # fmt: skip
        else:
            click.echo(f"{spec.path}: {with_unit(spec, before.value)} -> {value}: {_ack_text(spec, ack)}")
        return ack_exit_code(ack)

    return with_client(work, node)


def _ack_text(spec: TagSpec, ack: Ack) -> str:
    state = str(ack.state).replace("_", " ")
    if ack.state is AckState.DONE and ack.value is not None:
        return f"{state}, reads back {with_unit(spec, ack.value)}"
    return f"{state}: {ack.reason}" if ack.reason else state


def ack_exit_code(ack: Ack) -> int:
    """The exit code that says how a command ended."""
    if ack.state is AckState.DONE:
        return 0
    if ack.state in (AckState.TIMED_OUT, AckState.UNKNOWN):
        return EXIT_TIMED_OUT
    return EXIT_DENIED if ack.state is AckState.REFUSED and ack.reason.startswith("denied") else EXIT_FAILED


def parse_value(spec: TagSpec, text: str) -> Any:
    """The text as a value of the tag's type. Raises click.BadParameter saying what was expected."""
    if spec.type is ValueType.STRING:
        return text
    if spec.shape:
        return [_scalar(spec, part.strip()) for part in text.strip("[]").split(",")]
    return _scalar(spec, text.strip())


def _scalar(spec: TagSpec, text: str) -> Any:
    try:
        if spec.type is ValueType.BOOL:
            return {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}[text.lower()]
        if spec.type is ValueType.ENUM:
            return text if text in spec.labels else int(text)
        return float(text) if spec.type.is_float else int(text, 0)
    except (ValueError, KeyError):
        expected = {"bool": "true or false", "enum": f"one of {', '.join(spec.labels)}"}.get(
            spec.type, f"a number of type {spec.type}"
        )
        raise click.BadParameter(f"{text!r} for {spec.path}, expected {expected}") from None


@click.command()
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--interval", default=0.0, help="At most one update in so many seconds. [every change]")
@click.option("--count", default=0, help="Stop after so many changes. [until Ctrl-C]")
@node_options
@json_option
def monitor(
    *,
    tags: tuple[str, ...],
    interval: float,
    count: int,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Print every change of the tags until Ctrl-C."""

    async def work(client: Client) -> None:
        subscription = await client.subscribe(*tags, min_interval=interval)
        printed = 0
        try:
            async for update in subscription:
                for change in changes(subscription.tags, update):
                    _print_change(change, as_json)
                    printed += 1
                    if printed == count:
                        return
        finally:
            await subscription.close()

    return with_client(work, node)


def changes(tags: tuple[TagSpec, ...], update: Update) -> list[tuple[TagSpec, Any, int, str, int]]:
    """The rows of an update as (tag, value, quality, reason, t_source)."""
    exact = dict(zip(update.exact_rows.tolist(), update.exact_values.tolist(), strict=True))
    found = []
    for row, (position, number, t, code) in enumerate(
        zip(
            update.index.tolist(),
            update.values.tolist(),
            update.t_source.tolist(),
            update.quality.tolist(),
            strict=True,
        )
    ):
        spec = tags[position]
        value = plain(spec, number, exact.get(row))
        found.append((spec, value, code, update.reasons.get(position) or reason(code), t))
    for position, value, t, code in update.objects:
        found.append((tags[position], value, code, update.reasons.get(position) or reason(code), t))
    return found


def plain(spec: TagSpec, number: float, exact: int | None) -> Any:
    """A row's number as the value that people mean: bool, label, exact integer or float; None for NaN."""
    if exact is not None:
        return exact & 0xFFFF_FFFF_FFFF_FFFF if spec.type is ValueType.UINT64 else exact
    if number != number:  # noqa: PLR0124 - NaN
        return None
    if spec.type is ValueType.BOOL:
        return bool(number)
    if spec.type is ValueType.ENUM:
        code = int(number)
        return spec.labels[code] if 0 <= code < len(spec.labels) else code
    return number if spec.type.is_float else int(number)


def _print_change(change: tuple[TagSpec, Any, int, str, int], as_json: bool) -> None:
    spec, value, code, why, t = change
    word = severity(code)
    if as_json:
        json_line({"tag": spec.path, "value": json_value(value), "unit": spec.unit, "quality": word,
                   "reason": why, "t_source": timestamp(t)})  # fmt: skip
        return
    mark = "" if word == "good" else f"  {word}: {why}"
    click.echo(f"{timestamp(t, date=False)}  {spec.path}  {with_unit(spec, value)}{mark}")


@click.command(name="ls")
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
@node_options
@json_option
def ls(*, globs: tuple[str, ...], node: NodeAddress, as_json: bool) -> int:
    """List tags."""

    async def work(client: Client) -> None:
        specs = await client.tags(*globs)
        if as_json:
            for spec in specs:
                json_line(spec_json(spec))
            return
        rows = [(s.path, str(s.type) + ("[]" if s.shape else ""), s.unit, str(s.access), s.description) for s in specs]
        table(("tag", "type", "unit", "access", "description"), rows)

    return with_client(work, node)


@click.command()
@click.argument("tag")
@node_options
@json_option
def info(*, tag: str, node: NodeAddress, as_json: bool) -> int:
    """Everything about one tag: declaration, limits, present value, its device."""

    async def work(client: Client) -> None:
        reading = (await client.read(tag))[0]
        device = next((d for d in await client.devices() if d.path == reading.tag.device), None)
        forced = next((s for s in await client.substitutions() if s.override.path == reading.tag.path), None)
        if as_json:
            state: dict[str, Any] = {
                "device_state": device and str(device.state),
                "substitution": substitution_json(forced) if forced else None,
            }
            json_line({**spec_json(reading.tag), **reading_json(reading), **state})
            return
        for name, text in _info_lines(reading):
            click.echo(f"{name:<14}{text}")
        if forced is not None:
            override, own = forced.override, forced.own
            click.echo(f"{'own value':<14}{with_unit(own.tag, own.value)} ({quality_text(own)})")
            click.echo(f"{'substituted':<14}by {override.actor} until {timestamp(override.expires)}: {override.reason}")
        if device is not None:
            click.echo(
                f"{'device':<14}{device.path} ({device.driver}, {device.url}): {device.state}, link {device.link}"
            )

    return with_client(work, node)


def _info_lines(reading: Reading) -> list[tuple[str, str]]:
    spec, setpoint, limits = reading.tag, reading.tag.setpoint, reading.tag.limits
    lines = [
        ("tag", spec.path),
        ("description", spec.description),
        ("value", with_unit(spec, reading.value)),
        ("quality", quality_text(reading)),
        ("t_source", timestamp(reading.t_source)),
        ("age", age_text(reading.age)),
        ("type", str(spec.type) + (f" x {spec.shape[0]}" if spec.shape else "")),
        ("access", str(spec.access)),
        ("labels", ", ".join(f"{i}={label}" for i, label in enumerate(spec.labels))),
        ("range", "" if spec.low is None and spec.high is None else f"{spec.low} .. {spec.high} {spec.unit}"),
        ("deadband", f"{spec.deadband_absolute:g} {spec.unit}" if spec.deadband_absolute else ""),
        ("stable id", f"{spec.id:016x}"),
    ]
    if spec.access.writable:
        lines.append(("set-point", f"{setpoint.low} .. {setpoint.high}, read back by {setpoint.readback}"))
        lines.append(("interlock", setpoint.interlock))
        lines.append(("waits for", ", ".join(marks_words(setpoint))))
    if limits is not None:
        names = ("lolo", "lo", "hi", "hihi")
        lines.append(
            ("limits", ", ".join(f"{n} {getattr(limits, n):g}" for n in names if getattr(limits, n) is not None))
        )
    return [(name, text) for name, text in lines if text]
