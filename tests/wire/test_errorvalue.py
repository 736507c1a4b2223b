from __future__ import annotations

import pytest

from sereno import model
from sereno.model import DeniedError, Fault, OperationError, RefusedError, SerenoError
from sereno.wire.errorvalue import ErrorFields, error_fields, error_of
from sereno.wire.messages import read_error
from sereno.wire.packed import pack_value

ERRORS = [getattr(model, name) for name in model.__all__ if name.endswith("Error") and name != "ConfigurationError"]


def sent(error: Exception) -> Exception:
    return error_of(read_error(pack_value(error_fields(error))))


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_of_the_model_comes_back(kind: type[Exception]) -> None:
    found = sent(kind("so it is"))
    assert type(found) is kind
    assert str(found) == "so it is"


def test_a_value_error_comes_back() -> None:
    assert isinstance(sent(ValueError("no number")), ValueError)


def test_fields_travel() -> None:
    error = RefusedError("too hot")
    error.reason, error.origin, error.severity = "limits", "lab/ps/1", "error"  # type: ignore[attr-defined]
    found = sent(error)
    assert (found.reason, found.origin, found.severity) == ("limits", "lab/ps/1", "error")  # type: ignore[attr-defined]


def test_what_is_below_a_class_of_the_model_comes_back_as_that() -> None:
    class OwnError(DeniedError):
        def __init__(self, wait: float) -> None:
            super().__init__(f"wait {wait:g} s")
            self.wait = wait
            self.secret = object()

    found = sent(OwnError(3.0))
    assert type(found) is DeniedError
    assert (str(found), found.wait) == ("wait 3 s", 3.0)  # type: ignore[attr-defined]
    assert not hasattr(found, "secret")


def test_faults_of_a_configuration_come_as_words() -> None:
    found = sent(model.ConfigurationError([Fault("a.toml:3", "no device")]))
    assert isinstance(found, OperationError)
    assert "a.toml:3: no device" in str(found)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "TagSpec", "nothing", "__doc__", "seal"])
def test_no_name_makes_anything_but_an_error_of_the_model(kind: str) -> None:
    found = error_of(ErrorFields(kind, "x", {"args": 1, "with_traceback": 2, "not a name": 3}))
    assert isinstance(found, SerenoError)
    assert callable(found.with_traceback)
