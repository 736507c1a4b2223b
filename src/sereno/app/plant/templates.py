"""Templates of the plant file: one pump declared, fifty pumps made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FIELD = re.compile(r"\{\s*([a-z_][a-z0-9_]*)\s*(?:\*\s*(\d+)\s*)?(?:([+-])\s*(\d+)\s*)?\}")


def substitute(value: Any, given: Mapping[str, Any]) -> Any:
    """Put the parameters into every text inside `value`: {n}, {base+2}, {n*20+100}.

    Raises ValueError for an unknown parameter, or arithmetic on one that is not an integer.
    """
    if isinstance(value, str):
        return _FIELD.sub(lambda m: _field(m, given), value)
    if isinstance(value, list):
        return [substitute(v, given) for v in value]
    if isinstance(value, dict):
        return {k: substitute(v, given) for k, v in value.items()}
    return value


def _field(found: re.Match[str], given: Mapping[str, Any]) -> str:
    name, factor, sign, offset = found.groups()
    if name not in given:
        raise ValueError(f"parameter {{{name}}} is not given, known: {', '.join(sorted(given)) or 'none'}")
    value = given[name]
    if factor is None and sign is None:
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"parameter {name} = {value!r} stands in {found[0]}, expected an integer")
    value = value * int(factor or 1)
    return str(value + int(f"{sign or '+'}{offset or 0}"))
