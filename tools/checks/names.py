"""Which imported names a module refers to, whatever it calls them."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Local name -> full dotted name, for every import in the module, functions included."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def references(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every use of an imported name as (full dotted name, where), longest chain only: `t.sleep` -> time.sleep."""
    names = imported_names(tree)
    inner: set[int] = set()
    for node in ast.walk(tree):  # parents come before their children
        if not isinstance(node, ast.Attribute | ast.Name) or id(node) in inner:
            continue
        parts: list[str] = []
        place: ast.expr = node
        while isinstance(place, ast.Attribute):
            parts.append(place.attr)
            place = place.value
            inner.add(id(place))
        if isinstance(place, ast.Name) and place.id in names:
            yield ".".join([names[place.id], *reversed(parts)]), node


def loop_methods(tree: ast.Module) -> Iterator[tuple[str, ast.Attribute]]:
    """Methods taken from an event loop: (`time`, where) for `loop.time` or `get_running_loop().time`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _last_word(node.value).endswith("loop"):
            yield node.attr, node


def _last_word(expression: ast.expr) -> str:
    if isinstance(expression, ast.Call):
        return _last_word(expression.func)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
