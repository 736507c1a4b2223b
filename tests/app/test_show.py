"""The tables of the command line."""

from __future__ import annotations

import pytest

from sereno.app.commands.show import LONG, table

HEADERS = ("tag", "value", "quality")


def test_one_long_value_does_not_push_the_other_lines(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * (LONG + 1)
    table(HEADERS, [("a/one", "1.5", "good"), ("a/two", long, "good"), ("a/three", "27", "bad")], right=(1,))
    assert capsys.readouterr().out.splitlines() == [
        "tag      value  quality",
        "a/one      1.5  good",
        f"a/two    {long}  good",
        "a/three     27  bad",
    ]


def test_where_most_are_long_they_are_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "x" * 70, "good"), ("b", "y" * 80, "good"), ("c", "z" * 70, "bad")]
    table(HEADERS, rows)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.find(row[2]) for line, row in zip(lines, rows, strict=True)] == [77, 87, 77]


def test_no_rows_are_the_headers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    table(HEADERS, [])
    assert capsys.readouterr().out == "tag  value  quality\n"
