"""Defects to plant in the site, each of a kind that sites have had: the promises must find every one of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .site import Changes

_GUARD = '[[guard]]\nname = "{}"\nwhen = "'
_INTERLOCK = 'interlock = "not observatory/environment/make_safe and observatory/environment/may_open"'
_ENVIRONMENT = 'class = "sereno_observatory.environment:Environment"'
_CALLS = 'calls = ["site/telescope", "observatory/observer", "observatory/sequences"]'


@dataclass(frozen=True, slots=True)
class Defect:
    """`breaks`: the promise that it breaks, in happenings of this kind. `changes`: to the files of the site.

    `unheard`: the observer may not tell the book.
    """

    breaks: str
    kind: str = ""
    changes: Changes = field(default_factory=dict)
    unheard: bool = False


def _without_guard(name: str) -> Changes:
    return {"safety.toml": ((_GUARD.format(name), _GUARD.format(name) + "false and "),)}


DEFECTS = {
    "book-not-told": Defect("observing_stops", "camera", unheard=True),
    "observer-not-called": Defect(
        "observing_stops",
        "camera",
        {"plant.toml": ((_CALLS, 'calls = ["site/telescope", "observatory/sequences"]'),)},
    ),
    "rain-guard-left-out": Defect("guard_silent", "rain", _without_guard("close_on_rain")),
    "wind-guard-left-out": Defect("guard_silent", "wind", _without_guard("close_on_wind")),
    "hold-of-0-s": Defect(
        "opened_too_early",
        "clouds",
        {
            "plant.toml": (
                ('stale_after = "30s"', 'stale_after = "30s"\nhold = 0.0'),
                (_ENVIRONMENT, f"{_ENVIRONMENT}\nreopen_after = 0.0"),
            ),
        },
    ),
    "interlock-left-out": Defect("opened_too_early", "rain again", {"plc.toml": ((_INTERLOCK, ""),)}),
    "guards-that-do-not-repeat": Defect(
        "open_in_danger", "deaf", {"safety.toml": (("retry = true", "retry = false"),)}
    ),
    "no-beat": Defect("open_in_danger", "lost", {"plc.toml": (("beat = 10.0", "beat = 3000.0"),)}),
    "alarm-left-out": Defect("nobody_told", "jam", {"safety.toml": (('on_delay = "30s"', 'on_delay = "3000s"'),)}),
    "dome-never-opens": Defect(
        "not_reopened", "intrusion", {"plant.toml": ((_ENVIRONMENT, f"{_ENVIRONMENT}\nreopen_after = 6e6"),)}
    ),
}
"""By name. The site still loads with each of them: what is wrong shows in the night alone."""
