"""Several sensors of one quantity: who counts, and what they say together."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.client import Reading
from sereno.model import Quality, TagSpec, ValueType
from sereno_observatory.environment.agent import _worded
from sereno_observatory.environment.sources import (
    COUNT,
    RAIN,
    SHARE,
    SKY,
    WIND,
    bearing,
    combined,
    middle,
    source_of,
    sources_of,
    wet,
    worst,
)


def reading(value: Any, path: str = "site/plc/a", quality: int = 0, age: float = 0.0, **more: Any) -> Reading:
    return Reading(TagSpec(path=path, **more), value, int(quality), "the PLC says so" if quality else "", 0, age)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (reading(3.5), ""),
        (reading(True, type=ValueType.BOOL), ""),
        (reading("open", type=ValueType.ENUM, labels=("closed", "open")), ""),
        (reading(3.5, quality=Quality.SUBSTITUTED), ""),
        (reading(3.5, quality=Quality.OUT_OF_SERVICE), "the PLC says so"),
        (reading(3.5, quality=Quality.OUT_OF_RANGE), "the PLC says so"),
        (reading(3.5, age=11.0), "11 s old"),
        (reading("SW", type=ValueType.STRING), "says 'SW'"),
        (reading(None), "says None"),
        (reading(float("nan")), "says nan"),
        (reading(float("-inf")), "says -inf"),
    ],
)
def test_who_counts(given: Reading, why: str) -> None:
    assert source_of(given, 10.0).why == why


def test_what_they_say_together() -> None:
    known = sources_of([reading(float(i * i), f"site/plc/t{i}") for i in range(4)], 10.0)
    paths = ["site/plc/t1", "site/plc/t2", "site/plc/t3"]
    assert combined(middle, paths, known).value == 4.0
    assert combined(worst, paths, known).value == 9.0
    bad = sources_of([reading(1.0, "site/plc/x", Quality.STALE), reading(5.0, "site/plc/y")], 10.0)
    assert combined(worst, ["site/plc/x", "site/plc/y"], bad).value == 5.0
    assert combined(worst, ["site/plc/x"], bad).why == "site/plc/x: the PLC says so"
    assert combined(worst, [], bad).why == "no sensor"


@pytest.mark.parametrize(
    ("digital", "analog", "is_wet"),
    [
        (1, 2.345, 0.0),  # as the specification prints them: the digital channel decides
        (0, 3.0, 1.0),
        (None, 2.345, 1.0),
        (None, 3.0, 0.0),
        (None, 1.0, 1.0),  # volts, not a word
        (None, 0.0, 1.0),
        (None, None, None),
    ],
)
def test_contradictory_channels_have_a_precedence(
    digital: int | None, analog: float | None, is_wet: float | None
) -> None:
    bad = int(Quality.STALE)
    known = sources_of(
        [
            reading(digital, "site/plc/digital", 0 if digital is not None else bad, type=ValueType.BOOL),
            reading(analog, "site/plc/analog", 0 if analog is not None else bad),
        ],
        10.0,
    )
    assert wet(["site/plc/digital", "site/plc/analog"], known).value == is_wet


def test_of_several_domes_one_that_does_not_answer_counts() -> None:
    known = sources_of([reading(float(i), f"site/plc/dome{i}") for i in range(2)], 10.0)
    said, meant = _worded(["site/plc/dome0", "site/plc/dome1"], known, ("does not answer", "answers"), (0,))
    assert (said.value, meant) == (0.0, ("does not answer", True))


@pytest.mark.parametrize(("directions", "middle"), [((350.0, 20.0), 5.0), ((10.0, 350.0), 0.0), ((90.0,), 90.0)])
def test_directions_meet_on_the_circle(directions: tuple[float, ...], middle: float) -> None:
    assert bearing(directions) == middle


@pytest.mark.parametrize("code", [-1.0, -9.0, -99.0, -999.0, -9999.0, -32768.0])
def test_a_number_that_stands_for_an_error_is_no_fine_weather(code: float) -> None:
    """Stations say such numbers where they know nothing. Of what is dangerous large ones are believed."""
    known = sources_of([reading(code), reading(9999.0, "site/plc/b")], 10.0)
    for quantity in (RAIN, WIND, SHARE, COUNT):
        assert combined(worst, ["site/plc/a"], known, quantity).value is None
        assert combined(worst, ["site/plc/a"], known, quantity).why == f"site/plc/a: says {code:g}, which cannot be"
        assert combined(worst, ["site/plc/a", "site/plc/b"], known, quantity).value == 9999.0
    assert (combined(worst, ["site/plc/a"], known, SKY).value is None) is (code < -150.0)
    assert wet(["site/plc/a"], known).value is None
    assert wet(["site/plc/b"], known).value is None


def test_a_zero_that_is_a_little_off_counts() -> None:
    known = sources_of([reading(-0.02)], 10.0)
    assert combined(worst, ["site/plc/a"], known, WIND).value == -0.02
    assert combined(worst, ["site/plc/a"], known, SHARE).value == -0.02


@pytest.mark.parametrize("code", [2.0, 255.0, -1.0])
def test_a_code_without_a_word_is_not_known(code: float) -> None:
    """A door whose register says 255 is not one that is closed."""
    known = sources_of([reading(code), reading(0.0, "site/plc/b")], 10.0)
    words, act = ("closed", "open"), (1,)
    said, meant = _worded(["site/plc/a"], known, words, act)
    assert (said.value, meant) == (None, None)
    assert said.why == f"site/plc/a: says {code:g}, which cannot be"
    assert _worded(["site/plc/a", "site/plc/b"], known, words, act)[1] == ("closed", False)
