"""Expressions of the plant file: a fault for each tag that they name and that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sereno.expression.compiler import Expression, compile_expression
from sereno.expression.errors import ExpressionError
from sereno.model import Fault, Subject, TagSpec


def read_expression(
    text: str, where: str, what: str, tags: Mapping[str, TagSpec], faults: list[Fault]
) -> Expression[TagSpec] | None:
    """The expression over these tags; None with a fault for what cannot be read, and one for each unknown tag."""
    unknown: set[str] = set()

    def resolve(path: str) -> TagSpec | None:
        return None if path in unknown else tags[path]

    while True:
        try:
            found = compile_expression(text, resolve, known=tags)
        except ExpressionError as error:
            if unknown and not error.missing:
                return None  # what it is of a tag that is not known cannot be judged
            misses = Subject("tag", error.missing) if error.missing else None
            faults.append(Fault(where, f"{what}: {error}", misses=misses))
            if not error.missing:
                return None
            unknown.add(error.missing)
        else:
            return None if unknown else cast("Expression[TagSpec]", found)


def spec_of(path: str) -> Subject:
    """What a tag is, as what does not fit; as long as something in its table is wrong that may be why."""
    return Subject("spec", path)


def no_rows(found: Expression[TagSpec], where: str, what: str) -> list[Fault]:
    """A fault for each of its tags that is no number."""
    return [
        Fault(where, f"{spec.path!r} in the {what} is a text or an array", "a number", misses=spec_of(spec.path))
        for spec in found.tags
        if not spec.is_row
    ]
