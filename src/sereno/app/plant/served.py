"""Faults of gateways that show against the tags of the plant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sereno.model import Fault, TagSpec

from .faults import nearest
from .gateway_schema import GatewayTable


def served_faults(gateway: GatewayTable, specs: Mapping[str, TagSpec], where: Callable[..., str]) -> list[Fault]:
    """Tags of [gateway.latest] that are none, are served twice, or are no numbers."""
    faults: list[Fault] = []
    if gateway.latest is None:
        return faults
    seen: set[str] = set()
    for i, path in enumerate(gateway.latest.tags):
        at, spec = where("gateway", "latest", "tags", i), specs.get(path)
        if spec is None:
            faults.append(Fault(at, f"[gateway.latest] names no tag {path!r}", fix=nearest(path, specs)))
        elif not spec.is_row:
            faults.append(Fault(at, f"[gateway.latest] serves numbers, {path!r} is none"))
        if path in seen:
            faults.append(Fault(at, f"[gateway.latest] names {path!r} twice"))
        seen.add(path)
    return faults
