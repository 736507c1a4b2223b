"""modbus read, write, scan: a register peek for commissioning, without a plant file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from sereno.drivers.modbus.endpoint import DEFAULT_PORT
from sereno.model import ValueType
from sereno.wire.jsonvalue import json_value

from .options import json_option
from .show import json_line, table

T = TypeVar("T")

order = click.Choice(["big", "little"])
type_option = click.option(
    "--type", "kind", type=click.Choice([str(t) for t in ValueType if t != "enum"]), default="uint16"
)
unit_option = click.option("--unit", type=click.IntRange(0, 255), default=1, show_default=True, help="Unit id.")
timeout_option = click.option("--timeout", default=1.0, show_default=True, help="Seconds to wait for an answer.")
length_option = click.option("--length", type=int, default=None, help="Bytes of a string.")
word_option = click.option("--word-order", type=order, default="big", show_default=True)
byte_option = click.option("--byte-order", type=order, default="big", show_default=True)


@click.group()
def modbus() -> None:
    """Look into a Modbus/TCP device by hand. HOST is an address, or HOST:PORT."""


def host_and_port(text: str) -> tuple[str, int]:
    """'10.0.0.5', '10.0.0.5:5020' or '[::1]:5020'. Raises click.BadParameter."""
    host, _, port = (
        text.rpartition(":") if not text.endswith("]") and (text.count(":") == 1 or "]:" in text) else (text, "", "")
    )
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise click.BadParameter(f"port {port!r} in {text!r}, expected 1 to 65535", param_hint="HOST")
    return host.strip("[]"), int(port) if port else DEFAULT_PORT


def run_peek(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work`; what it says about its arguments becomes a usage error."""
    try:
        return asyncio.run(work())
    except ValidationError as error:
        raise click.UsageError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@modbus.command()
@click.argument("host")
@click.argument("address")
@type_option
@click.option("--count", default=1, show_default=True, help="How many values from there on.")
@unit_option
@length_option
@word_option
@byte_option
@timeout_option
@json_option
def read(
    *, host: str, address: str, kind: str, count: int, unit: int, length: int | None,
    word_order: str, byte_order: str, timeout: float, as_json: bool,
) -> int:  # fmt: skip
    """Read values: `read 10.0.0.5 holding:100 --type float32`. Exit code 1 if the device refuses one."""
    from sereno.drivers.modbus import peek

    name, port = host_and_port(host)
    found = run_peek(
        lambda: peek.read(
            name,
            address,
            port=port,
            unit=unit,
            kind=ValueType(kind),
            count=count,
            length=length,
            timeout=timeout,
            word_order=word_order,
            byte_order=byte_order,
        )
    )
    if as_json:
        for value in found:
            json_line({"address": value.address, "value": json_value(value.value),
                       "registers": list(value.registers), "reason": value.reason})  # fmt: skip
    else:
        rows = [
            (v.address, "-" if v.value is None else str(v.value), " ".join(f"{w:04x}" for w in v.registers), v.reason)
            for v in found
        ]
        table(("address", "value", "registers", ""), rows, right=(1,))
    return 1 if any(v.reason for v in found) else 0


@modbus.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("address")
@click.argument("value")
@type_option
@unit_option
@length_option
@word_option
@byte_option
@timeout_option
@click.option("--yes", is_flag=True, help="Do not ask. Needed where there is no terminal.")
def write(
    *, host: str, address: str, value: str, kind: str, unit: int, length: int | None,
    word_order: str, byte_order: str, timeout: float, yes: bool,
) -> int:  # fmt: skip
    """Write one value straight into a device. No limits, no interlock, no record: for commissioning only."""
    from sereno.drivers.modbus import peek

    name, port = host_and_port(host)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("this writes into a device without limits or record; give --yes")
        click.confirm(f"write {value} to {address} of unit {unit} at {name}:{port}?", abort=True)
    run_peek(
        lambda: peek.write(
            name,
            address,
            value,
            port=port,
            unit=unit,
            kind=ValueType(kind),
            length=length,
            timeout=timeout,
            word_order=word_order,
            byte_order=byte_order,
        )
    )
    click.echo(f"{address} = {value}: the device confirmed")
    return 0


@modbus.command()
@click.argument("host")
@click.option("--units", is_flag=True, help="Which units answer, instead of which addresses.")
@unit_option
@click.option("--first", default=0, show_default=True)
@click.option("--last", default=1999, show_default=True)
@timeout_option
@json_option
def scan(*, host: str, units: bool, unit: int, first: int, last: int, timeout: float, as_json: bool) -> int:
    """Find out what a device holds: readable addresses of its four tables, or the units behind it. Only reads."""
    from sereno.drivers.modbus import survey

    name, port = host_and_port(host)
    if units:
        answers = run_peek(lambda: survey.units(name, port=port, timeout=timeout, progress=_progress))
        for answer in answers:
            if as_json:
                json_line({"unit": answer.unit, "remark": answer.remark})
            else:
                click.echo(f"unit {answer.unit:<4}{answer.remark}")
        return 0 if answers else 1
    found = run_peek(
        lambda: survey.ranges(name, port=port, unit=unit, first=first, last=last, timeout=timeout, progress=_progress)
    )
    for stretch in found:
        if as_json:
            json_line({"table": stretch.table, "first": stretch.first, "last": stretch.last})
        else:
            click.echo(f"{stretch.table:<10}{stretch.first:>6} .. {stretch.last}")
    if not found and not as_json:
        click.echo(f"nothing readable between {first} and {last} of unit {unit}")
    return 0 if found else 1


def _progress(done: int, total: int) -> None:
    """One line that is rewritten, only in a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r{100 * done // total:3d} %" if done < total else "\r     \r", err=True, nl=False)
