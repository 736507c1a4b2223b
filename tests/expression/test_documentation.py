"""docs/expression.md is run: every example, every function and the error."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from sereno.expression.compiler import compile_expression
from sereno.expression.errors import ExpressionError
from sereno.expression.functions import FUNCTIONS, INFIX, OF_TAGS
from sereno.model import TagSpec, ValueType, severity

PAGE = (Path(__file__).parents[2] / "docs" / "expression.md").read_text("utf-8")
CODES = {"good": 0, "uncertain": 0x4000, "bad": 0x8000}


def tag_rows() -> dict[str, tuple[TagSpec, float, int, float]]:
    rows = {}
    for path, value, quality in re.findall(r"^\| `([\w/]+)` \| ([\d.]+)[^|]*\| (\w+) \|$", PAGE, re.MULTILINE):
        kind = ValueType.ENUM if path.endswith("_state") else ValueType.FLOAT64
        labels = ("stopped", "running", "fault") if kind is ValueType.ENUM else ()
        age = 90.0 if path.endswith("chlorine") else 2.0
        rows[path] = TagSpec(path=path, type=kind, labels=labels), float(value), CODES[quality], age
    return rows


TAGS = tag_rows()
EXAMPLES = re.findall(r"^(\S.*?) +-> (\S+)(?: (\w+))?$", PAGE, re.MULTILINE)


def test_the_page_has_what_the_tests_think() -> None:
    assert len(TAGS) == 8
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize(("text", "value", "quality"), EXAMPLES)
def test_example(text: str, value: str, quality: str) -> None:
    expression = compile_expression(text, lambda path: TAGS[path][0], known=list(TAGS))
    rows = [TAGS[path] for path in expression.paths]
    result, code = expression.evaluate([r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows])
    assert math.isclose(result, float(value))
    assert severity(code) == (quality or "good")


@pytest.mark.parametrize("name", [*FUNCTIONS, *OF_TAGS, *INFIX])
def test_every_word_is_described(name: str) -> None:
    described = re.findall(r"^\|(.*)\|$", PAGE, re.MULTILINE)
    assert any(f"`{name}(" in line or f"`{name}`" in line for line in described)


def test_the_error_on_the_page() -> None:
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    with pytest.raises(ExpressionError) as caught:
        compile_expression("1 + sqr(2)", TAGS.__getitem__)
    assert str(caught.value) == shown[1].rstrip("\n")
