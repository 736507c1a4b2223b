"""Tokens -> steps, by operator precedence. Deep nesting is refused; a long chain of signs is not deep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from .errors import ExpressionError
from .functions import COMPARISONS, FUNCTIONS, INFIX, OF_TAGS, PREFIX
from .program import Age, Apply, Constant, IsGood, Load, Step
from .tokens import Kind, Token, tokens

MAX_DEPTH = 40
_CONSTANTS = {"true": 1.0, "false": 0.0}
_RESERVED = frozenset(("and", "or", "not", *_CONSTANTS))


@dataclass(frozen=True, slots=True)
class Operand:
    """What was just read: `labels` of a lone tag, `label` of a lone text (no step stands for it yet)."""

    start: Token
    labels: tuple[str, ...] | None = None
    label: str | None = None


@dataclass(slots=True)
class Parser:
    """One expression. `slot` turns a path into the number of its tag, raising ExpressionError at the offset given."""

    text: str
    slot: Callable[[str, int], int]
    labels: Callable[[int], Sequence[str]]
    steps: list[Step] = field(default_factory=list)
    needs_age: bool = False
    _tokens: list[Token] = field(default_factory=list)
    _at: int = 0
    _depth: int = 0

    def parse(self) -> list[Step]:
        """All of the text. Raises ExpressionError."""
        self._tokens = tokens(self.text)
        if self._peek().kind is Kind.END:
            raise self._error("the expression is empty")
        self._value(self._expression(0))
        if self._peek().kind is not Kind.END:
            raise self._error(
                f"unexpected {self._peek().text!r}", "an operator is missing, or a parenthesis is too many"
            )
        return self.steps

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _error(self, problem: str, fix: str = "", at: Token | None = None) -> ExpressionError:
        return ExpressionError(self.text, (at or self._peek()).offset, problem, fix)

    def _take(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, sign: str, meaning: str) -> None:
        if self._peek().text != sign or self._peek().kind is not Kind.SIGN:
            found = "the expression ends here" if self._peek().kind is Kind.END else f"unexpected {self._peek().text!r}"
            raise self._error(found, f"{sign!r} must come here{meaning}")
        self._at += 1

    def _expression(self, binding: int) -> Operand:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep", "split it into derived tags")
        left = self._prefix()
        while self._peek().kind in (Kind.SIGN, Kind.WORD) and self._peek().text in INFIX:
            power, right_binding, operation = INFIX[self._peek().text]
            if power < binding:
                break
            left = self._infix(left, self._take(), right_binding)
            self.steps.append(Apply(operation, 2))
        self._depth -= 1
        return left

    def _infix(self, left: Operand, sign: Token, binding: int) -> Operand:
        equality = sign.text in ("==", "!=")
        if not equality:
            self._value(left)
        right = self._expression(binding)
        if sign.text in COMPARISONS and self._peek().text in COMPARISONS:
            raise self._error("comparisons cannot be chained", "write between(x, low, high), or join them with 'and'")
        if equality:
            self._settle_labels(left, right)
        else:
            self._value(right)
        return Operand(left.start)

    def _settle_labels(self, left: Operand, right: Operand) -> None:
        """The text beside an enum tag becomes its code."""
        for text, tag in ((left, right), (right, left)):
            if text.label is not None:
                if not tag.labels:
                    raise self._error(
                        f"{text.label!r} is compared with something that has no labels",
                        "text is only for the labels of enum tags",
                        text.start,
                    )
                self.steps.append(Constant(self._code(text, tag.labels)))

    def _code(self, text: Operand, labels: tuple[str, ...]) -> float:
        label = str(text.label)
        if label in labels:
            return float(labels.index(label))
        near = get_close_matches(label, labels, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the tag has {', '.join(map(repr, labels))}"
        raise self._error(f"no label {label!r}", hint, text.start)

    def _value(self, operand: Operand) -> None:
        """Refuse a text where a number is needed."""
        if operand.label is not None:
            raise self._error(
                f"the text {operand.label!r} is no number",
                "text is only compared with an enum tag by == or !=",
                operand.start,
            )

    def _prefix(self) -> Operand:
        token = self._take()
        if token.kind is Kind.NUMBER:
            self.steps.append(Constant(float(token.text)))
        elif token.kind is Kind.TEXT:
            return Operand(token, label=token.text)
        elif token.text in PREFIX and token.kind is not Kind.END:
            binding, operation = PREFIX[token.text]
            self._value(self._expression(binding))
            self.steps.append(Apply(operation, 1))
        elif token.text == "(":
            self._value(self._expression(0))
            self._expect(")", "")
        elif token.kind is Kind.WORD:
            return self._word(token)
        else:
            found = "the expression ends here" if token.kind is Kind.END else f"unexpected {token.text!r}"
            raise self._error(found, "a number, a tag or '(' must come here", token)
        return Operand(token)

    def _word(self, token: Token) -> Operand:
        if token.text in _CONSTANTS:
            self.steps.append(Constant(_CONSTANTS[token.text]))
            return Operand(token)
        if token.text in _RESERVED:
            raise self._error(f"unexpected {token.text!r}", "a number, a tag or '(' must come here", token)
        if self._peek().text == "(" and self._peek().kind is Kind.SIGN:
            return self._call(token)
        return self._load(token.text, token)

    def _load(self, path: str, token: Token) -> Operand:
        slot = self.slot(path, token.offset)
        self.steps.append(Load(slot))
        return Operand(token, labels=tuple(self.labels(slot)))

    def _call(self, name: Token) -> Operand:
        if name.text in OF_TAGS:
            return self._call_of_tag(name)
        function = FUNCTIONS.get(name.text)
        if function is None:
            near = get_close_matches(name.text, (*FUNCTIONS, *OF_TAGS), 1)
            fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted((*FUNCTIONS, *OF_TAGS)))}"
            raise self._error(f"unknown function {name.text!r}", fix, name)
        count = self._arguments()
        if not function.low <= count <= function.high:
            got = f"{name.text} got {count} argument{'s' * (count != 1)}"
            raise self._error(got, f"it is {name.text}({function.arguments})", name)
        self.steps.append(Apply(function.operation, count))
        return Operand(name)

    def _arguments(self) -> int:
        self._expect("(", "")
        count = 0
        while not (self._peek().kind is Kind.SIGN and self._peek().text == ")" and not count):
            self._value(self._expression(0))
            count += 1
            if self._peek().text != "," or self._peek().kind is not Kind.SIGN:
                break
            self._take()
        self._expect(")", " to end the arguments")
        return count

    def _call_of_tag(self, name: Token) -> Operand:
        self._expect("(", "")
        token = self._take()
        if token.kind is Kind.WORD and name.text != "tag" and token.text == "tag" and self._peek().text == "(":
            self._take()
            token = self._take()
            self._expect(")", " after the path")
        elif token.kind is not (Kind.TEXT if name.text == "tag" else Kind.WORD):
            wanted = "tag('path')" if name.text == "tag" else f"{name.text}(a/tag/path), of one tag"
            raise self._error(f"unexpected {token.text!r}", f"it is {wanted}", token)
        self._expect(")", f" after the tag of {name.text}")
        if name.text == "tag":
            return self._load(token.text, token)
        slot = self.slot(token.text, token.offset)
        self.needs_age |= name.text == "age"
        self.steps.append(IsGood(slot) if name.text == "good" else Age(slot))
        return Operand(name)
