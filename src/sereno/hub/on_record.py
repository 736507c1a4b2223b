"""What the router keeps of commands, and finds of those of the past, in whatever journal it was given."""

from __future__ import annotations

import structlog

from sereno.model import Ack, AckState, Clock, Command, SerenoError, end_of_cut_off

from .flight import Flight
from .journal import IntentJournal

log = structlog.get_logger(__name__)


class OnRecord:
    """Commands and their acks on record. `unrecorded` counts acks that the journal would not take."""

    def __init__(self, journal: IntentJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.unrecorded = 0

    async def keep(self, flight: Flight, ack: Ack) -> None:
        """Into the journal before anyone hears it; a command that never got so far is kept with its end."""
        if flight.recorded_ahead is ack.state:
            flight.recorded_ahead = None
            return
        try:
            if (not flight.intended and ack.state.final) or (flight.hold is None and ack.state is AckState.ACCEPTED):
                await self._keep_start(flight)
            if flight.intended:
                await self._journal.record(ack)
        except (OSError, SerenoError):
            self.unrecorded += 1
            log.exception("ack not recorded", key=ack.key, state=ack.state, target=flight.command.target)

    async def earlier(self, command: Command) -> list[Ack]:
        """What became of this command in the past; empty if it is new.

        Raises RefusedError if its key belongs to another command, OSError or SerenoError if nobody can tell.
        """
        found = await self.past(command.key)
        if found is None:
            return []
        await self._journal.intend(command, None, None)
        return found[1]

    async def past(self, key: str) -> tuple[Command, list[Ack]] | None:
        """A command of the past and its acks; one that a stop of the node cut off gets its final one now."""
        found = await self._journal.known(key)
        if found is None or (found[1] and found[1][-1].state.final):
            return found
        state, reason = end_of_cut_off(found[1])
        end = Ack(key=key, state=state, t=self._clock.wall_ns(), reason=reason)
        await self._journal.record(end)
        return found[0], [*found[1], end]

    async def _keep_start(self, flight: Flight) -> None:
        if not flight.intended:
            flight.intended = await self._journal.intend(flight.command, flight.tag, flight.old_value) is None
        if flight.intended:
            for ack in flight.acks:
                await self._journal.record(ack)
