"""Units of the trade, against pint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sereno.app.plant.units import COMMON, NAMES, pint_fault, unit_fault


@pytest.mark.parametrize("unit", sorted(COMMON - NAMES))
def test_common_unit_is_one_for_pint_too(unit: str) -> None:
    assert pint_fault(unit) == ""


@pytest.mark.parametrize("unit", ["furlongz", "kg kg)", "import os", "1/0"])
def test_nonsense_is_refused(unit: str) -> None:
    assert "unknown unit" in unit_fault(unit)


def test_common_units_do_not_import_pint() -> None:
    code = "import sys; from sereno.app.plant.units import unit_fault as f; f('m3/h'); assert 'pint' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
