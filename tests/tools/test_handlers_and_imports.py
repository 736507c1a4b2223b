from __future__ import annotations

import pytest

from tools.checks.handlers import broad_except
from tools.checks.imports import heavy_imports, private_imports
from tools.checks.source import Source

SRC = "src/sereno/hub/table.py"


def handler(caught: str, body: str) -> Source:
    return Source(SRC, f"try:\n    f()\nexcept{caught}:\n    {body}\n")


@pytest.mark.parametrize("caught", ["", " Exception", " BaseException as e", " (ValueError, Exception)"])
def test_a_broad_handler_must_log_or_raise(caught: str) -> None:
    (found,) = broad_except(handler(caught, "print('oops')"))
    assert found.line == 3
    for body in (
        "log.exception('x')",
        "self._log.error('x')",
        "logger.warning('x'); return",
        "f()\n    raise",
        "loop.call_exception_handler({})",
    ):
        assert not list(broad_except(handler(caught, body)))


def test_a_narrow_handler_needs_no_log() -> None:
    assert not list(broad_except(handler(" (OSError, ValueError)", "pass")))


def test_a_call_of_something_else_named_like_a_log_does_not_count() -> None:
    assert list(broad_except(handler(" Exception", "math.log(2)")))
    assert list(broad_except(handler(" Exception", "catalogue.add('x')")))


@pytest.mark.parametrize(
    "text",
    [
        "import pyarrow",
        "import pyarrow.parquet as pq",
        "from alembic import command",
        "try:\n    import duckdb\nexcept ImportError:\n    pass",
        "class A:\n    import pint",
        "if x:\n    pass\nelse:\n    from pymodbus.client import A",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import pint",
    ],
)
def test_heavy_packages_may_not_load_with_the_module(text: str) -> None:
    assert len(list(heavy_imports(Source(SRC, text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import pyarrow",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pyarrow",
        "import numpy",
        "from sereno.store import alembic",
    ],
)
def test_lazy_and_light_imports_pass(text: str) -> None:
    assert not list(heavy_imports(Source(SRC, text)))


def test_migrations_may_import_alembic_only() -> None:
    path = "src/sereno/store/migrations/versions/0001_users.py"
    assert not list(heavy_imports(Source(path, "from alembic import op")))
    assert list(heavy_imports(Source(path, "import duckdb")))


def test_a_private_module_of_another_room_may_not_be_imported() -> None:
    (found,) = private_imports(Source("src/sereno/drivers/x/driver.py", "from sereno.device._driver import RunnerPort"))
    assert "sereno.device.__all__" in found.fix
    assert list(private_imports(Source("src/sereno_observatory/a.py", "from sereno.client._http import x")))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/sereno/device/authoring/plan.py", "from sereno.device._driver import Driver"),
        ("src/sereno/device/_runner.py", "from ._driver import Driver"),
        ("src/sereno/drivers/x/driver.py", "from sereno.device import Driver"),
        ("src/sereno/drivers/x/driver.py", "from __future__ import annotations"),
        ("src/sereno/drivers/x/driver.py", "from numpy._core import x"),
        ("tests/device/test_runner.py", "from sereno.device._driver import Driver"),
    ],
)
def test_own_private_modules_and_public_names_pass(path: str, text: str) -> None:
    assert not list(private_imports(Source(path, text)))
