"""Broad exception handlers only where they log: a task boundary."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.checks.source import Finding, Source

BROAD = {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}
LOGGERS = {"log", "logger"}


def broad_except(source: Source) -> Iterator[Finding]:
    """`except Exception` (or wider) logs with `log` or `logger`, tells the event loop, or ends by raising."""
    if not (source.is_python and source.is_under("src")):
        return
    for handler in ast.walk(source.tree):
        if isinstance(handler, ast.ExceptHandler) and _is_broad(handler) and not (_logs(handler) or _raises(handler)):
            found = f"except {ast.unparse(handler.type) if handler.type else ''}".strip() + " that logs nothing"
            fix = "catch what can happen here; at a task boundary call log.exception with the task's name"
            yield Finding(source.path, handler.lineno, found, "narrow handlers, or a logged task boundary", fix)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in BROAD for kind in kinds)


def _logs(handler: ast.ExceptHandler) -> bool:
    for node in ast.walk(handler):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value).rpartition(".")[2].lstrip("_")
            if owner in LOGGERS or node.func.attr == "call_exception_handler":
                return True
    return False


def _raises(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)
