from __future__ import annotations

import hashlib

import pytest

from tools.checks.release import lock, vendored, version
from tools.checks.source import Source

PYPROJECT = """
[project]
version = "0.1.0"
dependencies = ["numpy>=2.0", "tzdata>=2024.1; sys_platform == 'win32'"]
[dependency-groups]
dev = ["Import_Linter>=2.3"]
"""
LOCKED = """\
import-linter==2.16 \\
    --hash=sha256:aa
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:bb
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
tzdata==2026.1 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


@pytest.mark.parametrize(("text", "count"), [("", 0), ("__version__ = '0.1.0'", 0), ("__version__ = '0.2.0'", 1)])
def test_a_written_version_is_that_of_the_project(text: str, count: int) -> None:
    assert len(list(version(PYPROJECT, Source("src/sereno/__init__.py", text)))) == count


def test_a_whole_lock_passes() -> None:
    assert not list(lock(PYPROJECT, LOCKED))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("numpy==2.4.6", "numpy==1.26.0", "numpy 1.26.0"),
        ("import-linter==2.16", "other==1", "no Import_Linter"),
        ("    --hash=sha256:aa\n", "", "import-linter without a hash"),
    ],
)
def test_a_lock_that_does_not_fit_is_found(old: str, new: str, found: str) -> None:
    assert [finding.found for finding in lock(PYPROJECT, LOCKED.replace(old, new))] == [found]


def test_peers_have_a_lock_of_their_own() -> None:
    pyproject = PYPROJECT + 'peers = ["caproto>=1.1"]\n'
    assert not list(lock(pyproject, LOCKED))
    assert [finding.found for finding in lock(pyproject, "", peers=True)] == ["no caproto"]
    assert not list(lock(pyproject, "caproto==1.3.0 --hash=sha256:aa\n", peers=True))


def listing(digest: str, *, licence: str = 'licence = "MIT"') -> str:
    return f"""
[[package]]
name = "plot"
version = "1.0"
{licence}
[[package.file]]
name = "plot.js"
sha256 = "{digest}"
"""


CODE = b"draw();"
DIGEST = hashlib.sha256(CODE).hexdigest()


def test_vendored_files_as_listed_pass() -> None:
    assert not list(vendored(listing(DIGEST), {"plot-1.0/plot.js": CODE, "vendor.toml": b""}))


def test_changed_missing_unlisted_and_unlicensed_vendored_files_are_found() -> None:
    files = {"plot-1.0/plot.js": CODE}
    (changed,) = vendored(listing(DIGEST), {"plot-1.0/plot.js": b"steal();"})
    assert changed.line == 8
    assert changed.expected == DIGEST
    assert [f.found for f in vendored(listing(DIGEST), {})] == ["plot-1.0/plot.js missing"]
    assert [f.found for f in vendored(listing(DIGEST), files | {"extra.js": b""})] == ["extra.js unlisted"]
    assert [f.found for f in vendored(listing(DIGEST, licence=""), files)] == ["plot without licence"]
