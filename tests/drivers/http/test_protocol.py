from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.http.protocol import AnswerError, base_of, number_of, parse_answer, parse_inventory, pick, vector_of


def test_inventories_as_they_are_written() -> None:
    plain = parse_inventory(b'{"a": "10.0.0.7", "b": "http://b.example:81", "c": "[fd00::7]:82"}', 8000)
    assert plain.members == {"a": "http://10.0.0.7:8000", "b": "http://b.example:81", "c": "http://[fd00::7]:82"}
    full = parse_inventory(b'{"a": {"API": "plc1", "RASP_catch": "10.0.0.7"}}', 8000)
    assert full.members == {"a": "http://10.0.0.7:8000"}
    assert parse_inventory(b'["10.0.0.7:1"]', 8000).members == {"10.0.0.7:1": "http://10.0.0.7:1"}
    assert len(parse_inventory(b"{}", 8000)) == 0


@pytest.mark.parametrize(
    "data", [b"", b"7", b'{"a": 7}', b'{"a": {"API": "x"}}', b'{"a": "no host"}', b"[[]]", b"[" * 5000]
)
def test_inventories_that_are_none(data: bytes) -> None:
    with pytest.raises(AnswerError):
        parse_inventory(data, 8000)


@pytest.mark.parametrize(
    "address", ["", "a b", "http://x/path", "ftp://x", "x:0", "x:99999", "user@x", "http://u:p@x", "x?y", "https://x"]
)
def test_addresses_lead_nowhere_else(address: str) -> None:
    with pytest.raises(AnswerError):
        base_of(address, 8000)


@pytest.mark.parametrize("value", [True, None, "7", [], {}, float("inf"), float("nan"), 10**400])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(AnswerError):
        number_of(value)


def test_parts_of_answers() -> None:
    answer = parse_answer(b'{"value": 3, "rooms": [{"level": 1.5}]}')
    assert number_of(pick(answer, "value")) == 3.0
    assert pick(answer, "rooms.0.level") == 1.5
    assert vector_of([1, 2.5, -3], 3) == (1.0, 2.5, -3.0)
    for path in ("nothing", "rooms.1", "value.x", "rooms.level"):
        with pytest.raises(AnswerError, match=path):
            pick(answer, path)
    for value in ([1, 2], [1, 2, 3, 4], [1, 2, True], "123"):
        with pytest.raises(AnswerError):
            vector_of(value, 3)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_inventory_or_refused(data: bytes) -> None:
    try:
        found = parse_inventory(data, 8000)
    except AnswerError:
        return
    assert all(base.startswith(("http://", "https://")) for base in found.members.values())


@given(st.dictionaries(st.text(max_size=8), st.integers(0, 255).map(lambda n: f"10.0.0.{n}"), max_size=5))
def test_every_name_of_an_inventory_is_asked(members: dict[str, str]) -> None:
    assert parse_inventory(json.dumps(members).encode(), 80).members.keys() == members.keys()
