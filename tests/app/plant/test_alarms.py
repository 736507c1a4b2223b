"""Alarms in the plant file: rationalised or refused, every fault with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sereno.app.plant.load import live_alarms, load_plant
from sereno.app.plant.published import json_schema
from sereno.client import AlarmKind
from sereno.model import ConfigurationError

HEAD = """
[[device]]
name = "river/plc1"
driver = "tiny"
url = "tcp://127.0.0.1:5020"
"""
TAGS = """
[[device.tag]]
name = "level"
address = "r100"
unit = "m"
{alarm}
[[device.tag]]
name = "wanted"
address = "r101"
[[device.tag]]
name = "mode"
address = "r102"
type = "enum"
labels = ["off", "on", "fault"]
"""
WHOLE = 'priority = 2\nresponse = "Look."\n'


def plant(folder: Path, text: str = "", alarm: str = "") -> Any:
    file = folder / "plant.toml"
    file.write_text(HEAD + TAGS.format(alarm=alarm) + text, encoding="utf-8")
    return load_plant(file)


def faults(folder: Path, text: str = "", alarm: str = "") -> str:
    with pytest.raises(ConfigurationError) as caught:
        plant(folder, text, alarm)
    return "\n".join(map(str, caught.value.faults))


def test_each_limit_is_an_alarm_with_its_own_priority_and_response(tmp_path: Path) -> None:
    alarm = (
        'alarm = { lo = 1, hi = 5, hihi = 6, deadband = 0.1, class = "level", on_delay = "5s",'
        ' cause = { hi = "Rain" }, consequence = "Mud",'
        ' priority = { lo = 3, hi = 3, hihi = 1 }, response = { lo = "Open", hi = "Close", hihi = "Stop" } }'
    )
    made = plant(tmp_path, alarm=alarm)
    told = {a.id: (a.kind, a.priority, a.response, a.limit, a.unit) for a in made.alarms}
    assert told == {
        "river/plc1/level.lo": (AlarmKind.LO, 3, "Open", 1.0, "m"),
        "river/plc1/level.hi": (AlarmKind.HI, 3, "Close", 5.0, "m"),
        "river/plc1/level.hihi": (AlarmKind.HIHI, 1, "Stop", 6.0, "m"),
    }
    assert {(a.on_delay, a.consequence, a.alarm_class, a.source) for a in made.alarms} == {
        (5.0, "Mud", "level", "river/plc1/level")
    }
    assert [a.cause for a in made.alarms] == ["", "Rain", ""]
    limits = made.devices[0].tags[0].spec.limits
    assert (limits.priority, limits.response) == (1, "Open Close Stop")


@pytest.mark.parametrize(
    ("alarm", "message"),
    [
        ("{ hi = 5 }", "hi without a priority; add it, or draft = true"),
        ("{ hi = 5, priority = 2 }", "hi without a response; add it, or draft = true"),
        ('{ hi = 5, lo = 1, priority = { hi = 1 }, response = "x" }', "lo without a priority"),
        ('{ hi = 5, hihi = 4, priority = 1, response = "x" }', "hi = 5 above hihi = 4"),
        ('{ lo = 4, hi = 5, deadband = 2, priority = 1, response = "x" }', "wider than the gap"),
        ('{ priority = 1, response = "x" }', "no limit; add lolo, lo, hi or hihi"),
        ('{ hi = 5, count = 3, priority = 1, response = "x" }', "count = 3 without a window"),
        ('{ hi = 5, priority = 1, response = "x", suppress_when = "nothing > 1" }', "unknown tag 'nothing'"),
    ],
)
def test_faults_of_limits(tmp_path: Path, alarm: str, message: str) -> None:
    told = faults(tmp_path, alarm=f"alarm = {alarm}")
    assert message in told
    assert "plant.toml:" in told


def test_a_draft_needs_neither(tmp_path: Path) -> None:
    (made,) = plant(tmp_path, alarm="alarm = { hi = 5, draft = true }").alarms
    assert (made.priority, made.response, made.draft) == (0, "", True)


def alarm_table(kind: str, more: str) -> str:
    return f'[[alarm]]\nname = "river/one"\nkind = "{kind}"\n{more}\n'


@pytest.mark.parametrize(
    ("kind", "more", "inputs", "condition"),
    [
        ("deviation", 'tag = "river/plc1/level"\nreference = "river/plc1/wanted"\nlimit = 0.5', 2, ""),
        ("rate", 'tag = "river/plc1/level"\nlimit = 0.1\nover = "10s"', 1, ""),
        ("state", 'tag = "river/plc1/mode"\nstates = ["fault", "off"]', 1,
         "tag('river/plc1/mode') == 'fault' or tag('river/plc1/mode') == 'off'"),
        ("bad", 'tag = "river/plc1/level"', 1, ""),
        ("stale", 'tag = "river/plc1/level"', 1, ""),
        ("expression", 'when = "river/plc1/level > 3 and river/plc1/mode == \'on\'"', 2,
         "river/plc1/level > 3 and river/plc1/mode == 'on'"),
    ],
)  # fmt: skip
def test_other_kinds(tmp_path: Path, kind: str, more: str, inputs: int, condition: str) -> None:
    (made,) = plant(tmp_path, alarm_table(kind, more) + WHOLE).alarms
    assert (made.id, made.kind, len(made.inputs), made.condition) == ("river/one", kind, inputs, condition)
    assert made.source == ("river/one" if kind == "expression" else made.inputs[0])


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("bad", 'tag = "river/plc1/level"', "no priority"),
        ("bad", WHOLE + 'tag = "river/plc1/levle"', "Did you mean 'river/plc1/level'?"),
        ("rate", WHOLE + 'tag = "river/plc1/level"', "without 'limit'"),
        ("bad", WHOLE + 'tag = "river/plc1/level"\nlimit = 3', "does not know 'limit'"),
        ("expression", WHOLE + 'when = "river/plc1/level >"', "the expression ends here"),
        ("expression", WHOLE + 'when = "age(river/plc1/level) > 3"', "age()"),
        ("state", WHOLE + 'tag = "river/plc1/mode"\nstates = "faulty"', "did you mean 'fault'?"),
        ("bad", WHOLE + 'tag = "river/plc1/level"\nlimits = 3', "unknown key 'limits'"),
    ],
)
def test_faults_of_other_kinds(tmp_path: Path, kind: str, more: str, message: str) -> None:
    assert message in faults(tmp_path, alarm_table(kind, more))


def test_names_are_taken_once(tmp_path: Path) -> None:
    one = alarm_table("bad", 'tag = "river/plc1/level"') + WHOLE
    assert "duplicate alarm 'river/one'" in faults(tmp_path, one + one)


def test_alarms_of_a_template_and_of_a_device(tmp_path: Path) -> None:
    text = """
[[device.use]]
template = "pump"
each = [{ n = 1 }, { n = 2 }]

[[template]]
name = "pump"
parameters = ["n"]
[[template.tag]]
name = "pump{n}_fault"
address = "r{n}"
[[template.alarm]]
name = "pump{n}_failed"
kind = "state"
tag = "pump{n}_fault"
states = true
priority = 2
response = "Reset pump {n}"
"""
    made = plant(tmp_path, text).alarms
    assert [(a.id, a.source, a.response) for a in made] == [
        ("river/plc1/pump1_failed", "river/plc1/pump1_fault", "Reset pump 1"),
        ("river/plc1/pump2_failed", "river/plc1/pump2_fault", "Reset pump 2"),
    ]


def test_alarms_of_a_disabled_device_do_not_live(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    alarm = 'alarm = { hi = 5, priority = 2, response = "x" }'
    file.write_text(HEAD + "enabled = false\n" + TAGS.format(alarm=alarm), encoding="utf-8")
    made = load_plant(file)
    assert len(made.alarms) == 1
    assert live_alarms(made) == []


def test_the_schema_knows_alarms() -> None:
    properties = json_schema()["properties"]
    assert "when" in properties["alarm"]["items"]["properties"]
    assert "class" in properties["alarm"]["items"]["properties"]
    assert "alarm" in properties["device"]["items"]["properties"]
