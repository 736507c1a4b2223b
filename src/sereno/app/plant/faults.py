"""From what pydantic says to faults with file:line and the nearest spelling."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sereno.model import Fault

M = TypeVar("M", bound=BaseModel)
Where = Callable[..., str]


def nearest(word: str, known: Iterable[str]) -> str:
    """'Did you mean ...?' for a word near one of `known`, else the list of them, else empty."""
    options = list(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(sorted(options)[:12])
    return f"Known: {shown}{', ...' if len(options) > 12 else ''}" if options else ""


def unknown_keys(data: Mapping[str, Any], known: Iterable[str], where: Where, what: str) -> list[Fault]:
    """A fault for every key of `data` that is not in `known`."""
    names = list(known)
    return [
        Fault(where(key), f"unknown key {key!r} in {what}", fix=nearest(key, names)) for key in data if key not in names
    ]


def validate(model: type[M], data: Mapping[str, Any], where: Where, what: str, faults: list[Fault]) -> M | None:
    """The model made from `data`, or None with every error added to `faults`."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        faults.extend(_fault(e, where, what) for e in _of_one_form(error.errors(include_url=False)))
        return None


def known_and_valid(model: type[M], data: Mapping[str, Any], where: Where, what: str, faults: list[Fault]) -> M | None:
    """As `validate`, of the keys that the model has; every other one is a fault too."""
    faults.extend(unknown_keys(data, model.model_fields, where, what))
    return validate(model, {k: v for k, v in data.items() if k in model.model_fields}, where, what, faults)


def _of_one_form(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Of a value that may have several forms only what is wrong with the one that it is nearest to."""
    forms: dict[Any, dict[Any, list[ErrorDetails]]] = {}
    for error in errors:
        at = next((i for i, part in enumerate(error["loc"]) if _is_form(part)), None)
        field, form = (error["loc"], None) if at is None else (error["loc"][:at], error["loc"][at])
        forms.setdefault(field, {}).setdefault(form, []).append(error)

    def depth(found: list[ErrorDetails]) -> int:
        return max(len(error["loc"]) for error in found)

    return [error for of in forms.values() for error in max(of.values(), key=depth)]


def _is_form(part: str | int) -> bool:
    """Names of pydantic for one of several types, such as list[constrained-float]."""
    return isinstance(part, str) and "[" in part


def _fault(error: ErrorDetails, where: Where, what: str) -> Fault:
    path = [part for part in error["loc"] if part not in ("function-before", "function-after") and not _is_form(part)]
    name = ".".join(str(p) for p in path)
    place = where(*path)
    kind = error["type"]
    if kind == "missing":
        return Fault(where(), f"{what} has no {name!r}", fix=f"Add {name} = ...")
    if kind == "extra_forbidden":
        return Fault(place, f"unknown key {name!r} in {what}")
    if kind == "value_error":
        message = str(error.get("ctx", {}).get("error", error["msg"]))
        return Fault(place, f"{name} of {what}: {message}" if name else f"{what}: {message}")
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
