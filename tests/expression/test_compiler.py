"""Evaluation against a plain interpreter of the same tree, one row at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.expression.compiler import compile_expression
from sereno.model import Quality

BAD = 0x8000
NOT_A_NUMBER = int(Quality.NOT_A_NUMBER)
TAGS = ("a/x", "a/y", "a/z")
CODES = st.sampled_from([0, 0, 0, int(Quality.SUBSTITUTED), 0x4000, int(Quality.STALE), int(Quality.SENSOR_FAILURE)])
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.5, 3.0, -7.25, 1e200, math.nan])


@dataclass(frozen=True)
class Node:
    """A generated expression: its text, fully in parentheses, and its operands."""

    name: str
    operands: tuple[Node, ...] = ()

    @property
    def text(self) -> str:
        inner = [o.text for o in self.operands]
        if not inner:
            return self.name
        if self.name in ("not", "-") and len(inner) == 1:
            return f"({self.name} {inner[0]})"
        return (
            f"{self.name}({', '.join(inner)})"
            if self.name.isalpha() and self.name not in ("and", "or")
            else (f"({inner[0]} {self.name} {inner[1]})")
        )


LEAF = st.sampled_from([*TAGS, "0", "1", "2.5", "true"]).map(Node)


def grown(part: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def make(names: list[str], count: int) -> st.SearchStrategy[Node]:
        return st.builds(
            lambda n, o: Node(n, tuple(o)), st.sampled_from(names), st.lists(part, min_size=count, max_size=count)
        )

    one = make(["abs", "sqrt", "floor", "ceil", "round", "not", "-"], 1)
    two = make(["+", "-", "*", "/", "%", "**", "and", "or", "<", "<=", ">", ">=", "==", "!=", "min", "max"], 2)
    return st.one_of(one, two, make(["if", "clamp", "between"], 3))


TREES = st.recursive(LEAF, grown, max_leaves=12)
Pair = tuple[float, int]


def arithmetic(name: str, v: list[float]) -> float:
    """IEEE arithmetic, as numpy does it for one row."""
    with np.errstate(all="ignore"):
        f = [np.float64(x) for x in v]
        table: dict[str, Any] = {
            "+": lambda: f[0] + f[1],
            "*": lambda: f[0] * f[1],
            "/": lambda: f[0] / f[1],
            "%": lambda: np.mod(f[0], f[1]),
            "**": lambda: np.power(f[0], f[1]),
            "-": lambda: f[0] - f[1] if len(f) == 2 else -f[0],
            "abs": lambda: abs(f[0]),
            "sqrt": lambda: np.sqrt(f[0]),
            "floor": lambda: np.floor(f[0]),
            "ceil": lambda: np.ceil(f[0]),
            "round": lambda: math.copysign(math.floor(abs(v[0]) + 0.5), v[0]) if math.isfinite(v[0]) else v[0],
            "clamp": lambda: np.minimum(np.maximum(f[0], f[1]), f[2]),
        }
        return float(table[name]())


def interpret(node: Node, tags: dict[str, Pair]) -> Pair:
    if node.name in tags:
        value, code = tags[node.name]
        return value, NOT_A_NUMBER if math.isnan(value) and code < BAD else code
    if not node.operands:
        return (1.0 if node.name == "true" else float(node.name)), 0
    got = [interpret(o, tags) for o in node.operands]
    values, codes = [g[0] for g in got], [g[1] for g in got]
    worst = max(codes)
    match node.name:
        case "and" | "or":
            stop = node.name == "or"
            deciding = [c for v, c in got if (v != 0) is stop]
            return float(stop if deciding else not stop), min(deciding) if deciding else worst
        case "not":
            return float(values[0] == 0), worst
        case "if":
            side = 1 if values[0] != 0 else 2
            return values[side], max(codes[0], codes[side])
        case "<" | "<=" | ">" | ">=" | "==" | "!=":
            a, b = values
            return float(
                {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[node.name]
            ), worst
        case "between":
            return float(values[1] <= values[0] <= values[2]), worst
        case "min" | "max":
            return float((np.minimum if node.name == "min" else np.maximum)(*values)), worst
    value = arithmetic(node.name, values)
    return value, NOT_A_NUMBER if not math.isfinite(value) and worst < BAD else worst


ROWS = st.lists(st.lists(st.tuples(NUMBERS, CODES), min_size=3, max_size=3), min_size=1, max_size=5)


@settings(max_examples=300)
@given(TREES, ROWS)
def test_columns_and_scalars_are_the_plain_interpreter(tree: Node, rows: list[list[Pair]]) -> None:
    expression = compile_expression(tree.text, lambda path: path)
    expected = [interpret(tree, dict(zip(TAGS, row, strict=True))) for row in rows]
    slots = [TAGS.index(path) for path in expression.paths]
    for row, (value, code) in zip(rows, expected, strict=True):
        got = expression.evaluate([row[s][0] for s in slots], [row[s][1] for s in slots])
        np.testing.assert_equal(got, (value, code))
    if slots:
        columns = expression.evaluate(
            [np.array([row[s][0] for row in rows]) for s in slots],
            [np.array([row[s][1] for row in rows], np.uint16) for s in slots],
        )
        np.testing.assert_array_equal(columns[0], [v for v, _ in expected])
        np.testing.assert_array_equal(columns[1], [q for _, q in expected])
        assert columns[1].dtype == np.uint16


def result(text: str, **tags: Pair) -> Pair:
    expression = compile_expression(text, lambda path: path)
    pairs = [tags[path] for path in expression.paths]
    value: Pair = expression.evaluate([p[0] for p in pairs], [p[1] for p in pairs], [7.0] * len(pairs))
    return value


def test_a_known_side_decides_whatever_the_other_is() -> None:
    bad = (1.0, int(Quality.STALE))
    assert result("x and y", x=(0.0, 0), y=bad) == (0.0, 0)
    assert result("y and x", x=(0.0, 0), y=bad) == (0.0, 0)
    assert result("x and y", x=(1.0, 0), y=bad) == (1.0, int(Quality.STALE))
    assert result("x or y", x=(1.0, 0), y=bad) == (1.0, 0)
    assert result("x or y", x=(0.0, 0), y=bad) == (1.0, int(Quality.STALE))
    assert result("x and y", x=(0.0, 0x4000), y=(0.0, 0)) == (0.0, 0)


def test_good_and_age_are_good_themselves() -> None:
    bad = (1.0, int(Quality.STALE))
    assert result("good(x)", x=bad) == (0.0, 0)
    assert result("good(x)", x=(math.nan, 0)) == (0.0, 0)
    assert result("good(x) + good(y)", x=(1.0, 0), y=(1.0, int(Quality.SUBSTITUTED))) == (2.0, 0)
    assert result("age(x) > 5", x=bad) == (1.0, 0)


def test_a_forced_value_shows_through() -> None:
    assert result("x + y", x=(1.0, 0), y=(1.0, int(Quality.SUBSTITUTED))) == (2.0, int(Quality.SUBSTITUTED))


def test_missing_columns_are_refused() -> None:
    expression = compile_expression("x + age(y)", lambda path: path)
    with pytest.raises(ValueError, match="2 tags and got 1 values, 2 qualities, 2 ages"):
        expression.evaluate([1.0], [0, 0], [1.0, 1.0])
    with pytest.raises(ValueError, match="0 ages"):
        expression.evaluate([1.0, 1.0], [0, 0])


def test_a_constant_is_a_number_whatever_the_rows() -> None:
    assert compile_expression("2 + 3", lambda path: path).evaluate([], []) == (5.0, 0)


def test_inputs_are_left_alone() -> None:
    values, codes = np.array([1.0, math.nan]), np.array([0, 0], np.uint16)
    values.setflags(write=False)
    codes.setflags(write=False)
    value, code = compile_expression("x", lambda path: path).evaluate([values], [codes])
    assert code.tolist() == [0, NOT_A_NUMBER]
    assert value[0] == 1.0
