"""Every route of the web room has a line in the table of who may come in, and none comes by a side door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.checks.source import Finding, Source

TABLE = Path(__file__).resolve().parents[2] / "src/sereno/web/entries.py"
ROUTE_CALLS = {
    "add_route": "GET",
    "add_api_route": "GET",
    "add_websocket_route": "WS",
    "add_api_websocket_route": "WS",
}
SIDE_DOORS = {"mount", "include_router", "host", "websocket_route", "api_route"}
DECORATORS = {"get", "post", "put", "patch", "delete", "options", "websocket", "route"}


def routes_have_entries(source: Source) -> Iterator[Finding]:
    """A route that is added in web is an `Entry` of web/entries.py, or is made of one: its path is `entry.path`."""
    if not (source.is_python and source.is_under("src/sereno/web")):
        return
    constants, known = _constants(), _entries()
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name = node.func.attr
        if name in ROUTE_CALLS and not _of_an_entry(node):
            for kind, path in _doors(node, ROUTE_CALLS[name], constants):
                if (kind, path) not in known:
                    yield _finding(source, node, f"route {kind} {path or 'with a computed path'} without a policy")
        if name in SIDE_DOORS and _is_app(node.func.value):
            yield _finding(source, node, f"{name}() brings routes that the table does not see")
        elif name in DECORATORS and node.args and _text(node.args[0], {}).startswith("/") and _is_app(node.func.value):
            yield _finding(source, node, f"route by a decorator, {name}()")


def _of_an_entry(call: ast.Call) -> bool:
    """Of pages that applications bring the entries are made when these are known; path and kind are one entry's."""
    methods = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "methods"]
    return bool(call.args) and ast.unparse(call.args[0]) == "entry.path" and methods == ["[entry.kind]"]


def _finding(source: Source, node: ast.AST, found: str) -> Finding:
    expected = "an Entry in src/sereno/web/entries.py for each route"
    return Finding(source.path, getattr(node, "lineno", 1), found, expected, "say there who may come in")


def _doors(call: ast.Call, default: str, constants: dict[str, str]) -> Iterator[tuple[str, str]]:
    path = _text(call.args[0], constants) if call.args else ""
    methods = next((k.value for k in call.keywords if k.arg == "methods"), None)
    if default == "WS" or methods is None:
        yield default, path
    elif isinstance(methods, ast.List | ast.Tuple):
        for method in methods.elts:
            yield _text(method, constants), path
    else:
        yield "with computed methods", path


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return constants.get(node.id, "")
    return ""


def _is_app(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] in ("app", "router")


@cache
def _table() -> ast.Module:
    return ast.parse(TABLE.read_text(encoding="utf-8"))


@cache
def _constants() -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in _table().body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@cache
def _entries() -> frozenset[tuple[str, str]]:
    calls = [n for n in ast.walk(_table()) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Entry"]
    return frozenset((_text(c.args[0], _constants()), _text(c.args[1], _constants())) for c in calls)
