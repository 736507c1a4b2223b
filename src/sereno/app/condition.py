"""What a running node says of its own condition: why it is not ready, what somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .gateways import gateway_problems
from .host_clock import clock_fault

if TYPE_CHECKING:
    from sereno.historian.historian import Historian
    from sereno.store.engine import Store

    from .wiring import Parts


def not_ready(parts: Parts) -> list[str]:
    """Why it does not do all of its work; empty while it does."""
    history = parts.historian.problem if parts.historian is not None else ""
    found = {"history": history, "audit": parts.store.recording.problem, "alarms": parts.alarms.problem}
    gone = [f"{task} has ended by a defect ({why}); start the node again" for task, why in parts.ended.items()]
    return [*(f"{name}: {problem}" for name, problem in found.items() if problem), *gone]


def recording_problems(store: Store, historian: Historian | None) -> tuple[str, str, str]:
    """What keeps acts and samples from being put on record or kept, in words; empty where nothing does."""
    history, room = (historian.problem, historian.warning) if historian is not None else ("", "")
    return store.recording.problem, history, room


def warnings(parts: Parts) -> list[str]:
    """What somebody should look at, while it works."""
    faults = [f"audit, at start: {fault}" for fault in parts.store.recording.faults]
    room = parts.historian.warning if parts.historian is not None else ""
    gateways = gateway_problems(parts.gateways)
    untold = parts.telling.problem()
    others = filter(None, [clock_fault(), room and f"history: {room}", untold and f"notices: {untold}"])
    return [*faults, *gateways, *parts.devices.clock_faults(), *others]


def history_figures(parts: Parts) -> Mapping[str, float]:
    """Of the recorder; none where nothing is recorded."""
    return parts.historian.statistics() if parts.historian is not None else {}
