"""The states of an alarm and what leads from one to another: the table of ISA-18.2, as data.

A state is a code, base + 16 * the hides in force. While hidden, an alarm only remembers whether its condition is there
(UNACKNOWLEDGED) or not (NORMAL), and that is where it goes on when the last hide ends.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmState

Codes = NDArray[np.uint8]


class Base(IntEnum):
    """What is shown unless it is hidden."""

    NORMAL = 0
    UNACKNOWLEDGED = 1
    ACKNOWLEDGED = 2
    RETURNED = 3
    LATCHED = 4
    LATCHED_ACKNOWLEDGED = 5


class Hide(IntFlag):
    """Why an alarm is not shown; several at once."""

    SHELVED = 1
    SUPPRESSED = 2
    OUT_OF_SERVICE = 4
    MAINTENANCE = 8


class Event(IntEnum):
    """What happens to an alarm."""

    RAISED = 0
    CLEARED = 1
    ACKNOWLEDGED = 2
    RESET = 3
    SHELVED = 4
    UNSHELVED = 5
    SUPPRESSED = 6
    UNSUPPRESSED = 7
    OUT_OF_SERVICE = 8
    IN_SERVICE = 9
    TAGGED_OUT = 10
    TAGGED_IN = 11


HIDES = {
    Event.SHELVED: Hide.SHELVED,
    Event.SUPPRESSED: Hide.SUPPRESSED,
    Event.OUT_OF_SERVICE: Hide.OUT_OF_SERVICE,
    Event.TAGGED_OUT: Hide.MAINTENANCE,
}
"""Events that hide; the one after each ends the hide."""

_N, _U, _A, _R, _L, _LA = Base
SHOWN: dict[Base, tuple[Base, Base, Base, Base]] = {
    #                          raised cleared acknowledged reset
    Base.NORMAL:               (_U,   _N,     _N,          _N),
    Base.UNACKNOWLEDGED:       (_U,   _R,     _A,          _U),
    Base.ACKNOWLEDGED:         (_A,   _N,     _A,          _A),
    Base.RETURNED:             (_U,   _R,     _N,          _R),
    Base.LATCHED:              (_U,   _L,     _LA,         _L),
    Base.LATCHED_ACKNOWLEDGED: (_U,   _LA,    _LA,         _N),
}  # fmt: skip
"""Next base of an alarm that is not hidden, for the first four events. A latching alarm's `cleared` is in LATCHING."""
LATCHING = {Base.UNACKNOWLEDGED: Base.LATCHED, Base.ACKNOWLEDGED: Base.LATCHED_ACKNOWLEDGED}
"""Where `cleared` leads when the alarm latches: it stays until it is acknowledged and reset."""
_ACTIVE = (Base.UNACKNOWLEDGED, Base.ACKNOWLEDGED)


def successor(code: int, event: Event, *, latching: bool) -> int:
    """The code after an event; the same code where it has no effect."""
    base, hides = Base(code & 15), Hide(code >> 4)
    if event <= Event.RESET:
        if hides:
            base = Base.UNACKNOWLEDGED if event is Event.RAISED else Base.NORMAL if event is Event.CLEARED else base
        elif event is Event.CLEARED and latching:
            base = LATCHING.get(base, SHOWN[base][event])
        else:
            base = SHOWN[base][event]
    elif event in HIDES:
        if not hides:
            base = Base.UNACKNOWLEDGED if base in _ACTIVE else Base.NORMAL
        hides |= HIDES[event]
    else:
        hides &= ~HIDES[Event(event - 1)]
    return base | hides << 4


def is_code(code: int) -> bool:
    """True for codes that an alarm can have."""
    return code & 15 in (Base.NORMAL, Base.UNACKNOWLEDGED) if code >> 4 else code <= max(Base)


def _made() -> Codes:
    table = np.zeros((2, 256, len(Event)), np.uint8)
    for code in filter(is_code, range(256)):
        for event in Event:
            for latching in (False, True):
                table[int(latching), code, event] = successor(code, event, latching=latching)
    return table


NEXT: Codes = _made()
"""`successor` as columns: [latching, code, event]."""


def active(codes: Codes) -> NDArray[np.bool_]:
    """Whose condition is there, hidden or not."""
    base = codes & 15
    there: NDArray[np.bool_] = (base == Base.UNACKNOWLEDGED) | (base == Base.ACKNOWLEDGED)
    return there


def state_of(code: int) -> AlarmState:
    """The one state that people are told; of several hides the strongest."""
    hides = Hide(code >> 4)
    if hides & (Hide.OUT_OF_SERVICE | Hide.MAINTENANCE):
        return AlarmState.OUT_OF_SERVICE
    if hides & Hide.SUPPRESSED:
        return AlarmState.SUPPRESSED
    if hides & Hide.SHELVED:
        return AlarmState.SHELVED
    return tuple(AlarmState)[code]


STATES = tuple(state_of(code) if is_code(code) else AlarmState.NORMAL for code in range(256))
"""`state_of` for every code."""
