"""Times as people write them."""

from __future__ import annotations

import pytest

from sereno.client import parse_time


@pytest.mark.parametrize(
    "text", [f"now-{'9' * 400}d", "now+9999999999d", "9999-01-01T00:00:00Z", "0001-01-01", "2262-05-01T00:00:00Z"]
)
def test_times_beyond_64_bits_of_ns_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too far away, expected a year from 1678 to 2261"):
        parse_time(text)


@pytest.mark.parametrize("year", [1678, 2261])
def test_the_years_that_fit(year: int) -> None:
    assert abs(parse_time(f"{year}-06-01")) < 1 << 63
