"""Lines in and out: cut, understood, and answered on one line whatever is in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.gateways.line.protocol import (
    MAX_LINE,
    Lines,
    Question,
    error_line,
    failure_line,
    parse_line,
    parse_value,
    value_line,
)
from sereno.model import DeniedError, NotConnectedError, NotFoundError, OperationError


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=20), st.data())
def test_however_a_stream_is_cut_its_lines_are_the_same(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"\r\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    splitter, found = Lines(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:stop])
    assert found + splitter.end() == [line.strip() for line in lines if line.strip()]


def test_a_line_without_end_is_given_up() -> None:
    splitter = Lines()
    assert splitter.feed(b"x" * (MAX_LINE - 1)) == []
    with pytest.raises(ValueError, match="4096 bytes"):
        splitter.feed(b"x")
    with pytest.raises(ValueError, match="4096 bytes"):
        Lines().feed(b"x" * MAX_LINE + b"\n")


@pytest.mark.parametrize(
    ("line", "question"),
    [
        (b"sys/tg_test/1/ampli", Question("sys/tg_test/1/ampli")),
        (b"/lab/ps/1/voltage/", Question("lab/ps/1/voltage")),
        (b"lab/ps/1/voltage = 1.5", Question("lab/ps/1/voltage", "1.5")),
        (b"lab/ps/1/label=a = b", Question("lab/ps/1/label", "a = b")),
        (b"lab/ps/1/label=", Question("lab/ps/1/label", "")),
    ],
)
def test_questions(line: bytes, question: Question) -> None:
    assert parse_line(line) == question


@pytest.mark.parametrize("line", [b"=1", b"\xff\xfe", b"a\x00b", b" / "])
def test_what_is_no_question(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"names no tag|UTF-8"):
        parse_line(line)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (0.1, "0.1"),
        (np.float64(2.0), "2.0"),
        (2**63, "9223372036854775808"),
        (True, "true"),
        (np.bool_(False), "false"),
        ("ON", "ON"),
        ("two\nlines", "two lines"),
        (np.array([[1.0, 2.0], [3.0, 4.5]]), "[[1.0,2.0],[3.0,4.5]]"),
        ([1, 2], "[1,2]"),
        (None, "null"),
        (math.inf, "inf"),
    ],
)
def test_values_are_one_line(value: object, text: str) -> None:
    assert value_line(value) == text


@given(st.floats(allow_nan=False) | st.integers() | st.booleans())
def test_what_is_told_can_be_set_again(value: float) -> None:
    told = value_line(value)
    if math.isfinite(value):
        assert parse_value(told) == value


@given(st.text(), st.text())
def test_errors_are_one_line_with_their_four_parts(desc: str, origin: str) -> None:
    line = error_line(desc, origin, "Failed")
    assert line.isprintable()
    assert line.startswith("DevFailed[ DevError[ desc = ")
    assert line.endswith(" reason = Failed severity = ERR ] ]")


def test_each_kind_of_error_has_its_word_and_a_device_its_own() -> None:
    assert " reason = NotFound " in failure_line(NotFoundError("no tag 'x'"), "x")
    assert " reason = Denied " in failure_line(DeniedError("no"), "x")
    assert " reason = NotConnected " in failure_line(NotConnectedError("gone"), "x")
    assert " origin = x reason = Failed " in failure_line(OperationError("odd"), "x")

    class OwnError(OperationError):
        reason, origin = "Overheated", "PowerSupply.ramp"

    assert " origin = PowerSupply.ramp reason = Overheated " in failure_line(OwnError("too hot"), "x")
