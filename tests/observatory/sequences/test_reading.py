"""Sequences from TOML, JSON and the request file of the original, and what is wrong with them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import ConfigurationError
from sereno_observatory.sequences import Frame, Sequence, Target, read_sequences
from sereno_observatory.sequences.coordinates import target_of
from sereno_observatory.sequences.reading import jd_of_ns, ns_of_jd
from tests.observatory.sequences.asked import EPOCH, TOML, asked

NS = 10**9
SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<request submitted="0" relative="1" name="Request1" scientific_program="GRB" target_type="star">
  <sequence duration="10" jd1="15" jd2="60000" name="Sequence1 (200secs)" target_coords="10">
    <album detector="Visible camera" name="visible">
      <plan duration="10" filter="First visible filter" name="p1" nb_images="2"/>
    </album>
    <album detector="Near-infrared camera" name="infrared">
      <plan duration="5" filter="First infrared filter" name="p2" nb_images="4"/>
    </album>
  </sequence>
</request>"""


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 10**30},
        {"t_start": 1, "t_end": 10**25, "start": None, "end": None},
        {"duration": float("inf")},
        {"album": [{"detector": "d", "plan": [{"exposure": 1, "focus": 10**12}]}]},
        {"album": [{"detector": "d", "plan": [{"exposure": 1, "images": 10_000}] * 2}]},
    ],
)
def test_what_no_database_and_no_memory_could_hold_is_refused(wrong: dict[str, Any]) -> None:
    asked = {"name": "a", "start": 0, "end": 100, "album": [{"detector": "d", "plan": [{"exposure": 1}]}]}
    assert read_sequences(json.dumps(asked), EPOCH)
    given = {name: value for name, value in {**asked, **wrong}.items() if value is not None}
    with pytest.raises(ConfigurationError):
        read_sequences(json.dumps(given), EPOCH)


def test_the_request_file_of_the_original() -> None:
    (one,) = read_sequences(SAMPLE, EPOCH)
    assert (one.name, one.program, one.duration) == ("Sequence1 (200secs)", "GRB", 10.0)
    assert (one.t_start, one.t_end) == (EPOCH + 15 * NS, EPOCH + 60_000 * NS)
    assert one.target == Target(right_ascension=10 / 15, declination=0.0)
    assert [album.detector for album in one.albums] == ["Visible camera", "Near-infrared camera"]
    plan = one.albums[1].plans[0]
    assert (plan.exposure, plan.images, plan.filter, plan.name) == (5.0, 4, "First infrared filter", "p2")
    assert (one.images, one.occupies) == (6, 40.0)


def test_a_request_file_says_what_its_images_are_of() -> None:
    darks = SAMPLE.replace('target_type="star"', 'target_type="dark"')
    (one,) = read_sequences(darks, EPOCH)
    assert {plan.frame for album in one.albums for plan in album.plans} == {Frame.DARK}
    (one,) = read_sequences(darks.replace('name="p2"', 'name="p2" frame="bias"'), EPOCH)
    assert [album.plans[0].frame for album in one.albums] == [Frame.DARK, Frame.BIAS]
    with pytest.raises(ConfigurationError, match="frame"):
        read_sequences(SAMPLE.replace('name="p2"', 'name="p2" frame="blue"'), EPOCH)


def test_without_relative_the_window_is_julian_dates() -> None:
    text = SAMPLE.replace('relative="1"', 'relative="0"').replace('jd1="15" jd2="60000"', 'jd1="2461042" jd2="2461043"')
    (one,) = read_sequences(text, 0)
    assert (one.t_start, one.t_end) == (ns_of_jd(2461042.0), ns_of_jd(2461043.0))
    assert ns_of_jd(2451545.0) == 946_728_000 * NS


@given(st.integers(0, 4_000_000_000))
def test_julian_dates_there_and_back_within_a_tenth_of_a_millisecond(seconds: int) -> None:
    assert abs(ns_of_jd(jd_of_ns(seconds * NS)) - seconds * NS) < 100_000


def test_toml_and_json_say_the_same() -> None:
    (one,) = read_sequences(TOML, EPOCH)
    assert (one.t_start, one.t_end, one.priority) == (EPOCH, EPOCH + 3600 * NS, 5)
    assert one.target is not None
    assert one.target.right_ascension == pytest.approx(0.712306, abs=1e-6)
    assert one.albums[0].plans[0].frame is Frame.LIGHT
    assert read_sequences(msgspec.json.encode(one).decode(), 0) == [one]
    absolute = TOML.replace("start = 0", "start = 2026-01-01T00:00:00Z").replace(
        "end = 3600", 'end = "2026-01-01T01:00"'
    )
    assert read_sequences(absolute, 0) == [one]


def test_a_sequence_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(asked()), type=Sequence) == asked()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("exposure = 20", "exposure = -1", r"request:2: sequence 1: album 1, plan 1, exposure: expected a number >= 0"),
        ("exposure = 20", "exposure = 'long'", "album 1, plan 1, exposure: expected a number, got a text"),
        ("exposure = 20", "exposre = 20", "unknown key 'exposre' in album 1, plan 1; did you mean 'exposure'"),
        ("[[sequence]]", "[[sequnce]]", r"unknown key 'sequnce'; expected \[\[sequence"),
        ("end = 3600", "end = 'dawn'", "'dawn' is no time such as"),
        ("end = 3600", "end = -1", "its window ends before it begins"),
        ("end = 3600", "", "needs end"),
        ("end = 3600", "end = 3600\njd2 = 5.0", "needs end"),
        ("end = 3600", "end = nan", "sequence 1: cannot convert"),
        ("images = 2", "images = 0", ">= 1"),
        ("+41:16:09", "+91:16:09", "beyond a pole"),
        ("00:42:44.3 +41:16:09", "somewhere", "expected '00:42:44.3"),
        ("[[sequence]]", "[[sequence", "request:2: .* at column"),
        (TOML, "", "no sequence"),
        (TOML, "[1, 2]", "no table"),
        (TOML, "{", "request:1: .* at column"),
        (TOML, "<request>", "request:1: .* at column"),
        (TOML, "<plan/>", "expected <request>"),
        (TOML, "<request/>", "no sequence"),
        (TOML, '<!DOCTYPE a [<!ENTITY b "c">]><request/>', "document type"),
        (TOML, SAMPLE.replace('jd1="15"', ""), "without jd1"),
        (TOML, SAMPLE.replace('nb_images="2"', 'nb_images="two"'), "two"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, found: str) -> None:
    with pytest.raises(ConfigurationError, match=found):
        read_sequences(TOML.replace(old, new), EPOCH)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("10.68 -41.27", Target(right_ascension=10.68 / 15, declination=-41.27)),
        ("23:59:59 -00:30:00", Target(right_ascension=24 - 1 / 3600, declination=-0.5)),
        ("altaz 45 -90", Target(altitude=45.0, azimuth=270.0)),
        ("350", Target(right_ascension=350 / 15, declination=0.0)),
    ],
)
def test_coordinates(text: str, target: Target) -> None:
    found = target_of(text)
    assert msgspec.to_builtins(found) == pytest.approx(msgspec.to_builtins(target))


@given(st.text(max_size=30))
def test_words_are_a_target_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(target_of(text), Target)
