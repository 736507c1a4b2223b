"""Text of an expression -> tokens.

A slash with a letter, digit or underscore on both sides belongs to a tag path when what is left of it began as a
name; everywhere else it divides. So `a/b` is the tag a/b, and `a / b` divides two tags.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from sereno.model import suggest_segment

from .errors import ExpressionError

MAX_LENGTH = 2000


class Kind(StrEnum):
    """Kinds of token."""

    NUMBER = "number"
    WORD = "word"
    TEXT = "text"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """A piece of text; `offset` from 0. The text of TEXT is without its quotes."""

    kind: Kind
    text: str
    offset: int


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[a-z_][a-z0-9_]*(?:/[a-z0-9_]+)*)
      | '(?P<text>[^'\n]*)'
      | (?P<sign>\*\*|==|!=|<=|>=|[-+*/%<>(),])
    )""",
    re.VERBOSE,
)
_MISTAKES = {
    "=": "write == to compare",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not'",
    "^": "write ** for a power",
    '"': "labels stand in single quotes, tags in none",
    "'": "the closing quote is missing",
}


def tokens(text: str) -> list[Token]:
    """The tokens, the last one END. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            text[:80], 0, f"an expression of {len(text)} characters, at most {MAX_LENGTH} are allowed"
        )
    found: list[Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        kind = Kind(str(match.lastgroup))
        start = match.start(kind) - (kind is Kind.TEXT)
        position = match.end()
        found.append(Token(kind, match[kind], start))
        if kind in (Kind.NUMBER, Kind.WORD) and re.match(r"\w", text[position : position + 1]):
            raise _run_together(text, start, kind)
    rest = position + len(text[position:]) - len(text[position:].lstrip())
    if rest < len(text):
        raise _unexpected(text, rest)
    found.append(Token(Kind.END, "", len(text)))
    return found


def _run_together(text: str, start: int, kind: Kind) -> ExpressionError:
    whole = re.match(r"[\w/]+", text[start:])
    piece = whole[0] if whole else text[start:]
    if kind is Kind.NUMBER:
        fix = "numbers have no unit; a tag path that begins with a digit is written tag('...')"
    else:
        fix = f"tag paths are lower_snake: {'/'.join(suggest_segment(s) for s in piece.split('/'))!r}?"
    return ExpressionError(text, start, f"cannot read {piece!r}", fix)


def _unexpected(text: str, offset: int) -> ExpressionError:
    if text[offset].isalpha():
        run = re.search(r"[\w/]*\Z", text[:offset])
        return _run_together(text, run.start() if run else offset, Kind.WORD)
    return ExpressionError(text, offset, f"unexpected {text[offset]!r}", _MISTAKES.get(text[offset], ""))
