"""The demo of a fleet: simulated gateways, and a node that asks all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class FleetDemo(NamedTuple):
    """Twelve gateways, one of which dies now and then."""

    plant: Path = Path(__file__).parent / "templates" / "fleet" / "plant.toml"
    simulators: tuple[tuple[str, ...], ...] = (
        ("sim", "gateways", "--port", "8080", "--dies-every", "30"),
        ("sim", "gateways", "--port", "0", "--dies-every", "30"),
    )
    look_at: tuple[str, ...] = (
        "the page Jobs: who said what, 20 marbles in each lane however they roll, and that every gateway was told so",
        "now and then a gateway dies for ten seconds: the totals say who, and nothing is written until it is back",
        "the alarms fleet/gateways/missing and heat: switch on the sound on the page Alarms to hear them",
        "sereno job run watch   and   sereno job show watch",
    )


FLEET = FleetDemo()
