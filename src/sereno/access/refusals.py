"""Refusals on record: the first of its kind at once, those that follow as a count, so that no flood fills the audit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import structlog

from sereno.model import Clock
from sereno.store.audit import AuditLog
from sereno.store.errors import StoreError

MAX_KINDS = 1000
PERIOD = 60.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Kind:
    told: float
    since: int = 0


class Refusals:
    """Records of who was refused what. Memory is bounded: the kinds that occurred longest ago are forgotten first."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, ...], _Kind] = OrderedDict()

    async def tell(self, actor: str, action: str, target: str, origin: str, why: str, *, kind: str = "") -> None:
        """Put a refusal on record, once a minute for the same actor, action, origin and `kind` (else target).

        Never raises: who is refused is refused whether it can be recorded or not.
        """
        repeated = self._repeated((actor, action, kind or target, origin))
        if repeated is None:
            return
        outcome = f"refused: {why}" + (f" ({repeated} more of the kind since the last record)" if repeated else "")
        try:
            await self._audit.record(actor, action, target, origin, outcome)
        except StoreError as error:
            _log.error("a refusal is not on record", actor=actor, action=action, target=target, error=str(error))

    def _repeated(self, key: tuple[str, ...]) -> int | None:
        """How many were not told since the last time; None if it is too soon to tell again."""
        now = self._clock.monotonic()
        known = self._kinds.pop(key, None)
        if known is not None and now - known.told < PERIOD:
            known.since += 1
            self._kinds[key] = known
            return None
        self._kinds[key] = _Kind(now)
        if len(self._kinds) > MAX_KINDS:
            self._kinds.popitem(last=False)
        return 0 if known is None else known.since
