"""What is asked of history besides samples, for the site of a plant."""

from __future__ import annotations

from sereno.client import AnalysisPort, Calendar, NoAnalysis
from sereno.historian.analyst import Analyst
from sereno.historian.historian import Historian
from sereno.store.audit import AuditLog

from .plant.load import Plant


def analysis_of(plant: Plant, historian: Historian | None, audit: AuditLog) -> AnalysisPort:
    """The AnalysisPort of a node, in the calendar of its plant; imports go on record."""
    if historian is None:
        return NoAnalysis()
    return Analyst(historian, Calendar(plant.table.timezone, tuple(plant.table.shifts)), audit.record)
