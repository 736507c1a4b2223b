"""Durations in the plant file: 100ms, 2s, 5min, 1h, 1d, or a number of seconds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from sereno.model import parse_duration

Duration = Annotated[float, BeforeValidator(parse_duration)]


def span(usual: float) -> BeforeValidator:
    """A duration, or true for the usual one and false for none (0)."""
    words = {True: usual, False: 0.0, "true": usual, "false": 0.0}

    def parse(value: Any) -> float:
        return words[value] if isinstance(value, bool) or value in ("true", "false") else parse_duration(value)

    return BeforeValidator(parse)
