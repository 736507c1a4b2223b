from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.gateways.latest.protocol import (
    MAX_LINE,
    Asked,
    Questions,
    error_line,
    number_text,
    parse_sample,
    sample_line,
)


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"n", [Asked("n")]),
        (b"nn n\r\n", [Asked("n")] * 3),
        (b"get\n", [Asked("get")]),
        (b"every north\n", [Asked("every", "north")]),
        (b"rate lab/a/b\nnlist\n", [Asked("rate", "lab/a/b"), Asked("n"), Asked("list")]),
        (b"get nor", []),
    ],
)
def test_questions(data: bytes, asked: list[Asked]) -> None:
    assert Questions().feed(data) == asked


@given(st.lists(st.sampled_from([b"n", b"get\n", b"every north\n", b"\r\n", b"rate x\n"]), max_size=20), st.data())
def test_however_it_is_cut_it_is_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))
    questions = Questions()
    assert questions.feed(whole[:cut]) + questions.feed(whole[cut:]) == Questions().feed(whole)


@pytest.mark.parametrize(
    "data", [b"what\n", b"x" * MAX_LINE, b"list all\n", b"get a b\n", b"\xff\n", b"GET / HTTP/1.1\r\n"]
)
def test_what_is_no_question(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no question|bytes or more|ASCII"):
        Questions().feed(data)


@given(st.floats(allow_nan=False), st.integers(0, 2**62), st.sampled_from([0, 0x4000, 0x8031]))
def test_samples_are_read_as_they_were_written(value: float, t_ns: int, quality: int) -> None:
    assert parse_sample(sample_line(number_text(value), t_ns, quality)) == (value, t_ns, quality == 0)


def test_numbers_are_written_as_sensors_write_them() -> None:
    assert number_text(0.1 + 0.2) == str(0.1 + 0.2)
    assert number_text(3.0) == "3.0"
    assert number_text(3.0, whole=True) == "3"
    assert number_text(math.nan, whole=True) == "nan"


def test_an_error_is_one_line_and_no_sample() -> None:
    line = error_line("two\nlines")
    assert line.count(b"\n") == 1
    with pytest.raises(ValueError, match="two lines"):
        parse_sample(line)
