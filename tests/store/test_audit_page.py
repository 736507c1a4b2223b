"""docs/audit.md: whoever has the keys can verify the audit with what stands there, without Sereno."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.store.audit import AuditLog
from sereno.store.audit_chain import CONTENT, MAX_LAG
from sereno.store.engine import Store
from sereno.testing import JumpingClock

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def program() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def fill() -> None:
        store = Store.open(tmp_path / "sereno.db", clock=JumpingClock())
        log = AuditLog(store, JumpingClock())
        await log.record("añn", "write", 'a/"b"\\c', "::1", 'x\n\t\x01\x7f\u2028 "', old=[1.5, None], new={"€": "𝄞"})
        await log.record("bob", "call reset", "a/b", comment="日本", command="k")
        await store.close()

    asyncio.run(fill())
    return tmp_path


def run(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", program(), str(folder)], capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_program_on_the_page_agrees(folder: Path) -> None:
    code, text = run(folder)
    assert (code, text[:10]) == (0, "2 records,"), text
    with closing(sqlite3.connect(folder / "sereno.db", isolation_level=None)) as other:
        (last,) = other.execute("SELECT hash FROM audit WHERE id = 2").fetchone()
        assert last in text
        other.execute("DROP TRIGGER audit_no_update")
        other.execute("UPDATE audit SET comment = 'x' WHERE id = 2")
    assert run(folder) == (1, "record 2 is not right\n")


@given(st.text(st.characters(codec="utf-8")))
def test_json_is_written_the_same_way_by_the_standard_library(text: str) -> None:
    values = [1, 2**62, text]
    assert json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() == msgspec.json.encode(values)


def test_the_page_has_the_columns_and_the_numbers_of_the_code() -> None:
    assert ", ".join(CONTENT) in PAGE
    assert f"at most {MAX_LAG}" in PAGE


def test_every_act_of_the_code_is_on_the_page() -> None:
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    acts = set(
        re.findall(
            r'"((?:user|role|token|session|node|configuration|history|audit|sign|device|kiosk)[._][a-z_.]+)"', source
        )
    )
    acts = {
        act
        for act in acts
        if "record(" in source and re.search(rf'(?:record|entry|_entry|_change)\([^)]*"{re.escape(act)}"', source)
    }
    assert len(acts) > 12
    assert {act for act in acts if f"`{act}`" not in PAGE} == set()
