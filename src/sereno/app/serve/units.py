"""Units of served classes: text that must be a unit, as in a plant file."""

from __future__ import annotations

from collections.abc import Iterable

from sereno.app.plant.units import unit_fault
from sereno.device import Device, plan_of
from sereno.model import ConfigurationError, Fault

from .wanted import Wanted


def check_units(devices: Iterable[Wanted]) -> None:
    """Raises ConfigurationError for every tag whose unit is none."""
    faults = [fault for cls in dict.fromkeys(one.cls for one in devices) for fault in unit_faults(cls)]
    if faults:
        raise ConfigurationError(faults)


def unit_faults(cls: type[Device]) -> list[Fault]:
    """Tags of a class, and of its children, whose unit is none. Raises ConfigurationError as plan_of."""
    plan = plan_of(cls)
    found = [
        Fault(str(tag.place or cls.__name__), f"{cls.__name__}: {tag.name}: {words}")
        for tag in plan.tags.values()
        if (words := unit_fault(tag.spec.unit))
    ]
    return found + [fault for kind, _, _ in plan.children.values() for fault in unit_faults(kind)]
