"""The record of a server that keeps no database: what would be audited is logged."""

from __future__ import annotations

from typing import Any

import structlog

log = structlog.get_logger(__name__)


class LoggedRecord:
    """Takes audit records and writes them to the log."""

    async def record(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done", **more: Any
    ) -> None:
        """As AuditLog.record."""
        log.info(action, actor=actor, target=target, origin=origin, outcome=outcome, **more)
