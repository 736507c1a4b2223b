"""Commands that wait for people at a node somewhere else, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from sereno.access.actor import Actor
from sereno.model import RefusedError, Say

from ._http import Http, ProblemError
from ._waiting import WaitingCommand, parse_waiting

API = "/api/v1/commands"


class RemoteWaiting:
    """Implements WaitingPort. Who asks is decided by the token, at the node; tokens do not sign."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def waiting(self, actor: Actor) -> list[WaitingCommand]:  # noqa: ARG002
        """See WaitingPort."""
        return [parse_waiting(one) for one in (await self._http.get(API))["commands"]]

    async def execute(self, key: str, actor: Actor, *, password: str = "", meaning: str = "") -> None:  # noqa: ARG002
        """See WaitingPort."""
        await self._say(key, Say.EXECUTE, password=password, meaning=meaning)

    async def approve(
        self,
        key: str,
        actor: Actor,  # noqa: ARG002
        *,
        password: str = "",
        meaning: str = "",
        comment: str = "",
    ) -> None:
        """See WaitingPort."""
        await self._say(key, Say.APPROVE, password=password, meaning=meaning, comment=comment)

    async def decline(self, key: str, actor: Actor, *, reason: str) -> None:  # noqa: ARG002
        """See WaitingPort."""
        await self._say(key, Say.DECLINE, reason=reason)

    async def cancel(self, key: str, actor: Actor) -> None:  # noqa: ARG002
        """See WaitingPort."""
        await self._say(key, Say.CANCEL)

    async def _say(self, key: str, say: Say, **body: str) -> None:
        try:
            await self._http.send("POST", f"{API}/{quote(key, safe='')}/{say}", body=msgspec.json.encode(body))
        except ProblemError as error:
            raise RefusedError(str(error)) from error
