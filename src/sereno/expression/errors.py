"""What is wrong with an expression, and where."""

from __future__ import annotations

from sereno.model import OperationError


class ExpressionError(OperationError):
    """A fault in an expression's text; prints the line with a caret below the place.

    `line` and `column` count from 1, `problem` says what was found, `fix` what to write instead (may be empty).
    `missing` is the path of a tag that is not known; empty for every other fault.
    """

    def __init__(self, text: str, offset: int, problem: str, fix: str = "", missing: str = "") -> None:
        before = text[:offset]
        self.text = text
        self.line = before.count("\n") + 1
        self.column = offset - (before.rfind("\n") + 1) + 1
        self.problem = problem
        self.fix = fix
        self.missing = missing
        super().__init__(self._message())

    def _message(self) -> str:
        lines = self.text.split("\n")
        place = f"column {self.column}" if len(lines) == 1 else f"line {self.line}, column {self.column}"
        head = f"{self.problem} at {place}" + (f"; {self.fix}" if self.fix else "")
        return f"{head}\n  {lines[self.line - 1]}\n  {' ' * (self.column - 1)}^"
