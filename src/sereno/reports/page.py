"""A report as one HTML file: no script, nothing from elsewhere, well-formed also as XML; mail programs show it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

from .content import SURE, Content, Last, Row, Table
from .plot import curve
from .schedule import local_text
from .words import WORDS, number, part, spell

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2430; background: #fff; margin: 24px; max-width: 1100px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 26px 0 8px; }
p { margin: 4px 0; } .quiet { color: #596475; } .note { background: #fff3d1; padding: 6px 10px; margin: 8px 0; }
table { border-collapse: collapse; } th, td { padding: 5px 12px 5px 0; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #c9ced6; font-weight: 600; } td { border-bottom: 1px solid #e4e7ec; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.unknown { color: #8a4b00; white-space: nowrap; } small { color: #596475; }
"""
_WHOLE = ("count", "changes")
_MOST_EVENTS = 100


def page(content: Content) -> str:
    """The whole file."""
    return "".join(_Page(content).parts())


class _Page:
    def __init__(self, content: Content) -> None:
        self._content = content
        self._language = content.spec.language
        self._words = WORDS[self._language]
        self._zone = content.spec.calendar.timezone

    def parts(self) -> Iterator[str]:
        spec, words = self._content.spec, self._words
        title = _text(f"{spec.title}, {self._span()}")
        yield f'<!DOCTYPE html>\n<html lang="{self._language}"><head><meta charset="utf-8"/><title>{title}</title>'
        yield f"<style>{STYLE}</style></head><body>\n<h1>{_text(spec.title)}</h1>\n"
        unit = spec.every.unit
        kind = words["hours"] if unit == "h" else words[spec.period]
        made = f"{words['made']} {self._time(self._content.made)}"
        yield f"<p>{kind} {self._span()} ({_text(self._zone)})</p><p class='quiet'>{_text(spec.plant)}. {made}</p>\n"
        yield from self._notes()
        for table in self._content.tables:
            yield from self._table(table)
        if self._content.alarms is not None:
            yield from self._alarms()
        elif self._content.no_alarms:
            yield f"<h2>{self._words['alarms']}</h2>\n<p>{self._words['no_alarms']}</p>\n"
        if self._content.log is not None:
            yield from self._log()
        yield "</body></html>\n"

    def _span(self) -> str:
        period, words = self._content.period, self._words
        return f"{words['from']} {self._time(period.start)} {words['to']} {self._time(period.end)}"

    def _time(self, t: int) -> str:
        return local_text(t, self._zone)

    def _notes(self) -> Iterator[str]:
        content, words = self._content, self._words
        notes = [words["so_far"]] if content.so_far else []
        if content.late:
            notes.append(words["late"].format(due=self._time(content.due)))
        if content.skipped:
            notes.append(words["skipped"].format(count=content.skipped))
        yield from (f'<p class="note">{_text(note)}</p>\n' for note in notes)

    def _table(self, table: Table) -> Iterator[str]:
        shown, words = table.shown, self._words
        if shown.title:
            yield f"<h2>{_text(shown.title)}</h2>\n"
        if not table.rows:
            yield f"<p>{words['nothing']}</p>\n"
            return
        names = [name for name in shown.show if name not in ("good", "states")]
        heads = [(words["tag"], ""), *((words[name], "number") for name in names)]
        heads += [(words["states"], "")] if "states" in shown.show else []
        heads += [(words["not_known"], "number"), *([(words["curve"], "")] if shown.plot else [])]
        yield _row("th", heads, "<table><thead>", "</thead><tbody>\n")
        for row in table.rows:
            yield from self._line(row, names, states="states" in shown.show, plot=shown.plot)
        yield "</tbody></table>\n"

    def _line(self, row: Row, names: Iterable[str], *, states: bool, plot: bool) -> Iterator[str]:
        spec = row.spec
        about = f"<br/><small>{_text(spec.description)}</small>" if spec.description else ""
        cells = [(f"{_text(spec.path)}{about}", "")]
        cells += [(self._figure(row, name), "number") for name in names]
        if states:
            lines = (f"{_text(name)}: {spell(seconds)}" for name, seconds in _longest(row))
            cells.append(("<br/>".join(lines) or "-", ""))
        doubtful = row.unknown > SURE
        unknown = part(row.unknown, self._language) if doubtful else "-"
        cells.append((unknown, "number unknown" if doubtful else "number"))
        if plot:
            label = _text(f"{spec.path}: {self._words['curve']}")
            cells.append((curve(row.curve, label) if row.curve is not None else "-", ""))
        yield _row("td", cells)

    def _figure(self, row: Row, name: str) -> str:
        if name == "last":
            return self._last(row)
        value = row.figures.get(name, math.nan)
        if not math.isfinite(value):
            return "-"
        unit = row.units.get(name, row.spec.unit)
        text = number(value, 0 if name in _WHOLE else row.spec.decimals, self._language)
        return f"{text} {_text(unit)}".rstrip()

    def _last(self, row: Row) -> str:
        last: Last | None = row.last
        if last is None or last.value is None:
            return f'<span class="unknown">{self._words["not_known"]}</span>'
        value = number(last.value, row.spec.decimals, self._language) if isinstance(last.value, float) else last.value
        until = f"{self._words['until']} {self._time(last.until)}" if last.until else ""
        said = ", ".join(filter(None, (until, last.remark)))
        remark = f"<br/><small>{_text(said)}</small>" if said else ""
        return f"{_text(f'{value} {last.unit}'.rstrip())}{remark}"

    def _alarms(self) -> Iterator[str]:
        figures, words = self._content.alarms, self._words
        assert figures is not None
        said = [(words["annunciated"], str(figures.annunciated))]
        said += [(f"{words['priority']} {name}", str(count)) for name, count in figures.priorities.items() if count]
        said += [(words["worst"], str(figures.worst_10_min)), (words["floods"], str(figures.floods))]
        if figures.acknowledged_median is not None:
            said.append((words["ack"], spell(figures.acknowledged_median)))
        yield f"<h2>{words['alarms']}</h2>\n<table><tbody>\n"
        yield from (_row("td", [(_text(name), ""), (value, "number")]) for name, value in said)
        yield "</tbody></table>\n"
        if figures.top:
            yield f"<h2>{words['top']}</h2>\n"
            yield _row("th", [(words["alarm"], ""), (words["times"], "number")], "<table><thead>", "</thead><tbody>\n")
            yield from (_row("td", [(_text(name), ""), (str(count), "number")]) for name, count, _ in figures.top[:10])
            yield "</tbody></table>\n"
        came = [event for event in self._content.events if event.event == "raised"]
        if came:
            heads = [(words["came"], ""), (words["alarm"], ""), (words["priority"], "number")]
            yield _row("th", heads, "<table><thead>", "</thead><tbody>\n")
            for event in came[:_MOST_EVENTS]:
                cells = [(self._time(event.t), ""), (_text(event.alarm), ""), (str(event.priority or "-"), "number")]
                yield _row("td", cells)
            yield "</tbody></table>\n"
        if len(came) > _MOST_EVENTS or self._content.events_cut:
            yield f"<p>{words['more']}</p>\n"

    def _log(self) -> Iterator[str]:
        entries, words = self._content.log or (), self._words
        yield f"<h2>{words['log']}</h2>\n"
        if not entries:
            yield f"<p>{words['none']}</p>\n"
            return
        heads = [(words[name], "") for name in ("when", "who", "what", "about")]
        yield _row("th", heads, "<table><thead>", "</thead><tbody>\n")
        for entry in entries:
            text = _text(entry.text).replace("\n", "<br/>")
            cells = [self._time(entry.t), _text(entry.actor), text, _text(entry.subject)]
            yield _row("td", [(cell, "") for cell in cells])
        yield "</tbody></table>\n"
        if self._content.log_cut:
            yield f"<p>{words['more']}</p>\n"


def _row(kind: str, cells: Iterable[tuple[str, str]], before: str = "", after: str = "") -> str:
    """Cells of safe HTML with their class."""
    made = (f'<{kind} class="{name}">{text}</{kind}>' if name else f"<{kind}>{text}</{kind}>" for text, name in cells)
    return f"{before}<tr>{''.join(made)}</tr>{after or chr(10)}"


def _text(text: str) -> str:
    """Escaped, and without the characters that no file of this kind may hold."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text))


def _longest(row: Row) -> list[tuple[str, float]]:
    return sorted(row.states.items(), key=lambda one: -one[1])[:20]


def plain_text(content: Content) -> str:
    """What a mail says without its attachments."""
    spec, words = content.spec, WORDS[content.spec.language]
    zone = spec.calendar.timezone
    rows = [row for table in content.tables for row in table.rows]
    doubtful = sum(row.unknown > SURE for row in rows)
    start, end = local_text(content.period.start, zone), local_text(content.period.end, zone)
    lines = [
        spec.title,
        f"{words['from']} {start} {words['to']} {end}",
        words["unknown_tags"].format(count=doubtful, all=len(rows)) if doubtful else "",
        words["late"].format(due=local_text(content.due, zone)) if content.late else "",
        words["skipped"].format(count=content.skipped) if content.skipped else "",
        words["no_alarms"] if content.no_alarms else "",
        words["mail"],
    ]
    return "\n".join(line for line in lines if line)
