"""Units of the trade, against pint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sereno.app.demo import TEMPLATE
from sereno.app.plant.units import COMMON, NAMES, pint_fault, unit_fault


@pytest.mark.parametrize("unit", sorted(COMMON - NAMES))
def test_common_unit_is_one_for_pint_too(unit: str) -> None:
    assert pint_fault(unit) == ""


@pytest.mark.parametrize("unit", ["furlongz", "kg kg)", "import os", "1/0"])
def test_nonsense_is_refused(unit: str) -> None:
    assert "unknown unit" in unit_fault(unit)


def test_plants_that_come_with_sereno_load_without_pint() -> None:
    code = (
        "import sys; from pathlib import Path; from sereno.app.plant.load import load_plant\n"
        "for file in sys.argv[1:]: load_plant(Path(file))\n"
        "assert 'pint' not in sys.modules"
    )
    plants = TEMPLATE.parent.parent.glob("*/plant.toml")
    subprocess.run([sys.executable, "-c", code, *map(str, plants)], check=True)
