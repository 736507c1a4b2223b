"""The tables of `sereno top`, made from what a node says of itself. No terminal here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, what stands below it, and how it is written."""

    name: str
    of: Callable[[Row], Any]
    text: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class Table:
    """What a tab shows: headings, and rows of text in order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def seconds(value: float) -> str:
    """Milliseconds below a second."""
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.1f} s"


def size(value: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def figure(value: float) -> str:
    """Whole numbers whole, others to six digits."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _field(name: str, text: Callable[[Any], str] = str, heading: str = "") -> Column:
    return Column(heading or name.replace("_", " "), lambda row: row.get(name), text)


TABS: dict[str, tuple[Column, ...]] = {
    "devices": (
        _field("path", heading="device"),
        _field("link"),
        _field("state"),
        _field("tags"),
        _field("scans"),
        _field("overruns"),
        _field("incomplete"),
        _field("last_duration", seconds, "last"),
        _field("worst_duration", seconds, "worst"),
        _field("last_error"),
    ),
    "subscribers": (
        Column("who", lambda row: row.get("actor") or "-"),
        _field("kind"),
        Column("from", lambda row: row.get("origin") or "-"),
        _field("sent"),
        _field("bytes", size),
        _field("dropped"),
        _field("held_bytes", size, "held"),
        _field("stalled_s", heading="stalled s"),
    ),
    "hub": (_field("name", heading="figure"), _field("value", figure)),
    "historian": (_field("name", heading="figure"), _field("value", figure)),
    "tasks": (_field("name", heading="task"), _field("count")),
}


def rows_of(system: Mapping[str, Any], tab: str) -> Sequence[Row]:
    """The entries of a tab, unsorted."""
    if tab in ("devices", "subscribers", "tasks"):
        found: Sequence[Row] = system[tab]
        return found
    figures = system["rooms"].get(tab, {})
    shared = [
        {"name": f"{name} of {one['clients']} clients of {one['tags']} tags", "value": one[name]}
        for one in system["broadcasts"]
        for name in ("queued", "peak", "dropped")
        if name in one
    ]
    return [*_plain(figures), *(shared if tab == "hub" else [])]


def _plain(figures: Mapping[str, Any]) -> Iterator[Row]:
    """Figures that are numbers of several things: a row for each."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from ({"name": f"{name} of {label}", "value": number} for label, number in value.items())
        else:
            yield {"name": name, "value": value}


def table_of(system: Mapping[str, Any], tab: str, *, sort: str = "", reverse: bool = False, match: str = "") -> Table:
    """What the tab shows: rows in which `match` occurs, by the column `sort` (else as they came).

    Raises ValueError with the columns there are, if `sort` is none of them.
    """
    columns = TABS[tab]
    rows = list(rows_of(system, tab))
    if sort:
        by = next((column for column in columns if column.name == sort), None)
        if by is None:
            raise ValueError(f"{tab} has no column {sort!r}; there are {', '.join(c.name for c in columns)}")
        rows.sort(key=lambda row: _order(by.of(row)), reverse=reverse)
    shown = (tuple(_text(column, row) for column in columns) for row in rows)
    wanted = match.casefold()
    kept = tuple(row for row in shown if not wanted or any(wanted in cell.casefold() for cell in row))
    return Table(tuple(column.name for column in columns), kept)


def headline(system: Mapping[str, Any]) -> str:
    """The node in one line."""
    node, loop = system["node"], system["loop"]
    memory = node.get("memory_bytes")
    parts = [
        f"{node['site']} (Sereno {node['version']})",
        f"up {node.get('uptime_s', 0):.0f} s",
        f"cpu {node.get('cpu_share', 0) * 100:.1f} %",
        f"memory {size(memory)}" if memory else "",
        f"loop late p99 {loop['p99_ms']:.1f} ms, max {loop['max_ms']:.1f} ms",
        *(f"! {reason}" for reason in system["reasons"]),
    ]
    return "  ".join(part for part in parts if part)


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 0, 0.0, str(value or "")


def _text(column: Column, row: Row) -> str:
    value = column.of(row)
    return "-" if value is None else column.text(value)
