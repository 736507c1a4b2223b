"""The forms of a report: whole, escaped, without scripts and without formulas."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from html import escape
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Aggregates, AlarmEvent, AlarmFigures, AlarmState, EntryKind, LogEntry
from sereno.model import TagSpec
from sereno.reports.content import Content, Last, Row, Table
from sereno.reports.page import page, plain_text
from sereno.reports.plot import curve
from sereno.reports.schedule import Period
from sereno.reports.sheet import safe, sheets
from sereno.reports.spec import Shown
from sereno.reports.words import WORDS, part
from tests.reports.rig import report

HOSTILE = (
    "<script>alert(1)</script>",
    'a" onload="x',
    "R&D <b>",
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "a\x00b",
    "ü é",
)
DAY = 86_400 * 10**9
T0 = 20_000 * DAY
FIGURES = AlarmFigures(
    start=T0,
    end=T0 + DAY,
    operators=1,
    annunciated=2,
    per_10_min=0.01,
    worst_10_min=2,
    over_10_share=0.0,
    floods=0,
    flood_share=0.0,
    top=(("works/<hi>", 2, 1.0),),
    chattering=(),
    stale=(),
    priorities={"1": 2},
    acknowledged_median=90.0,
    acknowledged_p95=None,
)


def content(text: str, language: str = "en") -> Content:
    """A report in which everything that people may name is called `text`."""
    shown = Shown(tags=("works/*",), show=("last", "min", "total", "states", "count"), title=text, plot=True)
    spec = replace(report(shown, title=text, language=language, alarms=True, logbook=True), plant=text)
    row = Row(
        spec=TagSpec(path="works/a", unit=text[:20], description=text, decimals=1),
        good=0.88,
        figures={"min": -1.25, "total": 3.5, "count": 4.0},
        units={"total": text},
        states={text: 60.0},
        last=Last(value=text, t=T0, remark=text),
        curve=flat(),
    )
    event = AlarmEvent(
        seq=1, t=T0, alarm=text, event="raised", state=AlarmState.UNACKNOWLEDGED, priority=1, value=-3.0, quality=0,
        t_source=T0, actor=text, note=text,
    )  # fmt: skip
    entry = LogEntry(id=1, t=T0, actor=text, kind=EntryKind.ENTRY, text=f"{text}\nsecond line", subject=text)
    return Content(
        spec=spec,
        period=Period(T0, T0 + DAY),
        made=T0 + DAY,
        due=T0 + DAY,
        tables=(Table(shown, (row,)),),
        alarms=FIGURES,
        events=(event,),
        log=(entry,),
        late=True,
        skipped=2,
    )


def flat() -> Aggregates:
    t = T0 + np.arange(4, dtype=np.int64) * DAY // 4
    value = np.array([1.0, np.nan, 2.0, 2.0])
    return Aggregates("works/a", "m", t, t + DAY // 4, {"time_mean": value, "min": value - 1, "max": value + 1})


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)))
def test_whatever_things_are_called_the_page_is_well_formed_and_runs_nothing(name: str) -> None:
    tree = parsed(page(content(name)))
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    allowed = (
        "html head meta title style body h1 h2 p table thead tbody tr th td br small span svg rect polygon polyline"
    )
    assert tags <= set(allowed.split())
    attributes = {attribute.lower() for element in tree.iter() for attribute in element.attrib}
    assert not {one for one in attributes if one.startswith("on") or one in ("href", "src", "style")}


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)))
def test_no_cell_of_text_is_a_formula(name: str) -> None:
    for text in sheets(content(name)).values():
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(line) for line in lines}) == 1
        for cell in (cell for line in lines for cell in line):
            assert not cell.lstrip(" ").startswith(("=", "+", "@", "\t", "\r")), cell
            assert not cell.startswith("-") or float(cell) < 0, cell


def test_a_formula_is_told_apart_and_a_number_stays_one() -> None:
    rows = list(csv.DictReader(io.StringIO(sheets(content("=1+1"))[""])))
    assert (rows[0]["last_text"], rows[0]["min"], rows[0]["table"]) == ("'=1+1", "-1.25", "'=1+1")
    assert (safe("-2"), safe("  =x"), safe("a=b"), safe("")) == ("'-2", "'  =x", "a=b", "")


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_every_language_says_everything(language: str) -> None:
    assert WORDS[language].keys() == WORDS["en"].keys()
    text = page(content("Norte", language))
    words = WORDS[language]
    for key in ("log", "alarms", "last", "states", "not_known", "top"):
        assert words[key] in text
    assert part(0.12, language) in text
    assert escape(words["skipped"].format(count=2)) in text
    assert ("-1.2 " if language == "en" else "-1,2 ") in text
    assert words["mail"] in plain_text(content("Norte", language))


def test_parts_of_the_time_are_never_rounded_to_none_or_all() -> None:
    assert [part(p, "en") for p in (0.0, 1e-5, 0.1234, 0.99999, 1.0)] == [
        "0 %",
        "< 0.1 %",
        "12.3 %",
        "> 99.9 %",
        "100 %",
    ]
    assert part(0.1234, "fr") == "12,3 %"


def test_a_curve_has_a_gap_where_nothing_is_known() -> None:
    tree = ET.fromstring(curve(flat(), "a"))
    lines = [element for element in tree if element.tag.endswith("polyline")]
    grey = [element.attrib for element in tree if element.get("fill") == "#c9ced6"]
    assert len(lines) == 2
    assert [(one["x"], one["width"]) for one in grey] == [("80.0", "80.0")]
    unknown = np.full(4, np.nan)
    nothing = replace(flat(), columns=dict.fromkeys(("time_mean", "min", "max"), unknown))
    assert "polyline" not in curve(nothing, "a")


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_alarms_that_are_not_kept_are_said_to_be(language: str) -> None:
    """The section was left out, as if nobody had asked for it."""
    found = replace(content("Norte", language), alarms=None, events=(), no_alarms=True)
    said = WORDS[language]["no_alarms"]
    assert f"<p>{said}</p>" in page(found)
    assert parsed(page(found)) is not None
    assert said in plain_text(found)
    assert sheets(found)["-alarms"].splitlines() == ["time,alarm,event,state,priority,value,actor,note"]
