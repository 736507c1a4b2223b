"""OpenTelemetry's context in the envelope of a command (extra `telemetry`). Costs nothing where nobody traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

MAX_FIELDS = 8
MAX_FIELD = 1024


def present_context() -> dict[str, str]:
    """The context of the present span as text fields (`traceparent` and so on); {} where nobody traces."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry.propagate import inject

    fields: dict[str, str] = {}
    inject(fields)
    return fields


@contextmanager
def following(fields: Mapping[str, str]) -> Iterator[None]:
    """What begins in here, tasks included, belongs to the span that sent these fields. Fields too long are ignored."""
    if not fields or not _fit(fields):
        yield
        return
    try:
        from opentelemetry import context
        from opentelemetry.propagate import extract
    except ImportError:
        yield
        return
    token = context.attach(extract(fields))
    try:
        yield
    finally:
        context.detach(token)


def _fit(fields: Mapping[str, str]) -> bool:
    return len(fields) <= MAX_FIELDS and all(len(k) + len(v) <= MAX_FIELD for k, v in fields.items())
