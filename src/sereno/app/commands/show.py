"""How the CLI writes values, ages and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from sereno.model import TagSpec, severity

if TYPE_CHECKING:
    from sereno.client import Reading


def json_line(value: Any) -> None:
    """One JSON value on one line."""
    click.echo(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS).decode())


def timestamp(t_ns: int, *, date: bool = True) -> str:
    """ns UTC as ISO 8601 with Z, milliseconds; '-' for never."""
    if t_ns <= 0:
        return "-"
    moment = datetime.fromtimestamp(t_ns / 1e9, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S." if date else "%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def value_text(spec: TagSpec, value: Any) -> str:
    """A value as a person reads it, without its unit."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "-"
        return f"{value:.{spec.decimals}f}" if spec.decimals is not None else f"{value:.6g}"
    if isinstance(value, str | int):
        return str(value)
    items = list(value)
    shown = ", ".join(value_text(spec, v) for v in items[:8])
    return f"[{shown}{', ...' if len(items) > 8 else ''}]"


def with_unit(spec: TagSpec, value: Any) -> str:
    """The value and its unit."""
    return f"{value_text(spec, value)} {spec.unit}".rstrip()


def age_text(seconds: float) -> str:
    """An age in its natural unit."""
    if not math.isfinite(seconds):
        return "never"
    for limit, divisor, unit in ((1.0, 1e-3, "ms"), (120.0, 1.0, "s"), (7200.0, 60.0, "min"), (172800.0, 3600.0, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}" if divisor != 1.0 else f"{seconds:.1f} {unit}"
    return f"{seconds / 86400:.1f} d"


def quality_text(reading: Reading) -> str:
    """'good', or the severity with its reason."""
    word = severity(reading.quality)
    return f"{word}: {reading.reason}" if reading.reason else word


LONG = 60
"""Characters up to which a cell has its column made as wide as it is."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """A plain aligned table on standard output; the columns in `right` are right-aligned.

    A cell of more than `LONG` characters, where most are shorter, pushes the rest of its own line and of no other.
    """
    cells = [list(headers), *[list(r) for r in rows]]
    widths = [_width([len(row[i]) for row in cells]) for i in range(len(headers))]
    for n, row in enumerate(cells):
        parts = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        line = "  ".join(parts).rstrip()
        click.echo(click.style(line, bold=True) if n == 0 else line)


def _width(lengths: Sequence[int]) -> int:
    limit = max(LONG, sorted(lengths)[len(lengths) // 2])
    return max(length for length in lengths if length <= limit)
