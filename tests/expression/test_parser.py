from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sereno.expression.compiler import MAX_TAGS, Expression, compile_expression
from sereno.expression.errors import ExpressionError
from sereno.expression.tokens import MAX_LENGTH, Kind, tokens
from sereno.model import NotFoundError, TagSpec, ValueType

KNOWN = {
    "a/d/x": TagSpec(path="a/d/x"),
    "a/d/y": TagSpec(path="a/d/y"),
    "a/d/state": TagSpec(path="a/d/state", type=ValueType.ENUM, labels=("stopped", "running")),
}


def compiled(text: str) -> Expression[TagSpec]:
    return compile_expression(text, KNOWN.__getitem__, known=KNOWN)


def value(text: str, **tags: float) -> float:
    expression = compiled(text)
    found = [tags[path.rpartition("/")[2]] for path in expression.paths]
    return float(expression.evaluate(found, [0] * len(found))[0])


def test_tokens_know_a_path_from_a_division() -> None:
    def words(text: str) -> list[str]:
        return [t.text for t in tokens(text) if t.kind is not Kind.END]

    assert words("a/b/c") == ["a/b/c"]
    assert words("a/b / c/d") == ["a/b", "/", "c/d"]
    assert words("a /b") == ["a", "/", "b"]
    assert words("(a)/2") == ["(", "a", ")", "/", "2"]
    assert words("2/a/3") == ["2", "/", "a/3"]
    assert words("1.5e-3*.5") == ["1.5e-3", "*", ".5"]
    assert words("x=='on' **2") == ["x", "==", "on", "**", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 - 2 - 3", -4),
        ("2 * 3 % 4", 2),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("(1 + 2) * 3", 9),
        ("not 0 and 0 or 1", 1),
        ("1 or 0 and 0", 1),
        ("not 1 == 2", 1),
        ("--2", 2),
        ("+2", 2),
        ("(1 < 2) == 1", 1),
        ("true + true", 2),
        ("a/d/x / a/d/y", 2),
        ("'running' == a/d/state", 1),
        ("a/d/state != 'stopped' and a/d/x > 1", 1),
        ("tag('a/d/x') - a/d/x", 0),
        ("min(3, 1 + 1, 5)", 2),
        ("if(a/d/state == 'running', a/d/x, a/d/y)", 6),
        ("\n 1 +\n\t2 ", 3),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert value(text, x=6, y=3, state=1) == expected


def test_tags_come_once_in_the_order_of_mention() -> None:
    expression = compiled("a/d/y + a/d/x * a/d/y + tag('a/d/y')")
    assert expression.paths == ("a/d/y", "a/d/x")
    assert [t.path for t in expression.tags] == ["a/d/y", "a/d/x"]
    assert str(expression) == expression.text
    assert not expression.needs_age
    assert compiled("age(a/d/x)").needs_age


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "the expression is empty"),
        ("  ", 3, "the expression is empty"),
        ("1 +", 4, "the expression ends here at column 4; a number, a tag or '(' must come here"),
        ("(1 + 2", 7, "')' must come here"),
        ("1 + 2)", 6, "unexpected ')'"),
        ("1 2", 3, "an operator is missing"),
        ("a/d/x a/d/y", 7, "an operator is missing"),
        ("a/d/z + 1", 1, "unknown tag 'a/d/z' at column 1; did you mean 'a/d/y'"),
        ("1 + qq/60", 5, "unknown tag 'qq/60' at column 5; to divide, write spaces around '/'"),
        ("zz", 1, "unknown tag 'zz' at column 1\n"),
        ("1 + sqr(4)", 5, "unknown function 'sqr' at column 5; did you mean 'sqrt'?"),
        ("frobnicate(4)", 1, "there are abs, age, "),
        ("abs()", 1, "abs got 0 arguments at column 1; it is abs(x)"),
        ("abs(1, 2)", 1, "abs got 2 arguments"),
        ("max(1)", 1, "max got 1 argument at column 1; it is max(x, y, ...)"),
        ("abs(1,)", 7, "unexpected ')'"),
        ("1 < 2 < 3", 7, "write between(x, low, high)"),
        ("a/d/x == 'on'", 10, "'on' is compared with something that has no labels"),
        ("a/d/state == 'runing'", 14, "no label 'runing' at column 14; did you mean 'running'?"),
        ("a/d/state == 'zzz'", 14, "the tag has 'stopped', 'running'"),
        ("a/d/state < 'running'", 13, "the text 'running' is no number"),
        ("'running' + 1", 1, "the text 'running' is no number"),
        ("-'running'", 2, "is no number"),
        ("('running')", 2, "is no number"),
        ("abs('running')", 5, "is no number"),
        ("'running'", 1, "is no number"),
        ("'running' == 'running'", 1, "has no labels"),
        ("good(1)", 6, "it is good(a/tag/path), of one tag"),
        ("good(a/d/x + 1)", 12, "')' must come here after the tag of good"),
        ("tag(a/d/x)", 5, "it is tag('path')"),
        ("and 1", 1, "unexpected 'and'"),
        ("1 = 2", 3, "write == to compare"),
        ("1 && 2", 3, "write 'and'"),
        ("!1", 1, "write 'not'"),
        ('a/d/state == "running"', 14, "labels stand in single quotes"),
        ("a/d/state == 'running", 14, "the closing quote is missing"),
        ("5m", 1, "cannot read '5m' at column 1; numbers have no unit"),
        ("a/d/Level", 1, "cannot read 'a/d/Level' at column 1; tag paths are lower_snake: 'a/d/level'?"),
        ("1 AND 2", 3, "'and'?"),
        ("1 # 2", 3, "unexpected '#'"),
        ("é", 1, "cannot read 'é'"),
        ("__import__('os')", 1, "unknown function '__import__'"),
    ],
)
def test_faults_name_the_place(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    assert words in str(caught.value)
    assert caught.value.column == column
    shown = str(caught.value).split("\n")
    assert shown[-1] == " " * (column + 1) + "^"


def test_a_fault_in_a_later_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled("1 +\n  a/d/q")
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert str(caught.value).endswith("at line 2, column 3; did you mean 'a/d/y'?\n    a/d/q\n    ^")


def test_what_the_resolver_says_is_shown() -> None:
    def resolve(path: str) -> int:
        raise NotFoundError(f"no tag {path!r}; did you mean 'b'?")

    with pytest.raises(ExpressionError, match="no tag 'a/b'; did you mean 'b'"):
        compile_expression("a/b", resolve)


def test_bounds() -> None:
    with pytest.raises(ExpressionError, match="at most 2000"):
        compiled("1" + " " * MAX_LENGTH)
    for deep in ("(" * 50 + "1" + ")" * 50, "-" * 50 + "1", "2" + " ** 2" * 50, "abs(" * 50 + "1" + ")" * 50):
        with pytest.raises(ExpressionError, match="nested more than 40 deep"):
            compiled(deep)
    assert value(" + ".join(["1"] * 500)) == 500
    many = " + ".join(f"t{i}" for i in range(MAX_TAGS + 1))
    with pytest.raises(ExpressionError, match="more than 256 tags"):
        compile_expression(many[:MAX_LENGTH], lambda path: path)
    with pytest.raises(ExpressionError, match="max got 65 arguments"):
        compiled(f"max({', '.join('1' * 65)})")


PIECES = [
    "a/d/x",
    "a/d/state",
    "1",
    "2.5",
    "'running'",
    "(",
    ")",
    "+",
    "-",
    "**",
    "/",
    "==",
    "<",
    "and",
    "not",
    ",",
    "if",
]
PIECES += ["good", "tag", "max", " ", "\n", "_", "é", "'"]


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join), st.text(max_size=40)))
@example("((((")
@example("tag('")
def test_any_text_compiles_or_is_an_expression_error(text: str) -> None:
    try:
        expression = compiled(text)
    except ExpressionError:
        return
    count = len(expression.tags)
    assert isinstance(expression.evaluate([1.0] * count, [0] * count, [1.0] * count)[0], float)
