"""One wrong line is one fault, told at that line: whatever else it touches, and whatever else is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sereno.app.plant.causes import at_their_cause, of
from sereno.app.plant.load import load_plant
from sereno.model import ConfigurationError, Fault, Subject

MODULE = """
from sereno import Device, command, setting, tag

class Mast(Device):
    latitude: float = setting(low=-90, high=90, site="latitude")
    gale: float = setting(20.0, site="wind_limit")
    calm: float = setting(2.0)
    wind: float = tag(unit="m/s", write=True, memorised=True)
    brake: bool = tag(write=True, memorised=True)

    @command
    def fold(self) -> None: pass
"""
PLANT = """\
[plant]
name = "Mill"
timezone = "Europe/Madrid"

[site]
latitude = -30.5
wind_limit = 15.5

[web]
port = 8000

[[template]]
name = "pump"
parameters = ["n"]
[[template.tag]]
name = "pump{n}_speed"
address = "r{n}"
unit = "1/min"

[[template]]
name = "well"
parameters = ["n"]
[[template.device]]
name = "wells/well{n}"
driver = "tiny"
url = "tcp://{n}"
[[template.device.tag]]
name = "depth"
address = "r1"
unit = "m"
alarm = { lo = 2, priority = 2, response = "Stop" }

[[use]]
template = "well"
each = [{ n = 1 }, { n = 2 }, { n = 3 }]

[[device]]
name = "mill/plc1"
driver = "tiny"
url = "tcp://a"
scan = "100ms"
[[device.tag]]
name = "level"
address = "r1"
alarm = { hi = "{site.wind_limit}", priority = 2, response = "Stop" }
[[device.tag]]
name = "speed"
address = "r2"
access = "read_write"
setpoint = { low = 0, high = 100, readback = "mill/plc1/level" }
[[device.tag]]
name = "strokes"
address = "r3"
type = "uint16"
counter = {}

[[device]]
name = "mill/plc2"
driver = "tiny"
url = "tcp://b"
[[device.use]]
template = "pump"
each = [{ n = 1 }, { n = 2 }]

[[device]]
name = "field/mast"
class = "causes_masts:Mast"
calm = 1

[[device]]
name = "field/second"
class = "causes_masts:Mast"
[[device.tag]]
name = "wind"
low = 0

[[device]]
name = "sums/all"
driver = "derived"
[[device.tag]]
name = "twice"
value = "mill/plc1/level + mill/plc1/strokes_total"
[[device.tag]]
name = "other"
value = "field/mast/wind * 2"
forward = "mill/plc1/speed"
access = "read_write"

[[agent]]
device = "field/mast"
silent = "10s"

[[guard]]
name = "brake"
when = "field/mast/wind >= {site.wind_limit}"
command = { target = "field/mast/brake", value = true }

[[guard]]
name = "fold"
when = "mill/plc1/level > wells/well1/depth"
command = { call = "field/second", name = "fold" }

[[alarm]]
name = "differ"
kind = "expression"
when = "wells/well2/depth > mill/plc2/pump1_speed"
priority = 3
response = "Look"

[notices.way.mail]
kind = "webhook"
url = "http://127.0.0.1:1/"

[[job]]
name = "tell"
every = "1h"
[[job.step]]
do = "notify"
way = "mail"
message = "at {sums/all/twice}"
[[job.step]]
do = "check"
that = "wells/well3/depth > 1"

[[report]]
name = "day"
tags = ["mill/*/pump2_speed", "mill/plc1/strokes_total"]

[gateway.latest]
insecure = true
tags = ["sums/all/twice", "mill/plc1/level"]
"""
MISTAKES = {
    'timezone = "Europe/Madrid"': 'timezone = "Europe/Madird"',
    "latitude = -30.5": 'latitude = "south"',
    "wind_limit = 15.5": "wind_limt = 15.5",
    "port = 8000": "port = 80000",
    'parameters = ["n"]\n[[template.tag]]': 'parameters = ["m"]\n[[template.tag]]',
    'unit = "1/min"': 'unit = "furlongz"',
    'parameters = ["n"]\n[[template.device]]': 'parameters = ["n", "m"]\n[[template.device]]',
    'url = "tcp://{n}"': 'ulr = "tcp://{n}"',
    'scan = "100ms"': 'scan = "soon"',
    'address = "r1"\nalarm = { hi': 'adress = "r1"\nalarm = { hi',
    'address = "r2"': 'address = "x2"',
    'type = "uint16"': 'type = "float32"',
    'url = "tcp://b"': 'url = ["tcp://b"]',
    "calm = 1": 'calm = "much"',
    "low = 0\n\n": 'low = "none"\n\n',
    'name = "twice"': 'name = "Twice!"',
    'silent = "10s"': 'silent = "never"',
    'name = "brake"': 'name = "Brake!"',
    'name = "fold"\nwhen': 'naem = "fold"\nwhen',
    "priority = 3": 'priority = "high"',
    'kind = "webhook"': 'kind = "pigeon"',
    'every = "1h"': 'every = "hourly"',
    'name = "day"': 'naem = "day"',
    "insecure = true\ntags": "insecure = 7\ntags",
    'name = "field/second"': 'name = "Field/Second"',
    'name = "mill/plc2"': 'nmae = "mill/plc2"',
}
"""A line as it is right -> as it is wrong."""
ELSEWHERE = {
    'parameters = ["n"]\n[[template.tag]]': "each = [{ n = 1 }, { n = 2 }]\n",
    'parameters = ["n"]\n[[template.device]]': "each = [{ n = 1 }, { n = 2 }, {",
    'type = "uint16"': "counter = {}",
}
"""Where it is told instead: at what does not go with it."""
HIDING = {
    'parameters = ["n"]\n[[template.tag]]': {'unit = "1/min"'},
    'parameters = ["n"]\n[[template.device]]': {'url = "tcp://{n}"'},
}
"""What cannot be seen as long as another one is there: a template that cannot be used makes nothing."""


@pytest.fixture
def folder(tmp_path: Path, own_modules: None) -> Path:
    (tmp_path / "causes_masts.py").write_text(MODULE)
    return tmp_path


def told(folder: Path, text: str) -> list[Fault]:
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    try:
        load_plant(folder / "plant.toml")
    except ConfigurationError as error:
        return error.faults
    return []


def test_the_plant_is_right(folder: Path) -> None:
    assert told(folder, PLANT) == []
    assert all(PLANT.count(right) == 1 for right in MISTAKES)


@pytest.mark.parametrize("right", MISTAKES)
def test_one_wrong_line_is_one_fault_at_that_line(folder: Path, right: str) -> None:
    line = PLANT[: PLANT.index(right)].count("\n") + 1
    found = told(folder, PLANT.replace(right, MISTAKES[right]))
    assert len(found) == 1, found
    if right in ELSEWHERE:
        line = PLANT[: PLANT.index(ELSEWHERE[right])].count("\n") + 1
    assert found[0].where == f"{folder}/plant.toml:{line}"


@given(st.sets(st.sampled_from(sorted(MISTAKES)), min_size=1, max_size=len(MISTAKES)))
@example(set(MISTAKES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_many_faults_as_mistakes(folder: Path, wrong: set[str]) -> None:
    text = PLANT
    for right in wrong:
        text = text.replace(right, MISTAKES[right])
    unseen = {one for right in wrong for one in HIDING.get(right, ())} & wrong
    found = told(folder, text)
    assert len(found) == len(wrong - unseen), [str(one) for one in found]


def test_what_a_device_that_cannot_be_read_never_had_is_told(folder: Path) -> None:
    text = PLANT.replace('scan = "100ms"', 'scan = "soon"').replace(
        "mill/plc1/level > wells", "mill/plc1/levle > wells"
    )
    lines = [one.where.rpartition(":")[2] for one in told(folder, text)]
    assert lines == [str(PLANT[: PLANT.index(found)].count("\n") + 1) for found in ("scan =", 'when = "mill/plc1')]


def test_each_unknown_tag_of_an_expression_is_told(folder: Path) -> None:
    found = told(
        folder, PLANT.replace('"mill/plc1/level > wells/well1/depth"', '"mill/a/b > mill/c/d and mill/e/f > 1"')
    )
    assert [path for one in found for path in ("mill/a/b", "mill/c/d", "mill/e/f") if f"{path!r} at" in one.found] == [
        "mill/a/b",
        "mill/c/d",
        "mill/e/f",
    ]


def test_whatever_names_what_an_unread_file_may_declare_may_be_right(folder: Path) -> None:
    (folder / "more.toml").write_text("[[device]\n", encoding="utf-8")
    text = PLANT.replace('name = "Mill"\n', 'name = "Mill"\ninclude = ["more.toml"]\n').replace(
        "field/mast/wind *", "x/y/z *"
    )
    (one,) = told(folder, text)
    assert (one.where, "included at" in one.fix) == (f"{folder}/more.toml:1", True)


def test_tables_below_a_misspelt_header_are_not_those_of_the_one_before(folder: Path) -> None:
    text = PLANT.replace('[[device]]\nname = "sums/all"', '[[devise]]\nname = "sums/all"')
    (one,) = told(folder, text)
    assert one.found.startswith("unknown key 'devise'")


def test_words_decide_nothing() -> None:
    lost = Fault("p:1", "odd", loses=(Subject("tag", "a/b/*"), Subject("device", "a/b")))
    follows = [Fault("p:2", "x", misses=Subject("tag", "a/b/c")), Fault("p:3", "y", misses=Subject("tag", "a/?/c"))]
    own = [Fault("p:4", "z 'a/b/c'", misses=Subject("tag", "a/c/c")), Fault("p:5", "'a/b' is no device")]
    assert at_their_cause([*follows, lost, *own]) == [lost, *own]
    assert at_their_cause(follows) == follows, "never none of them"


def test_a_line_that_makes_several_is_wrong_once_and_twice_if_it_makes_other_mistakes() -> None:
    def made(name: str, unit: str) -> Mapping[str, Fault]:
        return {name: of(Subject("tag", f"p/{name}/t"), [Fault("p:1", f"unit {unit!r} of 't' of 'p/{name}'")])[0]}

    both = {**made("one", "x"), **made("two", "x")}
    assert at_their_cause(list(both.values())) == [both["one"]]
    other = {**made("one", "x"), **made("two", "y")}
    assert at_their_cause(list(other.values())) == list(other.values())
