"""Faults of gateways that show against the tags of the plant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sereno.model import Fault, Subject, TagSpec

from .conditions import spec_of
from .faults import nearest
from .gateway_schema import GatewayTable


def served_faults(gateway: GatewayTable, specs: Mapping[str, TagSpec], where: Callable[..., str]) -> list[Fault]:
    """Tags of gateways that are none, or cannot be served so."""
    return [*_latest_faults(gateway, specs, where), *_http_faults(gateway, specs, where)]


def _http_faults(gateway: GatewayTable, specs: Mapping[str, TagSpec], where: Callable[..., str]) -> list[Fault]:
    """Names of [gateway.http] that stand for no tag, and totals that could not be written."""
    table, faults = gateway.http, list[Fault]()
    if table is None:
        return faults
    keys = {("names", name): [tags] if isinstance(tags, str) else tags for name, tags in table.names.items()}
    keys |= {("totals", name): tags for name, tags in table.totals.items()}
    keys |= {("connections", ""): [table.connections]} if table.connections else {}
    for (key, name), tags in keys.items():
        at = where("gateway", "http", key, *([name] if name else []))
        for path in tags:
            if path not in specs:
                faults.append(_no_tag(at, "[gateway.http]", path, specs))
            elif key == "totals" and not specs[path].access.writable:
                faults.append(
                    Fault(
                        at,
                        f"[gateway.http] would write totals to {path!r}, which cannot be written",
                        misses=spec_of(path),
                    )
                )
    return faults


def _no_tag(where: str, table: str, path: str, specs: Mapping[str, TagSpec]) -> Fault:
    return Fault(where, f"{table} names no tag {path!r}", fix=nearest(path, specs), misses=Subject("tag", path))


def _latest_faults(gateway: GatewayTable, specs: Mapping[str, TagSpec], where: Callable[..., str]) -> list[Fault]:
    """Tags of [gateway.latest] that are none, are served twice, or are no numbers."""
    faults: list[Fault] = []
    if gateway.latest is None:
        return faults
    seen: set[str] = set()
    for i, path in enumerate(gateway.latest.tags):
        at, spec = where("gateway", "latest", "tags", i), specs.get(path)
        if spec is None:
            faults.append(_no_tag(at, "[gateway.latest]", path, specs))
        elif not spec.is_row:
            faults.append(Fault(at, f"[gateway.latest] serves numbers, {path!r} is none", misses=spec_of(path)))
        if path in seen:
            faults.append(Fault(at, f"[gateway.latest] names {path!r} twice"))
        seen.add(path)
    return faults
