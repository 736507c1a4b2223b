"""A node somewhere else: the ports over HTTP /api/v1 and its WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from sereno.access.actor import Actor
from sereno.model import (
    Ack,
    AckState,
    Clock,
    Command,
    DeliveryError,
    DeniedError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    RefusedError,
    TagSpec,
)
from sereno.wire.command import encode_command

from ._agents import LogLine, parse_log_line
from ._client import Client
from ._guards import GuardStatus, parse_guard
from ._http import Http, ProblemError
from ._parse import parse_ack, parse_device, parse_line, parse_reading, parse_series, parse_spec
from ._remote_alarms import RemoteAlarms
from ._remote_analysis import RemoteAnalysis, history_query, until
from ._remote_configuration import RemoteConfiguration
from ._remote_jobs import RemoteJobs
from ._remote_live import RemoteSubscription
from ._remote_logbook import RemoteLogbook
from ._remote_notices import RemoteNotices
from ._remote_overrides import RemoteOverrides
from ._remote_reports import RemoteReports
from ._remote_waiting import RemoteWaiting
from ._values import DeviceStatus, HistoryRequest, Reading, Series, TraceLine

API = "/api/v1"
_TAGS_AT_ONCE = 50
_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5
_PATIENCE = 10.0


class RemoteNode:
    """Implements LivePort, CommandPort, HistoryPort and DevicePort. Who asks is decided by the token, at the node."""

    def __init__(self, url: str, token: str, clock: Clock, *, timeout: float = 10.0, pinned: str = "") -> None:
        self.http = Http(url, token, timeout, pinned)
        self.clock = clock
        self._specs: dict[str, TagSpec] = {}

    # ---- live values

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:  # noqa: ARG002 - the token says who
        """See LivePort."""
        body = await self.http.get(f"{API}/tags", [("glob", g) for g in globs])
        specs = [parse_spec(one) for one in body["tags"]]
        self._specs.update((spec.path, spec) for spec in specs)
        return specs

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:
        """See LivePort."""
        values = (await self.http.get(f"{API}/values", [("tag", g) for g in globs]))["values"]
        if any(v["tag"] not in self._specs or self._specs[v["tag"]].unit != v["unit"] for v in values):
            await self.tags(globs, actor)
        return [parse_reading(v, self._specs[v["tag"]]) for v in values if v["tag"] in self._specs]

    async def subscribe(
        self,
        globs: Sequence[str],
        actor: Actor,  # noqa: ARG002
        *,
        min_interval: float = 0.0,
        lossless: bool = False,
    ) -> RemoteSubscription:
        """See LivePort; the values turn bad while the connection is lost. Raises RefusedError for lossless ones."""
        if lossless:
            raise RefusedError("a remote subscription cannot be lossless; ask for history, or run at the node")
        subscription = RemoteSubscription(self.http, self.clock, tuple(globs), min_interval)
        await subscription.open()
        return subscription

    # ---- commands

    async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        """See CommandPort. Raises NotConnectedError if it was never sent, DeniedError for a wrong token."""
        refused = await self._post(command)
        if refused is not None:
            yield refused
            return
        told, pause, silent_since = 0, _FIRST_POLL, self.clock.monotonic()
        while True:
            try:
                acks = await self.acks(command.key, actor)
            except (DeliveryError, NotFoundError) as error:
                if isinstance(error, NotFoundError) or self.clock.monotonic() - silent_since > _PATIENCE:
                    yield self._unknown(command, error)
                    return
                acks = []
            else:
                silent_since = self.clock.monotonic()
            for ack in acks[told:]:
                yield ack
                if ack.state.final:
                    return
            told = max(told, len(acks))
            await self.clock.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)

    async def acks(self, key: str, actor: Actor) -> list[Ack]:  # noqa: ARG002
        """See CommandPort."""
        body = await self.http.get(f"{API}/commands/{quote(key, safe='')}")
        return [parse_ack(key, one) for one in body["acks"]]

    async def _post(self, command: Command) -> Ack | None:
        """Hand the command over; the final ack if the node refused it. Sent again once: the same key is the same."""
        body = encode_command(command)
        try:
            try:
                await self.http.send("POST", f"{API}/commands", body=body)
            except NoAnswerError:
                await self.http.send("POST", f"{API}/commands", body=body)
        except (NotFoundError, ProblemError, ValueError) as error:
            return self._refused(command, str(error))
        except DeniedError as error:
            if str(error).startswith("denied"):
                return self._refused(command, str(error))
            raise
        except NoAnswerError as error:
            return self._unknown(command, error)
        return None

    def _refused(self, command: Command, reason: str) -> Ack:
        return Ack(key=command.key, state=AckState.REFUSED, t=self.clock.wall_ns(), reason=reason)

    def _unknown(self, command: Command, error: Exception) -> Ack:
        return Ack(key=command.key, state=AckState.UNKNOWN, t=self.clock.wall_ns(), reason=str(error))

    # ---- history

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        """See HistoryPort."""
        unknown = [tag for tag in request.tags if tag not in self._specs]
        if unknown:
            await self.tags(unknown, actor)
        series: list[Series] = []
        for first in range(0, len(request.tags), _TAGS_AT_ONCE):
            asked = request.tags[first : first + _TAGS_AT_ONCE]
            body = await self.http.get(f"{API}/history", history_query(asked, request))
            series += [parse_series(one, self._specs.get(one["tag"])) for one in body["series"]]
        return series if request.points else [until(one, request.end) for one in series]

    # ---- devices

    async def devices(self, actor: Actor) -> list[DeviceStatus]:  # noqa: ARG002
        """See DevicePort."""
        return [parse_device(one) for one in (await self.http.get(f"{API}/devices"))["devices"]]

    async def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:  # noqa: ARG002
        """See DevicePort. Ends with NotConnectedError when the connection is lost."""
        async with self.http.events(f"{API}/devices/{quote(device)}/trace") as events:
            async for name, data in events:
                if name == "problem":
                    raise RefusedError(str(msgspec.json.decode(data)["detail"]))
                if name == "message":
                    yield parse_line(msgspec.json.decode(data))
        raise NotConnectedError(f"the trace of {device} ended")

    async def guards(self, actor: Actor) -> list[GuardStatus]:  # noqa: ARG002
        """See GuardPort."""
        return [parse_guard(one) for one in (await self.http.get(f"{API}/guards"))["guards"]]

    async def log(self, agent: str, actor: Actor, *, after: int = 0, limit: int = 200) -> list[LogLine]:  # noqa: ARG002
        """See AgentPort."""
        asked = [("after", str(after)), ("limit", str(limit))]
        body = await self.http.get(f"{API}/agents/{quote(agent)}/log", asked)
        return [parse_log_line(one) for one in body["lines"]]

    async def close(self) -> None:
        """Close all connections."""
        await self.http.close()


class RemoteClient(Client):
    """A Client of a RemoteNode, for the actor of its token."""

    def __init__(self, node: RemoteNode, actor: Actor) -> None:
        overrides = RemoteOverrides(node.http)
        waiting = RemoteWaiting(node.http)
        super().__init__(
            node, node, node, node, actor, clock=node.clock, overrides=overrides, guards=node, waiting=waiting
        )
        self.alarm = RemoteAlarms(node.http, node.clock)
        self.analysis = RemoteAnalysis(node.http)
        self.notices = RemoteNotices(node.http)
        self.logbook = RemoteLogbook(node.http)
        self.reports = RemoteReports(node.http)
        self.configuration = RemoteConfiguration(node.http)
        self.agent_port = node
        self.job = RemoteJobs(node.http)
        self.node = node

    def as_actor(self, actor: Actor) -> Client:
        """Raises RefusedError: the token says who asks."""
        raise RefusedError(f"a remote client is who its token says ({self.actor.name}), it cannot be {actor.name}")

    async def may_begin(self, key: str) -> None:
        """Returns if the command with this key, which its node gave to an agent's own process, may begin there.

        Raises RefusedError if not. Asked over the native protocol only.
        """
        raise RefusedError(f"whether {key} may begin is asked over the native protocol")

    async def complaints(self) -> tuple[list[str], list[str]]:
        """What the node says of itself: why it does not do its work, and what else somebody should look at."""
        body = await self.node.http.get("/readyz", also=503)
        return [str(one) for one in body["reasons"]], [str(one) for one in body.get("warnings", ())]

    async def system(self) -> dict[str, Any]:
        """How the node itself is: versions, load, queues, subscribers, devices; as GET /api/v1/system."""
        found: dict[str, Any] = await self.node.http.get(f"{API}/system")
        return found

    async def close(self) -> None:
        """Close all connections."""
        await super().close()
        await self.node.close()
