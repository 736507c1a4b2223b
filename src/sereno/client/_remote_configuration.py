"""The configuration of a node somewhere else, over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.access.actor import Actor

from ._configuration import ChangePlan, RunningConfiguration, parse_plan, parse_running
from ._http import Http

API = "/api/v1/configuration"
CHANGE_TIMEOUT = 120.0
"""Seconds for a plan and for what it changes: devices are stopped and started, agents get processes of their own."""


class RemoteConfiguration:
    """Implements ConfigurationPort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def running(self, actor: Actor) -> RunningConfiguration:  # noqa: ARG002
        """See ConfigurationPort."""
        return parse_running(await self._http.get(API))

    async def plan(self, actor: Actor, *, plant: str = "", back: bool = False) -> ChangePlan:  # noqa: ARG002
        """See ConfigurationPort."""
        return await self._send("plan", plant=plant, back=back)

    async def apply(
        self,
        actor: Actor,  # noqa: ARG002
        *,
        plant: str = "",
        back: bool = False,
        token: str = "",
        comment: str = "",
    ) -> ChangePlan:
        """See ConfigurationPort."""
        return await self._send("apply", plant=plant, back=back, token=token, comment=comment)

    async def _send(self, verb: str, **body: Any) -> ChangePlan:
        encoded = msgspec.json.encode(body)
        return parse_plan(await self._http.send("POST", f"{API}/{verb}", body=encoded, timeout=CHANGE_TIMEOUT))
