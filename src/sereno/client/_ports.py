"""The public API as ports. Hub, historian and devices implement them here; remote implements them over HTTP.

Every call names its actor; the callee decides what that actor may see and do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sereno.access.actor import Actor
from sereno.model import Ack, Command, GroupId, LinkState, OperationalState, RowIndex, SampleBatch, TagSpec

from ._values import I32, DeviceStatus, HistoryRequest, Present, Reading, Series, TraceLine, Update


class Subscription(Protocol):
    """A stream of updates: first a snapshot, then what changed. Close it when done."""

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """The tags that `Update.index` points into, fixed for the subscription's life."""

    def __aiter__(self) -> AsyncIterator[Update]:
        """Updates in order; ends when the subscription or the hub closes."""

    async def close(self) -> None:
        """Stop and free the slot. May be called twice."""

    def statistics(self) -> dict[str, int]:
        """Counters: delivered, dropped (merged), queued, peak."""


class LivePort(Protocol):
    """Live values."""

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        """The tags that any glob names and the actor may read, by path. () means all."""

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:
        """Present values. Raises NotFoundError for a glob that names nothing readable."""

    async def subscribe(
        self, globs: Sequence[str], actor: Actor, *, min_interval: float = 0.0, lossless: bool = False
    ) -> Subscription:
        """Snapshot, then changes, at most one update per `min_interval` seconds.

        Not lossless: a slow reader gets the latest value of everything that changed, and `dropped`.
        Lossless: every update is queued up to a declared bound; beyond it the subscription ends with an error.
        """


class ReadPlan(Protocol):
    """A read made ready once, to be repeated often: rights and names were decided when it was made."""

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """The tags, fixed for the plan's life; positions point into them."""

    @property
    def fresh(self) -> bool:
        """False once tags came or went since it was made: make it again."""

    def present(self) -> Present:
        """What they are now, all of one moment."""

    def row(self) -> tuple[float, int, int, float, int, str]:
        """Of a plan with one row tag alone: value, t_source, exact integer, age, quality, reason."""


class PlannedPort(LivePort, Protocol):
    """Live values of this process: reads without a walk through the hub, news of tags that come or go."""

    def plan(self, globs: Sequence[str], actor: Actor) -> ReadPlan:
        """A read made ready for this actor. Raises NotFoundError for a glob that names nothing readable."""

    def watch_tags(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after tags or commands came or went, until the function that is returned is called."""

    def watch_ready(self, callback: Callable[[str, int], None]) -> Callable[[], None]:
        """Call `callback` with the path of a tag and a number when its device says that new data can be read there."""


class CommandPort(Protocol):
    """Commands."""

    def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        """Acks of the command, the last one final. The actor's name replaces what the envelope says."""

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        """Acks so far of the command with this idempotency key. Raises NotFoundError."""


class HistoryPort(Protocol):
    """History."""

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        """One Series per tag, in the order asked. Raises NotFoundError, DeniedError, ValueError."""


class DevicePort(Protocol):
    """Devices, their links and scan groups."""

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """All devices that the actor may read, by path."""

    def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        """Raw frames of the device's link from now on. Raises NotFoundError, DeniedError."""


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A source of whole batches: a scan group, or whatever pushes. `stale_after` seconds without a batch = stale."""

    name: str
    device: str
    period: float
    stale_after: float
    index: RowIndex
    object_handles: tuple[int, ...] = ()


class IngestPort(Protocol):
    """The way into the hub, for devices and derived tags."""

    def register_tags(self, specs: Sequence[TagSpec]) -> I32:
        """New consecutive handles, in order. Raises ValueError for a path or id that is taken."""

    def register_group(self, spec: GroupSpec) -> GroupId:
        """A new group; its tags are waiting for their first value from now on."""

    def publish(self, batch: SampleBatch) -> None:
        """Scatter a sealed batch into the live table and hand it to every subscriber. Never blocks."""

    def report_link(self, device: str, state: LinkState, error: str) -> None:
        """Why the device's tags may be about to turn stale, in words; shown as their reason."""

    def report_state(self, device: str, state: OperationalState) -> None:
        """The device's operational state changed."""

    def withdraw_tags(self, handles: Sequence[int]) -> None:
        """These tags are no more: told as out of service for the last time, then not found any more."""

    def end_group(self, group: GroupId) -> None:
        """No more batches of the group; its tags may be registered with another."""

    def report_commands(self, device: str) -> None:
        """Commands of the device came or went."""

    def report_ready(self, path: str, count: int) -> None:
        """The device says that new data can be read in this tag; `count` is its own number for it."""

    def report_reasons(self, group: GroupId, reasons: Mapping[int, str]) -> None:
        """Why tags of the group, by handle, are not good, in words; they replace those told before."""


class CommandHandler(Protocol):
    """A device as seen by the command router. Calls to one link are made one at a time by the implementation.

    Where a command had to wait for its turn, BEFORE_IT_BEGINS is called when that has come.
    """

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """Send one value, never after `deadline` (monotonic time of the node's clock).

        Raises ExpiredError (never sent, its time was over), NotConnectedError (never sent), RefusedError (device
        said no), NoAnswerError (sent, no conclusive reply).
        """

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """Execute a named command. Raises as `write`, and NotFoundError."""


@runtime_checkable
class ReadingHandler(Protocol):
    """A CommandHandler some of whose commands only read. Those of any other handler take the right to call."""

    def reads(self, name: str) -> bool:
        """True for a command that changes nothing and asks nothing of the process: the right to read is enough.

        Said by who wrote this node's code or plant file, never by what is at the other end of a wire.
        """


class BatchSink(Protocol):
    """Who wants every batch whole (recorder, alarms, derived tags). Called in the loop; must not block."""

    def accept(self, batch: SampleBatch) -> None:
        """Take an admitted batch; its arrays are shared and read-only."""
