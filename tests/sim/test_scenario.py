"""Scenario files in the original's format, and what is said of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sereno.model import ConfigurationError
from sereno.sim.scenario import Event, parse_scenario, read_scenario


def test_events_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    events = [{"time": 9, "userSimulator": "b.xml"}, {"time": 2, "userSimulator": "a.xml", "plcSimulator": {}}]
    file.write_text(json.dumps([200, *events]), encoding="utf-8")
    found = read_scenario(file)
    assert found.iterations == 200
    assert found.events[0] == Event(2, "userSimulator", "a.xml")
    assert list(found.due(9, "userSimulator")) == ["b.xml"]
    assert list(found.due(9, "plcSimulator")) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "is no scenario"),
        ([], "is no scenario"),
        ([True], "is no scenario"),
        ([5, {"plcSimulator": {}}, {"time": 1}], r"event 1 is .*\n.*event 2 is"),
        ([5, {"time": 1, "plcSimulatr": {}}], "event 1: 'plcSimulatr' is no simulator; expected such as plcSimulator"),
    ],
)
def test_what_is_no_scenario_is_told_whole(data: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_scenario(data, "file.json")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_scenario(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[1,\n!", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"bad\.json:2: is no JSON: .* at column 1"):
        read_scenario(tmp_path / "bad.json")
