"""Imports: heavy packages load when needed, for a quick start and a small node; private modules stay private."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.checks.source import Finding, Source

HEAVY = {"alembic", "astropy", "duckdb", "pandas", "pint", "pyarrow", "pymodbus", "textual"}
ALLOWED = {
    "src/sereno/app/top/screen.py": {"textual"},  # its classes are textual's; loaded when there is a terminal
    "src/*/migrations/*": {"alembic"},  # alembic itself loads these files
}


def heavy_imports(source: Source) -> Iterator[Finding]:
    """No heavy package is imported when a module of src is imported."""
    if not (source.is_python and source.is_under("src")):
        return
    allowed = set().union(*(names for pattern, names in ALLOWED.items() if source.matches(pattern)))
    for name, line in _at_import(source.tree.body):
        package = name.partition(".")[0]
        if package in HEAVY - allowed:
            fix = "import it inside the function that needs it; for types, under 'if TYPE_CHECKING:'"
            yield Finding(source.path, line, f"{package} imported with the module", "a lazy import", fix)


def private_imports(source: Source) -> Iterator[Finding]:
    """No module of src imports a private module of another room: what others need is named by the room itself."""
    if not (source.is_python and source.is_under("src")):
        return
    home = PurePosixPath(source.path).relative_to("src").parts
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ImportFrom) or not node.module or node.level:
            continue
        parts = node.module.split(".")
        private = next((i for i, part in enumerate(parts) if part.startswith("_") and part != "__future__"), 0)
        room = tuple(parts[:private])
        if parts[0].startswith("sereno") and private and home[:private] != room:
            fix = f"name it in {'.'.join(room)}.__all__, or put it where both may see it"
            yield Finding(source.path, node.lineno, f"{node.module} is private", "a public name", fix)


def _at_import(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _at_import([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])
            handlers = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.ExceptHandler)]
            yield from _at_import([statement for handler in handlers for statement in handler.body])
