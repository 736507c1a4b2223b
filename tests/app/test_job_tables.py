"""[[job]] tables: what is read, and every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.agents.jobs.machine import Schedule
from sereno.agents.jobs.rule import ColumnRule, Read, WriteBack
from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError

PLANT = """
[plant]
timezone = "Europe/Madrid"

[notices.way.log]
kind = "command"
command = ["true"]

[[device]]
name = "a/d1"
driver = "modbus"
url = "tcp://127.0.0.1:5021"
tag = [
  { name = "x", address = "holding:0", type = "float32" },
  { name = "y", address = "holding:2", type = "float32", access = "read_write" },
  { name = "z", address = "holding:4", type = "float32", access = "read_write", setpoint = { approval = true } },
]

[[job]]
name = "watch"
every = "5min"
again = "10s"
calendar = "0 6 * * mon-fri"
on_change = ["a/d1/x"]
writes = ["a/d1/y"]
calls = ["a/d1"]
alarm = { priority = 2 }

[[job.step]]
do = "read"
tags = ["a/d1/x"]

[[job.step]]
do = "check"
that = "a/d1/x > 1"
otherwise = "warn"

[[job.step]]
do = "write_back"
from = "a/d1/x"
to = "a/d1/y"

[[job.step]]
do = "notify"
way = "log"
message = "x is {a/d1/x}"

[[job.step]]
do = "call"
device = "a/d1"
command = "reset"
"""


def load(folder: Path, text: str) -> Plant:
    path = folder / "plant.toml"
    path.write_text(text, encoding="utf-8")
    return load_plant(path)


def test_a_job_as_declared(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, PLANT).jobs
    assert (rule.path, rule.actor, rule.writes, rule.ways, rule.priority) == (
        "jobs/watch",
        "job/watch",
        ("a/d1/y",),
        ("log",),
        2,
    )
    assert rule.steps[0] == Read(tags=("a/d1/x",))
    assert rule.steps[1].warn
    assert rule.steps[2] == WriteBack(source="a/d1/x", target="a/d1/y")
    assert isinstance(rule.schedule, Schedule)
    assert (rule.schedule.every, rule.schedule.again) == (300.0, 10.0)
    assert rule.schedule.calendar is not None
    assert str(rule.schedule.calendar.zone) == "Europe/Madrid"
    assert rule.when == ("every 5 min, again 10 s after it ends, calendar 0 6 * * mon-fri, when a/d1/x changes")
    assert rule.table == ()
    assert ColumnRule("a").total == ""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('tags = ["a/d1/x"]', 'tags = ["a/d1/w"]', "step 1 of job 'watch' names no tag 'a/d1/w'"),
        ('tags = ["a/d1/x"]', 'tag = ["a/d1/x"]', "unknown key 'tag' in step 1 of job 'watch' (read)"),
        ('do = "read"', 'do = "reed"', "does 'reed'"),
        ("a/d1/x > 1", "a/d1/w > 1", "step 2 of job 'watch' cannot be read"),
        ("a/d1/x > 1", "age(a/d1/x) > 1", "age()"),
        ('to = "a/d1/y"', 'to = "a/d1/x"', "read only"),
        ('to = "a/d1/y"', 'to = "a/d1/z"', "waits for people"),
        ('writes = ["a/d1/y"]', 'writes = ["b/*"]', "has no right to 'a/d1/y'"),
        (
            'url = "tcp://127.0.0.1:5021"',
            'url = "tcp://127.0.0.1:5021"\ncommands = { Reset = { approval = true } }',
            "step 5 of job 'watch' calls 'reset' of 'a/d1', which waits for people",
        ),
        ('way = "log"', 'way = "lug"', "tells by no way 'lug'"),
        ("{a/d1/x}", "{a/d1/w}", "names no tag"),
        ("0 6 * * mon-fri", "0 6 31 2 *", "never comes"),
        ('on_change = ["a/d1/x"]', 'on_change = ["a/d1/w"]', "names no tag"),
        ('name = "watch"', 'name = "Watch it"', "Watch it"),
        ('otherwise = "warn"', 'otherwise = "worn"', "one of stop, warn"),
        ('every = "5min"', 'evry = "5min"', "evry"),
        ('alarm = { priority = 2 }', 'table = [{ members = "a/d1/x" }]', "no table of members"),
        ('do = "notify"\nway = "log"', 'do = "call"\ndevice = "a/d2"\ncommand = "x"\nway = "log"', "way"),
    ],
)  # fmt: skip
def test_faults_have_their_line(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in PLANT
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, PLANT.replace(old, new))
    assert found in str(error.value)
    begins = PLANT.splitlines().index("[[job]]")
    faults = [fault for fault in error.value.faults if "a/d1' has no command" not in fault.found]
    assert all(int(fault.where.rpartition(":")[2]) > begins for fault in faults), error.value


def test_a_job_without_steps(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"at least one \[\[job.step\]\]"):
        load(tmp_path, PLANT[: PLANT.index("[[job.step]]")])
