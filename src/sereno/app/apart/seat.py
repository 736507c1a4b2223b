"""How the two processes find each other: what the node tells an agent, and what it lets it in by."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sereno.access.actor import Actor
from sereno.client import Client, connect
from sereno.gateways.native.door import Door, TokenDoor
from sereno.model import NotConnectedError

URL, TOKEN, FILES = "SERENO_AGENT_URL", "SERENO_AGENT_TOKEN", "SERENO_AGENT_FILES"
PLANT_TIMEOUT = 5.0


class ApartSeats:
    """A token for each agent that is apart, valid while this node runs, and where the node is once it listens.

    `files` is the node's data folder.
    """

    def __init__(self, actors: Mapping[str, Actor], files: Path) -> None:
        self._files = files.absolute()
        self._tokens = {device: secrets.token_urlsafe(24) for device in actors}
        self._actors = dict(actors)
        self.url = ""

    @property
    def devices(self) -> frozenset[str]:
        """The agents that are apart."""
        return frozenset(self._actors)

    def variables(self, device: str) -> dict[str, str]:
        """What its process is told. Raises NotConnectedError before the node listens."""
        if not self.url:
            raise NotConnectedError("the node does not listen yet")
        return {URL: self.url, TOKEN: self._tokens[device], FILES: str(self._files)}

    def door(self, others: Door) -> Door:
        """A door that knows these tokens besides those of `others`."""
        known = {token: self._actors[device] for device, token in self._tokens.items()}
        return AgentDoor(TokenDoor(known), others) if known else others


class AgentDoor:
    """A Door of agents, and of whom another door lets in."""

    def __init__(self, agents: Door, others: Door) -> None:
        self._agents = agents
        self._others = others

    async def actor(self, token: str, origin: str) -> Actor | None:
        """See Door."""
        return await self._agents.actor(token, origin) or await self._others.actor(token, origin)

    async def changed(self) -> None:
        """See Door."""
        await self._others.changed()

    async def refused(self, actor: str, what: str, target: str, origin: str, why: str) -> None:
        """See Door."""
        await self._others.refused(actor, what, target, origin, why)


@asynccontextmanager
async def plant_of_this_agent(variables: Mapping[str, str]) -> AsyncIterator[Callable[[str], Client] | None]:
    """In the agent's process: the plant as it may see and command it; None where this is no agent's process."""
    if not variables.get(URL):
        yield None
        return
    async with connect(variables[URL], variables.get(TOKEN), timeout=PLANT_TIMEOUT) as client:
        yield lambda _device: client
