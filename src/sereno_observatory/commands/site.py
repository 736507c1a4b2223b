"""observatory site: the site as it was read, and what is odd about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

import sereno
from sereno.client import parse_time
from sereno.model import SystemClock
from sereno_observatory.siteview import site_view


@click.command()
@click.argument("plant", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="Tonight is that of this time, or of this day's evening; else the one now or next.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output, one JSON value a line.")
def site(*, plant: Path, at: str, as_json: bool) -> int:
    """The site of PLANT as it is read: where it is, tonight, horizon, instruments, limits, levels; what is odd.

    Exit code 1 when something is odd or missing.
    """
    outline = sereno.outline(plant)
    view = site_view(outline, _moment(at, outline.timezone) if at else SystemClock().wall_ns())
    if as_json:
        click.echo(json.dumps(view, default=str))
    else:
        for line in _lines(view):
            click.echo(line)
    return 1 if view["odd"] else 0


def _moment(at: str, timezone: str) -> int:
    """ns UTC; of a day alone its noon, by the clocks of the site."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", at):
            return parse_time(f"{at}T12:00", zone=ZoneInfo(timezone))
        return parse_time(at)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    place = view["location"]
    yield f"{view['name']}, {view['file']}"
    north, east = _degrees(place["latitude"], "NS"), _degrees(place["longitude"], "EW")
    yield f"where        {north} {east}, {place['elevation'] or 0:g} m"
    horizon = view["horizon"]
    listed = horizon if isinstance(horizon, list) else [] if horizon is None else [horizon]
    yield f"horizon      {', '.join(map(_altitude, listed))} deg"
    yield from _night(view.get("tonight"), view["timezone"])
    yield "limits       " + ", ".join(f"{key} {value:g}" for key, value in view["limits"].items())
    yield from (f"level        {_level(one)}" for one in view["levels"])
    for one in view["instruments"]:
        away = "" if one["enabled"] else "  not enabled"
        yield f"{one['kind']:<12} {one['path']}  {one['driver']}  {one['url']}{away}".rstrip()
    yield from (f"{role:<12} {path or 'none'}" for role, path in view["agents"].items())
    yield from (f"odd: {one}" for one in view["odd"])


def _altitude(one: Any) -> str:
    return f"{one[1]:g} at {one[0]:g}" if isinstance(one, list | tuple) else f"{one:g}"


def _night(tonight: Mapping[str, Any] | None, zone: str) -> Iterator[str]:
    if tonight is None:
        return
    for name in ("sunset", "night_begins", "night_ends", "sunrise"):
        moment = tonight[name]
        yield f"{name.replace('_', ' '):<13}" + (
            f"{moment['local']} {zone}, {moment['utc']}" if moment else "not this night"
        )
    hours, moon = tonight["night_hours"], tonight["moon"]
    yield f"             {hours or 0.0:.1f} h of night"
    yield f"moon         {moon['lit']:.0%} lit, rises {moon['rises'] or 'not'}, sets {moon['sets'] or 'not'}"


def _level(one: Mapping[str, Any]) -> str:
    who = [*one["users"], *(f"role {role}" for role in one["roles"])]
    words = [f"{one['name']}: {', '.join(who) or 'everybody else'}"]
    words += [f"priority {one['priority']} at most"] if one["priority"] is not None else []
    period = "a night" if one["nights"] == 1 else f"in {one['nights']} nights"
    words += [f"{one['quota']:g} s {period}"] if one["quota"] is not None else []
    return "; ".join([*words, *(["may ask for others"] if one["override"] else [])])


def _degrees(value: float | None, letters: str) -> str:
    return "?" if value is None else f"{abs(value):.4f} {letters[value < 0]}"
