"""The recorder of a plant, as its file says."""

from __future__ import annotations

from sereno.historian.cold.keeper import in_own_process
from sereno.historian.historian import Historian
from sereno.hub.hub import Hub
from sereno.model import Clock

from .datafolder import DataFolder
from .node_record import NodeRecord
from .plant.load import Plant


def historian_of(plant: Plant, folder: DataFolder, hub: Hub, clock: Clock, record: NodeRecord) -> Historian | None:
    """Not started; None where nothing is recorded."""
    settings = plant.history
    if not settings.enabled:
        return None
    return Historian(
        folder.history,
        clock,
        hub,
        commit_interval=settings.commit_interval,
        max_bytes=settings.max_bytes or None,
        max_age=settings.days * 86400.0 or None,
        keep=[rule.rule() for rule in settings.keep],
        keep_free=settings.keep_free,
        when_full=settings.when_full,
        removed=record.removed,
        compactor=in_own_process,
    )
