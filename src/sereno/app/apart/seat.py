"""How the two processes find each other: what the node tells an agent, and what it lets it in by."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sereno.access.actor import Actor
from sereno.client import RemoteClient, connect
from sereno.gateways.native.door import Door, TokenDoor
from sereno.model import Marks, NotConnectedError, RefusedError

URL, TOKEN, FILES = "SERENO_AGENT_URL", "SERENO_AGENT_TOKEN", "SERENO_AGENT_FILES"
TIMEOUTS = "SERENO_AGENT_TIMEOUTS"
PLANT_TIMEOUT = 5.0


class ApartSeats:
    """A token for each agent that is apart, valid while this node runs, and where the node is once it listens.

    `files` is the node's data folder.
    """

    def __init__(self, files: Path) -> None:
        self._files = files.absolute()
        self._tokens: dict[str, str] = {}
        self._actors: dict[str, Actor] = {}
        self._given: dict[tuple[str, str], Callable[[], None]] = {}
        self._changed = asyncio.Event()
        self.generation = 0
        self.url = ""

    def replace(self, actors: Mapping[str, Actor]) -> None:
        """These agents are apart from now on. Who stays keeps the token, with the rights of now."""
        self._actors = dict(actors)
        self._tokens = {device: self._tokens.get(device) or secrets.token_urlsafe(24) for device in actors}
        self.generation += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def variables(self, device: str) -> dict[str, str]:
        """What its process is told. Raises NotConnectedError before the node listens."""
        url, token = self.credentials(device)
        return {URL: url, TOKEN: token, FILES: str(self._files)}

    def credentials(self, device: str) -> tuple[str, str]:
        """Address and token. Raises NotConnectedError before the node listens."""
        if not self.url:
            raise NotConnectedError("the node does not listen yet")
        return self.url, self._tokens[device]

    def door(self, others: Door) -> Door:
        """A door that knows these tokens besides those of `others`."""
        return AgentDoor(self, others)

    async def actor(self, token: str, origin: str) -> Actor | None:
        """Who that is at this moment."""
        known = {mine: self._actors[device] for device, mine in self._tokens.items()}
        return await TokenDoor(known).actor(token, origin)

    @contextmanager
    def given(self, device: str, key: str, check: Callable[[], None]) -> Iterator[None]:
        """Meanwhile this agent has the command with that key, and may begin with it when `check` raises nothing.

        Raises NotConnectedError for one that is no agent any more.
        """
        actor = self._actors.get(device)
        if actor is None:
            raise NotConnectedError(f"{device} is no agent in a process of its own any more")
        mine = actor.name, key
        self._given[mine] = check
        try:
            yield
        finally:
            del self._given[mine]

    def begins(self, key: str, actor: Actor) -> None:
        """See NativePorts: one that the node has given up does not begin any more."""
        check = self._given.get((actor.name, key))
        if check is None:
            raise RefusedError(f"the node waits for no such command of {actor.name}")
        check()

    async def changed(self) -> None:
        """Returns when there are other agents, or other rights of theirs."""
        await self._changed.wait()


class AgentDoor:
    """A Door of agents, and of whom another door lets in."""

    def __init__(self, agents: ApartSeats, others: Door) -> None:
        self._agents = agents
        self._others = others
        self._seen = agents.generation

    async def actor(self, token: str, origin: str) -> Actor | None:
        """See Door."""
        return await self._agents.actor(token, origin) or await self._others.actor(token, origin)

    async def changed(self) -> None:
        """See Door."""
        if self._seen == self._agents.generation:
            await self._either()
        self._seen = self._agents.generation

    async def _either(self) -> None:
        waiting = [asyncio.ensure_future(one.changed()) for one in (self._agents, self._others)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def refused(self, actor: str, what: str, target: str, origin: str, why: str) -> None:
        """See Door."""
        await self._others.refused(actor, what, target, origin, why)


@asynccontextmanager
async def node_of_this_agent(variables: Mapping[str, str]) -> AsyncIterator[RemoteClient | None]:
    """In the agent's process: the plant as it may see and command it; None where this is no agent's process."""
    if not variables.get(URL):
        yield None
        return
    async with connect(variables[URL], variables.get(TOKEN), timeout=PLANT_TIMEOUT) as client:
        yield client


def timeouts_of_this_agent(variables: Mapping[str, str]) -> dict[str, Marks]:
    """In the agent's process: how long its commands may take as the plant file says, by name."""
    return {name: Marks(timeout=seconds) for name, seconds in json.loads(variables.get(TIMEOUTS) or "{}").items()}


def timeouts_of(marks: Mapping[str, Marks]) -> dict[str, float]:
    """In the node: what it tells of them; what else is marked stays its own business."""
    return {name: one.timeout for name, one in marks.items() if one.timeout}
