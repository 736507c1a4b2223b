"""Requests that cannot be understood: what was found, where, and what was expected, in words for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from .problem import ProblemError

_LONGEST = 60
_SECRETS = ("password", "token", "secret", "key", "signature")


def told(error: Mapping[str, Any]) -> dict[str, str]:
    """One error of pydantic as where and what."""
    return {"where": "/".join(map(str, error["loc"])), "what": _what(error)}


def _what(error: Mapping[str, Any]) -> str:
    message = str(error["msg"])
    kind = error["type"]
    if kind == "missing":
        return "is missing, and is needed"
    if kind == "extra_forbidden":
        return "is no key that is known here"
    if kind == "json_invalid":
        return f"not JSON: {error.get('ctx', {}).get('error', message)} at character {error['loc'][-1]}"
    wanted = message.removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("expected ")
    secret = any(word in str(part).lower() for part in error["loc"] for word in _SECRETS)
    found = "" if secret or "input" not in error else f", found {_shown(error['input'])}"
    return f"expected {wanted}{found}" if message.startswith(("Input", "Value error, expected")) else f"{wanted}{found}"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


async def only_known(request: Request) -> None:
    """Refuse a parameter of a query that the address does not take: a misspelt one would ask for everything."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not request.url.path.startswith("/api/") or not request.query_params:
        return
    known = list(dict.fromkeys(_parameters(route.dependant)))
    for name in dict.fromkeys(request.query_params):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            names = ", ".join(known) or "none"
            fix = f"did you mean {near[0]!r}?" if near else f"it takes {names}"
            raise ProblemError(422, f"query/{name}: {request.url.path} takes no parameter {name!r}; {fix}")


def _parameters(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for one in dependant.dependencies:
        yield from _parameters(one)
