"""The bytes of the PLC: cut anywhere they come out the same, and what is no message is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.jsonplc.protocol import (
    MAX_MESSAGE,
    Reading,
    Splitter,
    ack,
    answer,
    commands_in,
    parse_answer,
    question,
)

# As the specification prints it: a WXT520 that is valid and a VantagePro that is not.
PRINTED = b"""[{"name": "STATUS", "from": "Beckhoff", "version_firmware": "20170809", "site": "OSM-Mexico",
 "date": "2017-03-03T13:45:00", "device": [
  {"name": "WXT520", "type": "meteo", "serial_number": "14656423", "valid": "yes", "values": [
   {"name": "OutsideTemp", "value": 12.12, "unit": "Celcius", "comment": ""},
   {"name": "RainRate", "value": 0.0, "unit": "mm/h", "comment": ""}]},
  {"name": "VantagePro", "type": "meteo", "serial_number": "2", "valid": "no", "values": [
   {"name": "WindDirCardinal", "value": "SW", "unit": "string", "comment": ""}]}]}]"""

SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
MESSAGES = st.lists(st.lists(JSON) | st.dictionaries(st.text(), JSON), max_size=4)


@given(MESSAGES, st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_a_stream_cut_anywhere_comes_out_as_it_went_in(messages: list[object], cuts: list[int], ascii_: bool) -> None:
    data = b"\r\n".join(json.dumps(one, ensure_ascii=ascii_).encode() for one in messages)
    splitter, found, at = Splitter(), [], 0
    for turn in range(len(data)):
        step = cuts[turn % len(cuts)]
        found += splitter.feed(data[at : at + step])
        at += step
    assert [json.loads(one) for one in found] == messages


@pytest.mark.parametrize("message", [{"": None, "\x1f": None}, ["\\", '"', "]"], [["a" * 500, "\\" * 9]]])
def test_a_stream_cut_in_two_comes_out_as_it_went_in(message: object) -> None:
    data = json.dumps(message).encode()
    for at in range(len(data)):
        splitter = Splitter()
        assert splitter.feed(data[:at]) == []
        assert splitter.feed(data[at:]) == [data]


def test_a_string_without_an_end_takes_no_longer_than_one_with() -> None:
    splitter = Splitter()
    assert splitter.feed(b'["' + b"\\\\x" * 300_000) == []


@pytest.mark.parametrize("data", [b"hello", b'"text"', b"5", b"[" * 17, b"[" + b" " * (MAX_MESSAGE + 1)])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"begins with|deeper|more than"):
        Splitter().feed(data)


def test_the_printed_answer() -> None:
    found = parse_answer(PRINTED)
    assert found.has_status
    assert (found.firmware, found.site) == ("20170809", "OSM-Mexico")
    assert found.readings["WXT520", "OutsideTemp"] == Reading(12.12, "Celcius", valid=True)
    assert found.readings["VantagePro", "WindDirCardinal"] == Reading("SW", "string", valid=False)
    assert found.readings["VantagePro", "valid"].value is False


def test_acks_are_found_by_their_number() -> None:
    found = parse_answer(answer(ack(7), ack(8, "the door is open")))
    assert found.acks == {7: ("ok", ""), 8: ("refused", "the door is open")}
    assert not found.has_status


def test_the_question_of_the_specification() -> None:
    assert json.loads(question({"name": "STATUS"})) == {"command": [{"name": "STATUS"}]}
    assert commands_in(b'{"command": [{"name": "STATUS"}]}') == [{"name": "STATUS"}]


def test_values_that_are_no_list_are_none() -> None:
    found = parse_answer(b'[{"name": "STATUS", "device": [{"name": "WXT520", "valid": "yes", "values": 3}]}]')
    assert list(found.readings) == [("WXT520", "valid")]


@pytest.mark.parametrize(
    "message",
    [b"{}", b"[1]", b'[{"name": "STATUS"}]', b'[{"name": "STATUS", "device": [{}]}]', b'[{"name": NaN}]', b"[" * 5000],
)
def test_what_is_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_answer(message)


@pytest.mark.parametrize(
    "message", [b"[]", b'{"command": {}}', b'{"command": [{"nam": 1}]}', b'{"command": [{"name": ""}]}']
)
def test_what_is_no_question_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        commands_in(message)
