"""Defects to plant, each of a kind that sites have had: the rig must find every one of them."""

from __future__ import annotations

from dataclasses import dataclass

from .plant import Defect

ASLEEP = ("plant.toml", 'silent = "6s"', 'silent = "600s"')


@dataclass(frozen=True, slots=True)
class Planted:
    """`breaks`: the promise that it breaks, in the round `shows`. `changes`: to the files of the plant."""

    breaks: str
    shows: str
    changes: Defect


def _without(guard: str) -> tuple[str, str, str]:
    head = f'name = "{guard}"\nwhen = "'
    return "safety.toml", head, head + "false and "


DEFECTS = {
    "observer-forgets": Planted(
        "sequence_ends", "kill observer", (("acting_agents.py", "FORGETS = False", "FORGETS = True"),)
    ),
    "agents-alone-watch-the-rain": Planted(
        "open_in_danger",
        "hang environment in rain",
        (
            _without("close_on_rain"),
            ASLEEP,
            ("plant.toml", 'FastEnvironment"\nstale_after = "2.0s"', 'FastEnvironment"\nstale_after = "600s"'),
        ),
    ),
    "nobody-misses-the-majordome": Planted("open_unwatched", "stop majordome", (_without("close_without_majordome"),)),
    "no-beat": Planted("open_unwatched", "lose the PLC", (("plc.toml", "beat = 3.0", "beat = 300.0"),)),
    "supervisor-asleep": Planted("not_resumed", "hang majordome", (ASLEEP,)),
}
"""By name."""
