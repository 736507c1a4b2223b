"""[[report]]: what is taken, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError

BASE = """
[plant]
name = "Lab"
timezone = "Europe/Madrid"
[notices]
language = "es"
[notices.way.mail]
kind = "smtp"
host = "127.0.0.1"
security = "none"
sender = "scada@example.org"
[notices.way.hook]
kind = "webhook"
url = "http://127.0.0.1:1/"
[notices.person]
olga = { mail = "olga@example.org" }
eva = {}
[notices.roster.operators]
shift = [{ people = ["olga"] }]
[[device]]
name = "lab/plc"
driver = "tiny"
url = "tcp://127.0.0.1:1"
tag = [{ name = "x", address = "r0", type = "int16" }, { name = "y", address = "r1", type = "float32" }]
"""
GOOD = """
[[report]]
name = "daily"
tags = "lab/*"
at = "06:15"
folder = "out"
by = "mail"
to = ["operators"]
[[report.table]]
title = "The node"
tags = ["sereno/node/*"]
show = ["last", "good"]
[[report]]
name = "shifts"
period = "shift"
shifts = ["06:00", "18:00"]
alarms = true
keep_for = "30d"
language = "fr"
"""


def load(folder: Path, text: str) -> Plant:
    path = folder / "plant.toml"
    path.write_text(BASE + text, encoding="utf-8")
    return load_plant(path)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    return str(caught.value)


def test_what_is_declared(tmp_path: Path) -> None:
    daily, shifts = load(tmp_path, GOOD).reports
    assert (daily.title, daily.period, daily.time_of_day, daily.language) == ("daily", "day", "06:15", "es")
    assert [one.tags for one in daily.tables] == [("lab/*",), ("sereno/node/*",)]
    assert daily.folder == str((tmp_path / "out").absolute())
    assert (daily.calendar.timezone, daily.plant, daily.by, daily.to) == (
        "Europe/Madrid",
        "Lab",
        ("mail",),
        ("operators",),
    )
    assert (shifts.calendar.shifts, shifts.period, shifts.language) == (("06:00", "18:00"), "shift", "fr")
    assert (shifts.keep_for, shifts.folder, shifts.alarms) == (30 * 86_400.0, "", True)


LINE = len(BASE.splitlines()) + 3


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('tags = "lab/plc/z"', 0, "'lab/plc/z' names no tag in report 'r'"),
        ('tags = "lab/plc/z"', 0, "Did you mean 'lab/plc/"),
        ('tagz = "lab/*"\nalarms = true', 0, "unknown key 'tagz' in report 'r'"),
        ('tags = "lab/*"\nshow = ["lats"]', 1, "lats cannot be shown"),
        ('tags = "lab/plc/y"\nshow = ["last", "states"]', 1, "'states' fits no tag of lab/plc/y"),
        ('alarms = true\nperiod = "dya"', 1, "'dya', expected day, week, month, shift, or hours"),
        ('alarms = true\nperiod = "5h"', 1, "'5h' does not divide a day"),
        ('alarms = true\nperiod = "shift"', 1, "there are none"),
        ('alarms = true\nat = "25:00"', 1, "25:00"),
        ('alarms = true\nto = "olga"\nby = "mial"', 2, "Did you mean 'mail'?"),
        ('alarms = true\nto = "olag"\nby = "mail"', 1, "Did you mean 'olga'?"),
        ('alarms = true\nto = "olga"\nby = "hook"', 2, "of kind 'webhook', which carries no files"),
        ('alarms = true\nto = "eva"\nby = "mail"', 1, "nobody has an address for 'mail'"),
        ('alarms = true\nto = "olga"', -2, "by and to go together"),
        ("keep = 5", -2, "says nothing"),
        ('alarms = true\nformats = ["pdf"]', 1, "'pdf'"),
        ("alarms = true\n[[report]]\nname = 'r'\nalarms = true", 2, "duplicate report 'r'"),
        ('[[report.table]]\ntags = "lab/*"\nshow = "nothing"', 2, "nothing cannot be shown"),
        ("alarms = true\n[history]\nenabled = false", -2, "of a plant that records nothing"),
    ],
)
def test_faults_say_where_and_what_is_meant(tmp_path: Path, text: str, line: int, words: str) -> None:
    said = refused(tmp_path, f'[[report]]\nname = "r"\n{text}\n')
    assert words in said
    assert f"plant.toml:{LINE + line}" in said, said
