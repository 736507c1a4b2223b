from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import check
from tools.checks.source import Source

FAULTY = {
    "pyproject.toml": '[project]\nversion = "1"\n',
    "requirements.lock": "",
    "src/sereno/__init__.py": '__version__ = "2"\n',
    "src/sereno/utils.py": "import time\nstarted = time.time()\n",
    "src/sereno/broken.py": "def f(:\n",
    "README.md": "[missing](docs/nowhere.md)\n",
}


def test_every_rule_is_applied_to_a_faulty_tree(tmp_path: Path) -> None:
    for name, text in FAULTY.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {(finding.path, finding.line, finding.found) for finding in check.project_findings(tmp_path)}
    assert found == {
        ("src/sereno/__init__.py", 1, "__version__ = '2'"),
        ("src/sereno/utils.py", 1, "the name 'utils'"),
        ("src/sereno/utils.py", 2, "a bare time.time"),
        ("src/sereno/broken.py", 1, "invalid syntax"),
        ("README.md", 1, "a link to docs/nowhere.md"),
    }


def test_findings_are_printed_counted_and_exit_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {
        "lint": ["a.py:1: E1 x"],
        "types": ["b.py:2: error: y", "b.py:2: note: z"],
        "windows": ["b.py:2: error: y"],
    }
    monkeypatch.setattr(check, "run_step", lambda name: list(lines[name]))
    assert check.main(["lint", "types", "windows"]) == 1
    output = capsys.readouterr().out
    assert "a.py:1: E1 x\nb.py:2: error: y\nb.py:2: note: z\n" in output
    assert output.count("b.py:2: error: y") == 1
    assert "./dev check: 2 faults (lint 1, types 1, windows 0)" in output


def test_warnings_alone_pass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "run_step", lambda name: ["a.py:1: warning: 301 non-blank lines"])
    assert check.main(["rules"]) == 0
    assert "0 faults" in capsys.readouterr().out


def test_an_unknown_step_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["speling"]) == 2
    assert "it has: lint, format, types" in capsys.readouterr().out


def test_a_tool_that_fails_without_a_word_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 2, "", ""))
    assert len(check.run_step("lint")) == 1
    assert len(check.run_step("imports")) == 1


def test_an_import_report_without_chains_is_shown_whole() -> None:
    assert check.broken_contracts(["Module 'sereno.x' does not exist."]) == ["Module 'sereno.x' does not exist."]


def test_the_rules_see_the_commands_own_file() -> None:
    dev = (Path(check.__file__).parents[1] / "dev").read_text()
    assert Source("dev", dev).is_python
