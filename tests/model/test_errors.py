from __future__ import annotations

import pytest

import sereno.model
from sereno.model import (
    ConfigurationError,
    DeliveryError,
    DeniedError,
    DeviceError,
    Fault,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    OperationError,
    RefusedError,
    SerenoError,
)


@pytest.mark.parametrize("kind", [RefusedError, DeniedError, NotFoundError, ConfigurationError])
def test_it_arrived_and_failed(kind: type[Exception]) -> None:
    assert issubclass(kind, OperationError)
    assert not issubclass(kind, DeliveryError)


@pytest.mark.parametrize("kind", [NotConnectedError, NoAnswerError])
def test_it_did_not_arrive(kind: type[Exception]) -> None:
    assert issubclass(kind, DeliveryError)
    assert not issubclass(kind, OperationError)


def test_every_error_has_one_root() -> None:
    errors = [getattr(sereno.model, name) for name in sereno.model.__all__ if name.endswith("Error")]
    assert len(errors) == 11
    assert all(issubclass(error, SerenoError) for error in errors)


def test_causes_print_as_a_tree() -> None:
    inner = NotConnectedError("no PLC", {"plc2": ConnectionRefusedError(111, "refused"), "plc3": TimeoutError()})
    error = NotConnectedError("plant not connected", {"north": inner, "south": NoAnswerError("silent")})
    assert str(error).splitlines() == [
        "plant not connected",
        "  north: no PLC",
        "    plc2: [Errno 111] refused",
        "    plc3: TimeoutError",
        "  south: silent",
    ]
    assert str(NotConnectedError("alone")) == "alone"


def test_a_fault_says_where_what_expected_and_fix() -> None:
    assert str(Fault("p.toml:3", "found x")) == "p.toml:3: found x"
    assert str(Fault("p.toml:3", "found x", "y", "Use y.")) == "p.toml:3: found x; expected y. Use y."


def test_a_configuration_error_carries_every_fault() -> None:
    faults = [Fault("p.toml:3", "a"), Fault("p.toml:9", "b")]
    error = ConfigurationError(faults)
    assert error.faults == faults
    assert str(error) == "p.toml:3: a\np.toml:9: b"


def test_a_device_error_has_four_parts() -> None:
    error = DeviceError("over_current", "12 A", severity="panic")
    assert str(error) == "over_current: 12 A (panic)"
    assert str(error.of("lab/ps/reset")) == "over_current: 12 A (lab/ps/reset, panic)"
    assert error.of("lab/ps/reset").of("elsewhere").origin == "lab/ps/reset"
    assert str(DeviceError("worn_out")) == "worn_out"
