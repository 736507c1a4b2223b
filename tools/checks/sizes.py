"""Files and functions stay small enough to be read at once, and modules have names that say something."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.checks.source import Finding, Source

SOFT_FILE_LINES, HARD_FILE_LINES = 300, 500
FUNCTION_LINES = 60
LONG_MARK = "# long:"
SIZED_SUFFIXES = {".py", ".js", ".css"}
EMPTY_NAMES = {"base", "common", "core", "helper", "helpers", "misc", "shared", "util", "utils"}
VENDOR = "src/sereno/web/static/vendor"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def file_size(source: Source) -> Iterator[Finding]:
    """Non-blank lines: more than 300 is a warning, more than 500 a fault."""
    if not (source.is_python or PurePosixPath(source.path).suffix in SIZED_SUFFIXES) or source.is_under(VENDOR):
        return
    count = sum(1 for line in source.lines if line.strip())
    if count > SOFT_FILE_LINES:
        soft = count <= HARD_FILE_LINES
        limit = SOFT_FILE_LINES if soft else HARD_FILE_LINES
        fix = "move a whole idea into a file of its own"
        yield Finding(source.path, 1, f"{count} non-blank lines", f"at most {limit}", fix, warning=soft)


def function_size(source: Source) -> Iterator[Finding]:
    """More than 60 lines need a comment `# long: reason` in the line above."""
    if not source.is_python:
        return
    for function in functions(source):
        count = length(function)
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        above = source.lines[first - 2].strip() if first > 1 else ""
        excused = above.startswith(LONG_MARK) and above.removeprefix(LONG_MARK).strip()
        if count > FUNCTION_LINES and not excused:
            fix = f"split it, or say why not in a comment '{LONG_MARK} reason' in the line above"
            expected = f"at most {FUNCTION_LINES}"
            yield Finding(source.path, function.lineno, f"{function.name} has {count} lines", expected, fix)


def module_name(source: Source) -> Iterator[Finding]:
    """No module or package is called utils, common, helpers, core, misc or base; drivers' __init__.py are empty."""
    if not source.path.endswith(".py"):
        return
    path = PurePosixPath(source.path)
    for part in (*path.parts[:-1], path.stem):
        if part.strip("_") in EMPTY_NAMES:
            fix = "name it after what it defines, or put each thing with its only user"
            yield Finding(source.path, 1, f"the name {part!r}", "a name that says what is inside", fix)
    if source.matches("src/sereno/drivers/*/__init__.py") and source.text.strip():
        fix = "move the content to protocol.py, driver.py or tags.py"
        expected = "an empty file, so that reading a protocol does not load its driver"
        yield Finding(source.path, 1, "a driver's __init__.py with content", expected, fix)


def functions(source: Source) -> list[Function]:
    """Every function and method of a Python file."""
    return [node for node in ast.walk(source.tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines of a function from `def` to its end, docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def figures(sources: list[Source]) -> str:
    """Median, p90 and longest of the functions under src, in one line."""
    code = [source for source in sources if source.is_python and source.is_under("src")]
    lengths = sorted(length(function) for source in code for function in functions(source))
    if len(lengths) < 2:
        return f"functions: {len(lengths)}"
    median, p90 = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    return f"functions: {len(lengths)}, median {median:.0f} lines, p90 {p90:.0f}, longest {lengths[-1]}"
