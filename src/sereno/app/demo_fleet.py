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
        "fleet/gateways/marbles: 20 in each lane, however they roll; no total at all while a gateway is missing",
        "now and then a gateway dies for ten seconds: fleet/gateways/missing rings, and the totals say who it is",
        "fleet/gateways/marbles_by_gateway: what each of them said",
    )


FLEET = FleetDemo()
