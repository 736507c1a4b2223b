"""A report as CSV: tags in one file, alarms and logbook in others, so that any program reads each as a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from .content import Content, Row

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def sheets(content: Content) -> dict[str, str]:
    """The files by what comes behind their name: "", "-alarms", "-logbook"."""
    found = {"": _tags(content)}
    if content.alarms is not None:
        found["-alarms"] = _written(_HEAD_OF_EVENTS, _events(content))
    elif content.no_alarms:
        found["-alarms"] = _written(_HEAD_OF_EVENTS, [])
    if content.log is not None:
        found["-logbook"] = _written(("time", "actor", "kind", "about", "text"), _entries(content))
    return found


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text


_HEAD_OF_EVENTS = ("time", "alarm", "event", "state", "priority", "value", "actor", "note")


def _tags(content: Content) -> str:
    rows = [(table.shown, row) for table in content.tables for row in table.rows]
    names = list(dict.fromkeys(n for table in content.tables for n in table.shown.show if n not in ("last", "states")))
    names = [name for name in names if name != "good"]
    last = any("last" in table.shown.show for table in content.tables)
    states = list(dict.fromkeys(name for _, row in rows for name in row.states))
    head = ["table", "tag", "description", "unit", "from", "to", "not_known"]
    head += ["last", "last_text", "last_since", "last_until", "last_remark"] if last else []
    for name in names:
        head += [name, f"{name}_unit"] if name == "total" else [name]
    head += [safe(f"state.{name}") for name in states]
    start, end = (_time(t, content) for t in (content.period.start, content.period.end))
    lines = []
    for shown, row in rows:
        cells = [safe(shown.title), safe(row.spec.path), safe(row.spec.description), safe(row.spec.unit), start, end]
        cells.append(_number(row.unknown))
        cells += _last(row, content) if last else []
        for name in names:
            value = _number(row.figures.get(name, math.nan))
            cells += [value, safe(row.units.get(name, "")) if value else ""] if name == "total" else [value]
        cells += [_number(row.states.get(name, math.nan)) for name in states]
        lines.append(cells)
    return _written(head, lines)


def _last(row: Row, content: Content) -> list[str]:
    if row.last is None or row.last.value is None:
        return [""] * 5
    value = row.last.value
    if row.last.unit != row.spec.unit:  # the column of units is that of the tag now
        value = f"{value} {row.last.unit}".rstrip()
    number, text = ("", safe(value)) if isinstance(value, str) else (_number(value), "")
    if isinstance(value, int):
        number = str(value)
    until = _time(row.last.until or content.period.end, content)
    return [number, text, _time(row.last.t, content), until, safe(row.last.remark)]


def _events(content: Content) -> Iterator[list[str]]:
    for one in content.events:
        value = "" if one.value is None else _number(one.value)
        texts = (one.alarm, one.event, str(one.state))
        tail = (safe(one.actor), safe(one.note))
        yield [_time(one.t, content), *map(safe, texts), str(one.priority), value, *tail]


def _entries(content: Content) -> Iterator[list[str]]:
    for one in content.log or ():
        yield [_time(one.t, content), *map(safe, (one.actor, str(one.kind), one.subject, one.text))]


def _number(value: float) -> str:
    """As exact as it is; empty for none."""
    return repr(float(value)) if math.isfinite(value) else ""


def _time(t: int, content: Content) -> str:
    zone = ZoneInfo(content.spec.calendar.timezone)
    moment = datetime.fromtimestamp(t // 10**9, UTC).astimezone(zone)
    return moment.replace(microsecond=t % 10**9 // 1000).isoformat()


def _written(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(head)
    writer.writerows(lines)
    return made.getvalue()
