"""docs/security.md names a test for each clause; the test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"`(tests/[a-z_/]+\.py)::(\w+)`", PAGE)


def test_every_line_of_the_table_names_one() -> None:
    table = PAGE.partition("| what | clause | shown by |")[2].partition("**Not met")[0]
    lines = [line for line in table.splitlines()[2:] if line]
    assert len(lines) == len(SHOWN) > 20


@pytest.mark.parametrize(("file", "test"), SHOWN)
def test_it_is_there(file: str, test: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {test}\(", source, re.MULTILINE)


def test_no_certificate_is_claimed() -> None:
    assert "Self-assessed against" in PAGE
    assert "compliant" not in PAGE.lower()
