from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import Quality, is_good, reason, severity, worst

CODES = st.integers(0, 0xFFFF)
RANK = {"good": 0, "uncertain": 1, "bad": 2}


@pytest.mark.parametrize("code", Quality)
def test_every_code_has_its_severity_and_words(code: Quality) -> None:
    expected = "good" if code < Quality.UNCERTAIN else "uncertain" if code < Quality.BAD else "bad"
    assert severity(code) == expected
    assert bool(reason(code)) == (code is not Quality.GOOD)


@given(CODES)
def test_unknown_codes_have_words_too(code: int) -> None:
    assert bool(reason(code)) == (code != 0)
    assert severity(code) in RANK


def test_words_of_a_code_nobody_knows() -> None:
    assert reason(0x4FFF) == "uncertain (0x4fff)"


@given(st.lists(CODES))
def test_good_is_the_severity(codes: list[int]) -> None:
    found = is_good(np.array(codes, np.uint16))
    assert found.tolist() == [severity(code) == "good" for code in codes]


@given(st.lists(CODES, max_size=8))
def test_the_worst_has_the_highest_severity(codes: list[int]) -> None:
    found = worst(np.array(codes, np.uint16))
    assert found in (codes or [0])
    assert RANK[severity(found)] == max((RANK[severity(code)] for code in codes), default=0)


def test_of_equals_the_first_is_the_worst() -> None:
    codes = np.array([Quality.GOOD, Quality.STALE, Quality.NOT_CONNECTED], np.uint16)
    assert worst(codes) == Quality.STALE
    assert worst(codes[:0]) == Quality.GOOD
    assert worst(np.array([0x8031, 0xC000], np.uint16)) == 0x8031
