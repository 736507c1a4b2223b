from __future__ import annotations

import pytest

from tools.checks.sizes import figures, file_size, function_size, module_name
from tools.checks.source import Source


def lines(count: int) -> str:
    return "x = 1\n\n" * count


@pytest.mark.parametrize(("count", "warnings"), [(300, []), (301, [True]), (500, [True]), (501, [False])])
def test_files_warn_over_300_and_fail_over_500_non_blank_lines(count: int, warnings: list[bool]) -> None:
    assert [found.warning for found in file_size(Source("src/a.py", lines(count)))] == warnings


def test_other_peoples_files_and_data_have_no_size_limit() -> None:
    assert not list(file_size(Source("src/sereno/web/static/vendor/x/x.js", lines(900))))
    assert not list(file_size(Source("docs/data.csv", lines(900))))
    assert list(file_size(Source("src/sereno/web/static/app.js", lines(900))))


def function(count: int, *, above: str = "", decorator: str = "") -> Source:
    return Source("src/a.py", f"{above}\n{decorator}\ndef long_one():\n" + "    x = 1\n" * (count - 1))


def test_functions_over_60_lines_are_named() -> None:
    assert not list(function_size(function(60)))
    (found,) = function_size(function(61))
    assert (found.line, found.found) == (3, "long_one has 61 lines")


def test_a_reason_above_the_function_or_its_decorator_excuses_it() -> None:
    assert not list(function_size(Source("src/a.py", "# long: one table\n" + function(61).text.lstrip())))
    assert not list(function_size(function(61, above="# long: one table", decorator="@cache")))
    assert list(function_size(function(61, above="# long:", decorator="@cache")))
    assert list(function_size(function(61, above="# one table", decorator="@cache")))


@pytest.mark.parametrize("path", ["src/sereno/utils.py", "src/sereno/core/a.py", "tests/_helpers.py", "src/x/base.py"])
def test_names_that_say_nothing_are_refused(path: str) -> None:
    assert [found.path for found in module_name(Source(path, ""))] == [path]


def test_names_that_say_something_pass() -> None:
    assert not list(module_name(Source("src/sereno/hub/table.py", "")))
    assert not list(module_name(Source("src/sereno/hub/database.py", "")))


def test_the_init_of_a_driver_is_empty() -> None:
    assert list(module_name(Source("src/sereno/drivers/modbus/__init__.py", "from . import driver\n")))
    assert not list(module_name(Source("src/sereno/drivers/modbus/__init__.py", "\n")))
    assert not list(module_name(Source("src/sereno/drivers/__init__.py", '"""One folder a family."""\n')))


def test_figures_count_functions_of_src_only() -> None:
    short = Source("src/b.py", "def f():\n    pass\n" * 9)
    assert figures([function(61), short, Source("tests/t.py", "def f():\n    pass\n" * 50)]).startswith(
        "functions: 10, median 2 lines"
    )
