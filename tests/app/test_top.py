"""The tables of `sereno top`, its screen, and what it prints for scripts."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static

from sereno.app.top.screen import Top
from sereno.app.top.tables import TABS, headline, rows_of, seconds, size, table_of
from sereno.model import NotConnectedError


def _device(path: str, scans: int, link: str = "up") -> dict[str, Any]:
    return {
        "path": path, "link": link, "state": "enabled", "tags": 3, "scans": scans, "overruns": 0, "incomplete": 0,
        "last_duration": 0.0123, "worst_duration": 2.5, "last_error": "",
    }  # fmt: skip


SYSTEM: dict[str, Any] = {
    "node": {"site": "Works", "version": "0.1", "uptime_s": 61.0, "cpu_share": 0.125, "memory_bytes": 150_000_000},
    "loop": {"p50_ms": 0.1, "p99_ms": 1.25, "max_ms": 9.0},
    "rooms": {
        "hub": {"rows": 12, "dropped": 0},
        "historian": {"committed": 5, "lag_s": 0.00012345678, "bytes": {"hot": 7}},
    },
    "devices": [_device("a/one", 5), _device("b/two", 30, "down"), _device("c/three", 7)],
    "subscribers": [{"kind": "ws", "actor": None, "origin": None, "sent": 3, "bytes": 5000, "dropped": 0,
                     "held_bytes": 0, "stalled_s": 0}],
    "broadcasts": [{"tags": 6, "interval": 0.1, "clients": 2, "queued": 1, "peak": 4, "dropped": 0}],
    "tasks": [{"name": "web heartbeat", "count": 1}],
    "left_out": {}, "reasons": [], "warnings": [],
}  # fmt: skip


def test_every_tab_has_its_rows() -> None:
    assert {tab: len(table_of(SYSTEM, tab).rows) for tab in TABS} == {
        "devices": 3, "subscribers": 1, "hub": 5, "historian": 3, "tasks": 1,
    }  # fmt: skip
    assert table_of(SYSTEM, "subscribers").rows[0][:5] == ("-", "ws", "-", "3", "5.0 kB")
    assert ("peak of 2 clients of 6 tags", "4") in table_of(SYSTEM, "hub").rows
    assert table_of(SYSTEM, "historian").rows == (("committed", "5"), ("lag_s", "0.000123457"), ("bytes of hot", "7"))
    assert list(rows_of({**SYSTEM, "rooms": {}}, "historian")) == []


def test_rows_are_sorted_by_number_and_filtered_by_text() -> None:
    def names(**view: Any) -> list[str]:
        return [row[0] for row in table_of(SYSTEM, "devices", **view).rows]

    assert names(sort="scans") == ["a/one", "c/three", "b/two"]
    assert names(sort="scans", reverse=True) == ["b/two", "c/three", "a/one"]
    assert names(match="DOWN") == ["b/two"]
    with pytest.raises(ValueError, match="devices has no column 'age'; there are device, link"):
        names(sort="age")


@pytest.mark.parametrize(("given", "text"), [(0.0123, "12.3 ms"), (2.5, "2.5 s")])
def test_durations(given: float, text: str) -> None:
    assert seconds(given) == text


@pytest.mark.parametrize(("given", "text"), [(0, "0 B"), (5000, "5.0 kB"), (2e6, "2.0 MB"), (3e12, "3000.0 GB")])
def test_sizes(given: float, text: str) -> None:
    assert size(given) == text


def test_the_headline_names_what_is_wrong() -> None:
    assert headline(SYSTEM) == (
        "Works (Sereno 0.1)  up 61 s  cpu 12.5 %  memory 150.0 MB  loop late p99 1.2 ms, max 9.0 ms"
    )
    assert headline({**SYSTEM, "reasons": ["history: disk full"]}).endswith("! history: disk full")


class Node:
    def __init__(self) -> None:
        self.asked = 0
        self.fault: Exception | None = None

    async def system(self) -> dict[str, Any]:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return SYSTEM


def _column(top: Top, tab: str) -> list[str]:
    table: DataTable[str] = top.query_one(f"#{tab}-table", DataTable)
    return [str(table.get_row_at(n)[0]) for n in range(table.row_count)]


async def test_the_screen_sorts_filters_and_survives_a_lost_node() -> None:
    node = Node()
    top = Top(node.system, interval=3600)
    async with top.run_test() as pilot:
        assert _column(top, "devices") == ["a/one", "b/two", "c/three"]
        for _ in range(5):
            await pilot.press("s")
        assert _column(top, "devices") == ["a/one", "c/three", "b/two"]
        await pilot.press("r")
        assert _column(top, "devices") == ["b/two", "c/three", "a/one"]
        await pilot.press("slash", *"three")
        assert _column(top, "devices") == ["c/three"]
        await pilot.press("enter", "escape")
        assert top.query_one("#filter", Input).value == ""
        assert len(_column(top, "devices")) == 3
        node.fault = NotConnectedError("the node is gone")
        await top.renew()
        assert "the node is gone" in str(top.query_one("#headline", Static).render())
        assert len(_column(top, "devices")) == 3
        assert node.asked == 2
