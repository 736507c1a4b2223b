"""What stands in a header, from what was asked and what was seen."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.images.headers import cards_of, iso, night_of, ns_of_iso
from tests.observatory.images.facts import BEGUN, facts_of

NOON_IN_MEXICO = 1_767_225_600 * 10**9 + 19 * 3600 * 10**9 + 42 * 60 * 10**9


def header(**more: object) -> dict[str, object]:
    return {key: value for key, value, _ in cards_of(facts_of(**more), BEGUN)}


def test_a_header_is_complete() -> None:
    found = header(dome="site/dome")
    expected = {
        "OBJECT": "M31",
        "IMAGETYP": "LIGHT",
        "OBSERVER": "vera",
        "PROGID": "Galaxies",
        "SEQID": 7,
        "FILTER": "r",
        "DATE": "2026-01-01T03:00:25.000",
        "DATE-OBS": "2026-01-01T03:00:00.000",
        "EXPTIME": 20.0,
        "RADESYS": "ICRS",
        "EQUINOX": 2000.0,
        "TELESCOP": "Sereno",
        "INSTRUME": "Visible camera",
        "CCD-TEMP": -20.0,
        "GAIN": 1.5,
        "EGAIN": 0.8,
        "XBINNING": 2,
        "FOCUS": 1200,
        "DOMEAZ": 123.0,
        "AMBTEMP": 7.5,
        "SITELAT": 31.0439,
        "SITELONG": -115.4637,
        "SITEELEV": 2800.0,
    }
    assert {key: found[key] for key in expected} == expected
    assert found["RA"] == pytest.approx(0.7123 * 15)
    assert found["MJD-OBS"] == pytest.approx(61041.125)
    assert found["AIRMASS"] == pytest.approx(1.055, abs=0.005)


def test_what_is_not_known_is_left_out() -> None:
    found = header(seen={}, ambient=None)
    assert not {"RA", "DEC", "AIRMASS", "CCD-TEMP", "EGAIN", "FILTER", "FOCUS", "AMBTEMP", "DOMEAZ"} & set(found)
    assert {"OBJECT", "DATE-OBS", "EXPTIME", "INSTRUME"} <= set(found)


@given(st.text(max_size=100))
def test_words_become_what_a_header_can_hold(name: str) -> None:
    facts = facts_of()
    asked = msgspec.structs.replace(facts.entry.sequence, program=name, name=name or "x")
    entry = msgspec.structs.replace(facts.entry, sequence=asked)
    for _, value, comment in cards_of(facts_of(entry=entry), BEGUN):
        assert not isinstance(value, str) or (value.isascii() and value.isprintable() and len(value) <= 68)
        assert comment.isascii()


def test_what_the_camera_measured_goes_before_what_was_asked_for() -> None:
    found = {key: value for key, value, _ in cards_of(facts_of(), BEGUN, 0.5)}
    assert (found["EXPTIME"], found["EXPREQ"]) == (0.5, 20.0)
    assert found["DATE-END"] == "2026-01-01T03:00:00.500"


def test_what_is_to_be_known_of_an_image_stands_in_it() -> None:
    facts = facts_of()
    told = replace(facts, shot=replace(facts.shot, note="the dome was not open all the time"))
    assert ("REMARK", "the dome was not open all the time", "of the observer") in cards_of(told, BEGUN)
    assert "REMARK" not in header()


def test_a_night_is_from_noon_to_noon_of_its_site() -> None:
    assert night_of(NOON_IN_MEXICO - 60 * 10**9, -115.4637) == "2025-12-31"
    assert night_of(NOON_IN_MEXICO + 60 * 10**9, -115.4637) == "2026-01-01"
    assert night_of(BEGUN, 0.0) == "2025-12-31"


@given(st.integers(0, 4_000_000_000_000))
def test_times_there_and_back(milliseconds: int) -> None:
    assert ns_of_iso(iso(milliseconds * 10**6)) == milliseconds * 10**6
