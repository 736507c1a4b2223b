"""Operational state (the same five for every device) and link state, apart from each other."""

from __future__ import annotations

from enum import StrEnum


class OperationalState(StrEnum):
    """Offline (not started), standby, disabled (connected, commands off), enabled, fault."""

    OFFLINE = "offline"
    STANDBY = "standby"
    DISABLED = "disabled"
    ENABLED = "enabled"
    FAULT = "fault"


class LinkState(StrEnum):
    """State of a wire or socket."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"


_S = OperationalState
TRANSITIONS: dict[OperationalState, frozenset[OperationalState]] = {
    _S.OFFLINE: frozenset((_S.STANDBY, _S.FAULT)),
    _S.STANDBY: frozenset((_S.DISABLED, _S.OFFLINE, _S.FAULT)),
    _S.DISABLED: frozenset((_S.ENABLED, _S.STANDBY, _S.FAULT)),
    _S.ENABLED: frozenset((_S.DISABLED, _S.FAULT)),
    _S.FAULT: frozenset((_S.STANDBY, _S.OFFLINE)),
}


def path_between(start: OperationalState, goal: OperationalState) -> list[OperationalState]:
    """The shortest way from `start` to `goal` through the table, without `start`. FAULT is never a way station."""
    ways: list[list[OperationalState]] = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] is goal:
            return way[1:]
        for state in sorted(TRANSITIONS[way[-1]] - seen):
            if state is goal or state is not _S.FAULT:
                seen.add(state)
                ways.append([*way, state])
    raise ValueError(f"no way from {start} to {goal}")
