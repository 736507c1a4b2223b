"""Overrides of a node somewhere else, over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from sereno.access.actor import Actor
from sereno.model import Override
from sereno.wire.jsonvalue import json_value

from ._http import Http
from ._overrides import Substitution
from ._parse import parse_override, parse_reading, parse_spec

API = "/api/v1"


class RemoteOverrides:
    """Implements OverridePort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def substitute(self, tag: str, value: Any, actor: Actor, *, reason: str, seconds: float) -> Override:  # noqa: ARG002
        """See OverridePort."""
        body = {"value": json_value(value), "reason": reason, "seconds": seconds}
        return await self._send("PUT", f"values/{quote(tag)}/substitution", body)

    async def end_substitution(self, tag: str, actor: Actor) -> Override:  # noqa: ARG002
        """See OverridePort."""
        return await self._send("DELETE", f"values/{quote(tag)}/substitution")

    async def substitutions(self, actor: Actor) -> list[Substitution]:  # noqa: ARG002
        """See OverridePort."""
        found = (await self._http.get(f"{API}/substitutions"))["substitutions"]
        if not found:
            return []
        declared = await self._http.get(f"{API}/tags", [("glob", one["path"]) for one in found])
        specs = {spec.path: spec for spec in map(parse_spec, declared["tags"])}
        known = [one for one in found if one["path"] in specs]
        return [Substitution(parse_override(one), parse_reading(one["own"], specs[one["path"]])) for one in known]

    async def tag_out(self, device: str, actor: Actor, *, reason: str, seconds: float = 0.0) -> Override:  # noqa: ARG002
        """See OverridePort."""
        return await self._send("PUT", f"devices/{quote(device)}/maintenance", {"reason": reason, "seconds": seconds})

    async def tag_in(self, device: str, actor: Actor) -> Override:  # noqa: ARG002
        """See OverridePort."""
        return await self._send("DELETE", f"devices/{quote(device)}/maintenance")

    async def tagged_out(self, actor: Actor) -> list[Override]:  # noqa: ARG002
        """See OverridePort."""
        return [parse_override(one) for one in (await self._http.get(f"{API}/maintenance"))["maintenance"]]

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Override:
        encoded = None if body is None else msgspec.json.encode(body)
        return parse_override(await self._http.send(method, f"{API}/{path}", body=encoded))
