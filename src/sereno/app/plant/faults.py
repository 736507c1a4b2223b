"""From what pydantic says to faults with file:line and the nearest spelling."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sereno.model import Fault, Subject

from .causes import Unread

M = TypeVar("M", bound=BaseModel)
Where = Callable[..., str]
_PLAIN = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "a text"}
"""What pydantic calls the plain types that a value may be of, and what people call them."""


def nearest(word: str, known: Iterable[str]) -> str:
    """'Did you mean ...?' for a word near one of `known`, else the list of them, else empty."""
    options = list(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(sorted(options)[:12])
    return f"Known: {shown}{', ...' if len(options) > 12 else ''}" if options else ""


def unknown_keys(data: Iterable[str], known: Iterable[str], where: Where, what: str) -> list[Fault]:
    """A fault for every key of `data` that is not in `known`; what the key was meant for may seem not to be there."""
    names = list(known)
    return [
        Fault(
            where(key),
            f"unknown key {key!r} in {what}",
            fix=nearest(key, names),
            loses=(whole(where), *_meant(key, names, where)),
        )
        for key in data
        if key not in names
    ]


def validate(model: type[M], data: Mapping[str, Any], where: Where, what: str, faults: list[Fault]) -> M | None:
    """The model made from `data`, or None with every error added to `faults`."""
    unread = [one for value in data.values() for one in _unread(value)]
    try:
        made = model.model_validate(dict(data))
    except ValidationError as error:
        found = _of_one_form(error.errors(include_url=False))
        absent = [tuple(map(str, e["loc"])) for e in found if e["type"] == "missing"]
        faults.extend(_fault(e, where, what, absent) for e in found)
        return None
    faults.extend(Fault(where(), f"{one} in {what} is not known", misses=one.subject) for one in unread)
    return None if unread else made


def known_and_valid(model: type[M], data: Mapping[str, Any], where: Where, what: str, faults: list[Fault]) -> M | None:
    """As `validate`, of the keys that the model has; every other one is a fault too."""
    faults.extend(unknown_keys(data, model.model_fields, where, what))
    return validate(model, {k: v for k, v in data.items() if k in model.model_fields}, where, what, faults)


def whole(where: Where) -> Subject:
    """A table as one: whether its keys go together cannot be said while one of them is not known."""
    return Subject("table", where())


def _meant(key: str, names: Iterable[str], where: Where, *above: str) -> list[Subject]:
    """The key of `names` that somebody who wrote `key` may have meant, as what is not there."""
    near = difflib.get_close_matches(key, list(names), n=1, cutoff=0.6)
    return [missing_key(where, *above, one) for one in near]


def missing_key(where: Where, *path: str) -> Subject:
    """A key of a table, as what is not there: it may be there misspelt."""
    return Subject("key", f"{where()} {'.'.join(path)}")


def _unread(value: Any) -> Iterator[Unread]:
    """Every place in a value whose fault is told elsewhere."""
    if isinstance(value, Unread):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _unread(one)


def _of_one_form(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Of a value that may have several forms only what is wrong with the one that it is nearest to."""
    deeper = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    errors = [error for error in errors if error["type"] != "too_short" or error["loc"] not in deeper]
    forms: dict[Any, dict[Any, list[ErrorDetails]]] = {}
    for error in _of_one_type(errors):
        at = next((i for i, part in enumerate(error["loc"]) if _is_form(part)), None)
        field, form = (error["loc"], None) if at is None else (error["loc"][:at], error["loc"][at])
        forms.setdefault(field, {}).setdefault(form, []).append(error)

    def depth(found: list[ErrorDetails]) -> int:
        return max(len(error["loc"]) for error in found)

    return [error for of in forms.values() for error in max(of.values(), key=depth)]


def _of_one_type(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Of a value that may be of several plain types one error, that says all of them."""
    plain: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for error in errors:
        if error["loc"] and error["loc"][-1] in _PLAIN:
            plain.setdefault(error["loc"][:-1], []).append(error)
    for error in errors:
        at = error["loc"][:-1]
        same = plain.get(at, []) if error["loc"] and error["loc"][-1] in _PLAIN else []
        if len(same) < 2:
            yield error
        elif error is same[0]:
            yield {**error, "loc": at, "type": "of_several_types", "msg": _either(same)}


def _either(errors: list[ErrorDetails]) -> str:
    words = [_PLAIN[str(error["loc"][-1])] for error in errors]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _is_form(part: str | int) -> bool:
    """Names of pydantic for one of several types, such as list[constrained-float]."""
    return isinstance(part, str) and "[" in part


def _fault(error: ErrorDetails, where: Where, what: str, absent: Sequence[tuple[str, ...]] = ()) -> Fault:
    if isinstance(error["input"], Unread):
        unread: Unread = error["input"]
        return Fault(where(), f"{unread} in {what} is not known", misses=unread.subject)
    path = [part for part in error["loc"] if part not in ("function-before", "function-after") and not _is_form(part)]
    name = ".".join(str(p) for p in path)
    place = where(*path)
    kind = error["type"]
    if kind == "missing":
        return Fault(
            where(), f"{what} has no {name!r}", fix=f"Add {name} = ...", misses=missing_key(where, *map(str, path))
        )
    if kind == "extra_forbidden":
        above = [str(part) for part in path[:-1]]
        beside = [one[-1] for one in absent if [*one[:-1]] == above]
        return Fault(
            place, f"unknown key {name!r} in {what}", loses=tuple(_meant(str(path[-1]), beside, where, *above))
        )
    if kind == "value_error":
        message = str(error.get("ctx", {}).get("error", error["msg"]))
        found = f"{name} of {what}: {message}" if name else f"{what}: {message}"
        return Fault(place, found, misses=None if name else whole(where))
    if kind in ("enum", "literal_error"):
        expected = str(error.get("ctx", {}).get("expected", ""))
        options = [w.strip(" '") for w in expected.replace(" or ", ",").split(",")]
        return Fault(
            place,
            f"{name} = {error['input']!r} in {what}",
            f"one of {', '.join(options)}",
            _guess(error["input"], options),
        )
    return Fault(place, f"{name} = {error['input']!r} in {what}", error["msg"].removeprefix("Input should be ").lower())


def _guess(given: Any, options: list[str]) -> str:
    close = difflib.get_close_matches(str(given), options, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""
