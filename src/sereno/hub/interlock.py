"""Interlocks: a command goes only while its expression over live tags is true, and good."""

from __future__ import annotations

from sereno.expression.compiler import Expression, compile_expression
from sereno.expression.errors import ExpressionError
from sereno.model import Quality, RefusedError, TagHandle, severity

from .hub import Hub
from .present import show


class Interlocks:
    """Judges the interlocks of set-points and named commands by the live table, each compiled once for its tags."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._compiled: dict[str, Expression[TagHandle]] = {}
        self._edition = -1

    def check(self, text: str, whose: str) -> str:
        """Raises RefusedError unless the interlock `text` is true with good quality; with what it depends on.

        A substituted value counts as a person put it there: the remark that is returned says so, else it is empty.
        """
        if not text:
            return ""
        expression = self._expression(text, whose)
        table = self._hub.table
        handles = expression.tags
        value, quality = expression.evaluate(
            [table.value[h] for h in handles],
            [table.quality[h] for h in handles],
            [self._hub.readings.age(h) for h in handles] if expression.needs_age else (),
        )
        if severity(quality) != "good":
            raise RefusedError(f"interlock {expression} cannot be judged: {self._doubts(expression)}")
        if not value:
            raise RefusedError(f"interlock {expression} is not met: {self._values(expression)}")
        forced = [table.spec(h).path for h in handles if table.quality[h] == Quality.SUBSTITUTED]
        return f"interlock judged by substituted {', '.join(forced)}" if forced else ""

    def _expression(self, text: str, whose: str) -> Expression[TagHandle]:
        table = self._hub.table
        if self._edition != table.edition:
            self._compiled.clear()
            self._edition = table.edition
        known = self._compiled.get(text)
        if known is None:
            try:
                known = compile_expression(text, table.handle, labels=lambda handle: table.spec(handle).labels)
            except ExpressionError as error:
                raise RefusedError(f"the interlock of {whose} is not valid: {error}") from None
            self._compiled[text] = known
        return known

    def _values(self, expression: Expression[TagHandle]) -> str:
        readings = [self._hub.readings.one(h) for h in expression.tags]
        return ", ".join(f"{r.tag.path} is {show(r.value, r.tag)}" for r in readings)

    def _doubts(self, expression: Expression[TagHandle]) -> str:
        readings = [self._hub.readings.one(h) for h in expression.tags]
        doubts = [f"{r.tag.path} is {r.reason}" for r in readings if severity(r.quality) != "good"]
        return ", ".join(doubts) or f"its result is not a number ({self._values(expression)})"
