"""What the instruments are at, in a line each."""

from __future__ import annotations

from typing import Any

from sereno_observatory.instruments import Detector, Instruments, Seen

_RANK = ("OK", "BUSY", "FAULT", "UNKNOWN")
_BUSY = ("slewing", "moving", "exposing", "reading", "waiting", "opening", "closing")

Line = tuple[str, str, str]
"""Name, state (one of OK, BUSY, FAULT, UNKNOWN), words."""


def synthesis(parts: Instruments, seen: Seen) -> list[Line]:
    """A line for each instrument."""
    lines = [_line("telescope", seen.of(parts.telescope, "state"), _pointing(parts, seen))]
    if parts.shutter:
        lines.append(_line("shutter", seen.values.get(parts.shutter)))
    if parts.dome:
        azimuth = seen.of(parts.dome, "azimuth")
        state = None if azimuth is None else "moving" if seen.of(parts.dome, "turning") else "idle"
        lines.append(_line("dome", state, "" if azimuth is None else f"at {round(azimuth) % 360} deg"))
    for detector in parts.detectors:
        lines += _of_detector(detector, seen)
    return lines


def _of_detector(one: Detector, seen: Seen) -> list[Line]:
    lines = [_line(one.name, seen.of(one.camera, "state"), _left(seen.of(one.camera, "exposure_left")))]
    if one.wheel:
        lines.append(_line(f"{one.name}, filter", seen.of(one.wheel, "state"), str(seen.of(one.wheel, "filter") or "")))
    if one.focuser:
        position = seen.of(one.focuser, "position")
        state = None if position is None else "moving" if seen.of(one.focuser, "moving") else "idle"
        lines.append(_line(f"{one.name}, focus", state, "" if position is None else f"at {position}"))
    return lines


def worst(states: list[str]) -> str:
    """The worst of the states."""
    return max(states, key=_RANK.index, default="OK")


def _line(name: str, state: Any, more: str = "") -> Line:
    if state is None:
        return name, "UNKNOWN", "does not answer"
    rank = "FAULT" if state == "error" else "BUSY" if state in _BUSY else "OK"
    return name, rank, f"{state} {more}".rstrip()


def _pointing(parts: Instruments, seen: Seen) -> str:
    at = seen.pointing(parts.telescope)
    return "" if at is None else f"at {at[0]:.4f} h {at[1]:+.3f} deg"


def _left(seconds: Any) -> str:
    return "" if not seconds else f"{seconds:.0f} s left"
