"""What is made of the answers of a whole fleet: a total is good only if every member of the inventory answered."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sereno.model import Quality

from .protocol import AnswerError, number_of, pick, vector_of
from .tags import FACTS, HttpTagConfig

MOST_WHOLE = 2.0**53
"""Up to here every whole number is one of float64."""
NAMED = 5
"""So many of the missing are named in words."""
Answers = Mapping[str, Any]
"""By member: the JSON that it answered, or an exception that says why there is none."""


@dataclass(frozen=True, slots=True)
class Total:
    """The value of a tag after a sweep; NaN (None for a vector) where there is none."""

    value: Any
    quality: int
    reason: str = ""


def total_of(config: HttpTagConfig, answers: Answers) -> Total:
    """What a tag shows after a sweep in which these were asked; `answers` has an entry for every member."""
    taken, missing = _sorted_out(config, answers)
    if config.reduce == "count":
        return Total(float(len(taken)), Quality.GOOD)
    if config.reduce == "missing":
        return Total(float(len(missing)), Quality.GOOD)
    if config.reduce == "table":
        rows = {name: _plain(config, taken[name]) if name in taken else None for name in answers}
        return Total(json.dumps(rows), Quality.GOOD)
    if not answers:
        return Total(_nothing(config), Quality.BAD, "the inventory names nobody")
    if config.reduce == "same" and (words := _apart(taken)):
        return Total(_nothing(config), Quality.BAD, words)
    try:
        value = _reduced(config, list(taken.values())) if taken else _nothing(config)
    except OverflowError as error:
        return Total(_nothing(config), Quality.BAD, str(error))
    if not missing:
        return Total(value, Quality.GOOD)
    words = f"{len(missing)} of {len(answers)} did not answer: {_words(missing)}"
    if config.partial == "uncertain" and taken:
        return Total(value, Quality.SUB_NORMAL, words)
    return Total(_nothing(config), Quality.BAD, words)


def doubted(total: Total, doubt: str) -> Total:
    """The same where `doubt` is empty; else uncertain at best, and why."""
    if not doubt:
        return total
    reason = f"{total.reason}; {doubt}" if total.reason else doubt
    return Total(total.value, Quality.LAST_USABLE if total.quality == Quality.GOOD else total.quality, reason)


def _sorted_out(config: HttpTagConfig, answers: Answers) -> tuple[dict[str, tuple[float, ...]], dict[str, str]]:
    """Who answered what, and who did not and why."""
    taken: dict[str, tuple[float, ...]] = {}
    missing: dict[str, str] = {}
    for name, answer in answers.items():
        if isinstance(answer, Exception):
            missing[name] = str(answer)
            continue
        try:
            part = pick(answer, config.pick)
            vector = vector_of(part, config.length) if config.length is not None else (number_of(part),)
            taken[name] = vector if config.element is None else (vector[config.element],)
        except AnswerError as error:
            missing[name] = str(error)
    return taken, missing


def _reduced(config: HttpTagConfig, vectors: Sequence[tuple[float, ...]]) -> Any:
    columns = list(zip(*vectors, strict=True))
    whole = tuple(_number(config.reduce, column) for column in columns)
    return whole if config.shape else whole[0]


def _apart(taken: Mapping[str, tuple[float, ...]]) -> str:
    """Who says otherwise than most; empty if all say the same."""
    counted = Counter(taken.values())
    if len(counted) < 2:
        return ""
    usual = counted.most_common(1)[0][0]
    others = {name: _text(vector) for name, vector in taken.items() if vector != usual}
    return f"not the same everywhere: {_words(others)}, the others {_text(usual)}"


def _text(vector: tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in vector)


def _number(how: str | None, column: Sequence[float]) -> float:
    """Raises OverflowError for a total that no float64 holds, of whole numbers also one that it would round."""
    if how == "same":
        return column[0]
    if how == "min":
        return min(column)
    if how == "max":
        return max(column)
    try:
        total = math.fsum(column)
    except OverflowError:
        raise OverflowError("the total is too large for a number") from None
    if abs(total) > MOST_WHOLE and all(part.is_integer() for part in column):
        raise OverflowError("the total is too large to be exact")
    return total / len(column) if how == "mean" else total


def _nothing(config: HttpTagConfig) -> Any:
    return None if config.shape or config.reduce in FACTS else float("nan")


def _plain(config: HttpTagConfig, vector: tuple[float, ...]) -> Any:
    return list(vector) if config.length is not None and config.element is None else vector[0]


def _words(missing: Mapping[str, str]) -> str:
    named = [f"{name} ({why})" for name, why in list(missing.items())[:NAMED]]
    more = len(missing) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
