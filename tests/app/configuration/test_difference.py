"""What leads from one plant file to another: each change with its effect, and which devices it concerns."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.configuration.difference import Difference, difference
from sereno.app.plant.load import load_plant
from sereno.client import Change, Effect
from tests.app.configuration.plants import FUNCTIONS, PLANT, at


def compared(folder: Path, old: str, new: str) -> Difference:
    made = []
    (folder / "twice.py").write_text(FUNCTIONS, encoding="utf-8")
    for name, text in (("old.toml", old), ("new.toml", new)):
        (folder / name).write_text(text, encoding="utf-8")
        made.append(load_plant(folder / name))
    return difference(*made)


def words(changes: list[Change]) -> list[str]:
    return [
        f"{one.change} {one.kind} {one.name} {one.effect} "
        + ", ".join(f"{f.field} {f.old}>{f.new}" for f in one.fields)
        for one in changes
    ]


def test_the_same_file_differs_in_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, PLANT, PLANT)
    assert (found.changes, found.devices, found.alarms, found.guards) == ([], False, False, False)


@pytest.mark.parametrize(
    ("old", "new", "told", "placed"),
    [
        ("hi = 50", "hi = 60", ["changed tag a/d1/x live alarm.hi 50>60"], ([], [], ["a/d1"])),
        ('unit = "m"', 'unit = "cm"', ["changed tag a/d1/x live unit m>cm"], ([], [], ["a/d1"])),
        ("high = 90", "high = 80", ["changed tag a/d2/y live setpoint.high 90>80"], ([], [], ["a/d2"])),
        ('interlock = "a/d1/x < 5"', 'interlock = "a/d1/x < 6"', ["changed tag a/d2/y live"], ([], [], ["a/d2"])),
        ("holding:0", "holding:9", ["changed tag a/d1/x interrupts address"], (["a/d1"], ["a/d1"], [])),
        ('scan = "100ms"', 'scan = "50ms"', ["changed device a/d1 interrupts groups"], (["a/d1"], ["a/d1"], [])),
        (
            "enabled = true",
            "enabled = false",
            ["changed device a/d3 interrupts enabled true>false"],
            (["a/d3"], [], []),
        ),
        ('value = "a/d1/x + 1"', 'value = "a/d1/x + 2"', ["changed tag a/sum/s live value"], ([], [], [])),
        (
            'name = "z"',
            'name = "w"',
            ["added tag a/d3/w interrupts", "removed tag a/d3/z interr"],
            (["a/d3"], ["a/d3"], []),
        ),
        ('for = "0s"', 'for = "2s"', ["changed guard stop live hold 0>"], ([], [], [])),
        ("days = 1", "days = 2", ["changed setting [history] next_start days 1>2"], ([], [], [])),
    ],
)
def test_each_change_says_what_it_does(
    tmp_path: Path, old: str, new: str, told: list[str], placed: tuple[list[str], list[str], list[str]]
) -> None:
    found = compared(tmp_path, PLANT, PLANT.replace(old, new, 1))
    said = [one for one in words(found.changes) if one.split()[1] != "alarm"]
    assert len(said) == len(told), said
    assert all(one.startswith(beginning) for one, beginning in zip(said, told, strict=True)), said
    assert (found.leaving, found.coming, found.adopting) == placed


def test_an_alarm_is_told_beside_its_tag(tmp_path: Path) -> None:
    found = compared(tmp_path, PLANT, PLANT.replace("hi = 50", "hi = 60"))
    assert "changed alarm a/d1/x.hi live limit 50>60" in words(found.changes)
    assert found.alarms


def test_a_device_on_a_link_that_is_opened_anew_is_interrupted_too(tmp_path: Path) -> None:
    old = at(5020, 5020, 5020)
    new = old.replace('name = "a/d1"', 'name = "a/d1"\nretry = { initial = "1s" }')
    found = compared(tmp_path, old, new)
    assert sorted(found.leaving) == ["a/d1", "a/d2", "a/d3"]
    assert found.interrupted["a/d2"] == "it shares a link that is opened anew"


def test_a_device_that_shares_its_link_and_changes_by_itself_leaves_the_others_alone(tmp_path: Path) -> None:
    old = at(5020, 5020, 5020)
    found = compared(tmp_path, old, old.replace("holding:8", "holding:9"))
    assert found.leaving == ["a/d2"]
    gone = compared(tmp_path, old, old.replace('name = "a/d1"', 'name = "a/d0"').replace("a/d1/", "a/d0/"))
    assert gone.leaving == ["a/d1"]
    assert gone.coming == ["a/d0"]


def test_no_secret_is_told(tmp_path: Path) -> None:
    oidc = """
[oidc]
issuer = "https://id.example.org"
client_id = "s"
client_secret_file = "s.txt"
roles = { a = "viewer" }
"""
    (tmp_path / "s.txt").write_text("hunter2", encoding="utf-8")
    pytest.importorskip("joserfc")
    found = compared(tmp_path, PLANT, PLANT + oidc)
    (change,) = found.changes
    assert (change.name, change.effect) == ("[oidc]", Effect.NEXT_START)
    assert "hunter2" not in repr(change)


NOTICES = '\n[notices.way.horn]\nkind = "command"\ncommand = ["true"]\n'


def test_ways_of_notices_that_are_the_same_are_no_change(tmp_path: Path) -> None:
    assert words(compared(tmp_path, PLANT + NOTICES, PLANT + NOTICES).changes) == []
    other = PLANT + NOTICES.replace("true", "false")
    assert words(compared(tmp_path, PLANT + NOTICES, other).changes) == [
        "changed setting [notices] next_start plan (not shown)>(not shown)"
    ]


REPORT = '\n[[report]]\nname = "daily"\ntags = "a/*"\n'


def test_a_report_is_changed_while_the_node_runs(tmp_path: Path) -> None:
    assert words(compared(tmp_path, PLANT + REPORT, PLANT + REPORT).changes) == []
    other = PLANT + REPORT + 'show = ["max"]\nshifts = ["06:00"]\nperiod = "shift"\n'
    assert words(compared(tmp_path, PLANT + REPORT, other).changes) == [
        "changed report daily live period day>shift, shifts >06:00, tables a/*: last, min, max, time_mean>a/*: max"
    ]
