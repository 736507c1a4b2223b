from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.checks.names import references
from tools.checks.source import Finding, Source, project_files, read_sources


def tree(root: Path) -> None:
    for name in (
        "src/a.py",
        "src/sim/data/x.csv",
        ".venv/lib/y.py",
        "src/__pycache__/a.pyc",
        "data/history.log",
        ".ci/run",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n/data/\n")


def test_without_git_what_is_made_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path)
    assert project_files(tmp_path) == [".ci/run", ".gitignore", "src/a.py", "src/sim/data/x.csv"]


def test_with_git_new_files_count_and_ignored_ones_do_not(
    tmp_path: Path, require_program: Callable[[str, str], Path]
) -> None:
    tree(tmp_path)
    subprocess.run([str(require_program("git", "git")), "init", "-q", str(tmp_path)], check=True)
    assert project_files(tmp_path) == [".ci/run", ".gitignore", "src/a.py", "src/sim/data/x.csv"]


def test_files_that_are_not_text_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "b.md").write_text("text")
    assert [source.path for source in read_sources(tmp_path)] == ["b.md"]


def test_a_finding_is_one_line_with_place_fault_expectation_and_fix() -> None:
    assert str(Finding("a.py", 3, "x", "y", "z")) == "a.py:3: x; expected y; fix: z"
    assert str(Finding("a.py", 3, "x", "y", "z", warning=True)) == "a.py:3: warning: x; expected y; fix: z"


def test_references_give_the_longest_chain_of_an_imported_name() -> None:
    text = "import os.path as p, a.b\nfrom c import d as e\np.join(x)\na.b.f\ne.g()\nlocal.h\ne\n"
    names = [name for name, _ in references(Source("a.py", text).tree)]
    assert sorted(names) == ["a.b.f", "c.d", "c.d.g", "os.path.join"]
