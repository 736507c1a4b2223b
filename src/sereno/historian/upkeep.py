"""The historian's upkeep beside the recording: compaction, and deletion beyond the declared limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec
import structlog

from sereno.model import Clock, OperationError

from .ageing import aged
from .bulk.absorbing import Absorption
from .bulk.merging import FIRST, Merging
from .cold.pruning import Pruning
from .cold.worker import Taken
from .holdings import Holdings
from .retention import AGED, Limits
from .room import Room, WhenFull

_PERIOD = 60.0
_HOUR = 3600 * 10**9
_log = structlog.get_logger(__name__)


class Upkeep:
    """A task that looks after what is sealed, when it is woken and about once a minute; first it calls `prepare`.

    `paths` are the ids of all tags.
    """

    def __init__(
        self,
        holdings: Holdings,
        clock: Clock,
        limits: Limits,
        room: Room,
        *,
        prepare: Callable[[], None],
        paths: Callable[[], Mapping[str, int]],
        compact: bool,
    ) -> None:
        self.compactions = 0
        self.last_error = ""
        self._holdings = holdings
        self._clock = clock
        self._limits = limits
        self._room = room
        self._prepare = prepare
        self._paths = paths
        self._dropped_at: int | None = None
        self._compact = compact
        self._woken = asyncio.Event()
        self._busy = asyncio.Lock()
        self._merging: Merging | None = None
        self._making_room = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._run(), name="historian upkeep")]
        if self._compact:
            self._tasks.append(asyncio.create_task(self._tick(), name="historian upkeep clock"))

    async def stop(self) -> None:
        """End; a compaction under way is given up."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def wake(self) -> None:
        """Something was sealed."""
        self._woken.set()

    async def compact(self) -> None:
        """Compact everything that is sealed. Raises OperationError, OSError."""
        async with self._busy:
            while sealed := self._holdings.compactable():
                await self._holdings.compact(sealed)
                self.compactions += 1

    async def delete(self, what: Pruning) -> int:
        """Delete within what is cold, by command; how many samples went. Raises OperationError, OSError."""
        async with self._busy:
            return await self._holdings.prune(what)

    async def absorb(self, what: Absorption, size: int, progress: Callable[[float], None]) -> Taken:
        """Take an import of `size` bytes into the cold files. Raises OperationError, OSError."""
        async with self._busy:
            if self._making_room:
                raise OperationError(FIRST)
            self._room.check(size)
            mindful = msgspec.structs.replace(what, keep_free=self._room.keep_free)
            self._merging = Merging(self._holdings.absorb, mindful, progress)
            try:
                return await self._merging.result()
            finally:
                self._merging = None

    async def make_room(self) -> bool:
        """Make room, because the disk is full; False if none could be made. Raises OSError.

        An import that is being merged gives way first, and those that wait for it, whatever is to be done when the
        disk is full: that takes nothing from anybody. The oldest history is deleted only where that was declared,
        and if what the import had written was not enough.
        """
        if self._merging is None and self._room.when_full is not WhenFull.DROP_OLDEST:
            return False
        self._making_room += 1
        try:
            gave_way = self._merging is not None and self._merging.give_way()
            async with self._busy:
                if gave_way and self._has_room():
                    return True
                if self._room.when_full is not WhenFull.DROP_OLDEST:
                    return False
                made = await self._holdings.drop_oldest()
        finally:
            self._making_room -= 1
        self._dropped_at = self._clock.wall_ns() if made else self._dropped_at
        return made

    def _has_room(self) -> bool:
        try:
            self._room.check()
        except OSError:
            return False
        return True

    @property
    def warning(self) -> str:
        """What was done about a full disk within the last hour, in words."""
        recent = self._dropped_at is not None and self._clock.wall_ns() - self._dropped_at < _HOUR
        return "the disk is full: the oldest history is being deleted" if recent else ""

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._look()
                self.last_error = ""
            except (OSError, OperationError) as error:
                self.last_error = str(error)
                _log.error("task failed", task="historian upkeep", error=str(error))
                if isinstance(error, OSError) and self._room.drops(error) and await self.make_room():
                    self._woken.set()
            except Exception as error:  # noqa: BLE001 - the boundary of the upkeep task: it must go on
                self.last_error = str(error)
                _log.exception("task failed", task="historian upkeep")

    async def _look(self) -> None:
        self._prepare()
        now = self._clock.wall_ns()
        async with self._busy:
            while self._compact and (due := self._holdings.due(now)):
                self._room.check(sum(ref.outline.end for ref in due))
                await self._holdings.compact(due)
                self.compactions += 1
            await self._holdings.retain(now, self._limits)
            while self._compact and (old := self._old(now)) is not None:
                await self._holdings.prune(old, AGED)

    def _old(self, now: int) -> Pruning | None:
        rules = self._limits.rules
        return aged(rules, self._holdings.cold.view.manifest, self._paths(), now) if rules else None

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_PERIOD)
            self._woken.set()
