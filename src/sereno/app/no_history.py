"""The history of a node that records nothing."""

from __future__ import annotations

from sereno.access.actor import Actor
from sereno.client import HistoryRequest, Series
from sereno.model import OperationError


class NoHistory:
    """A HistoryPort without history."""

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        """Raises OperationError."""
        del actor
        raise OperationError(
            f"history of {', '.join(request.tags)}: this node records nothing ([history] enabled = false)"
        )
