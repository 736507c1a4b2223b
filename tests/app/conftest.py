"""Nodes of these tests run on machines of every kind: what their clocks are like is no warning here."""

from __future__ import annotations

import pytest

from sereno.app import condition


@pytest.fixture(autouse=True)
def clock_of_no_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "clock_fault", lambda: "")
