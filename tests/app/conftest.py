"""Nodes of these tests run on machines of every kind: what their clocks are like is no warning here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.app import condition


@pytest.fixture(autouse=True)
def clock_of_no_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "clock_fault", lambda: "")


@pytest.fixture
def own_modules(tmp_path: Path) -> Iterator[None]:
    """Modules of the test's folder are forgotten afterwards; what the program loaded meanwhile stays."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    files = {name: str(getattr(module, "__file__", None) or "") for name, module in sys.modules.items()}
    for name, file in files.items():
        if file.startswith(str(tmp_path)):
            del sys.modules[name]
