from types import SimpleNamespace

import pytest

from sereno.drivers.tango.failures import BrokenError, translated
from sereno.model import DeviceError, NoAnswerError, NotConnectedError


class FailedError(Exception):
    """As tango.DevFailed: its arguments are the stack."""


def failure(*reasons, desc="words\nmore words", severity="ErrSeverity.ERR"):
    return FailedError(*(SimpleNamespace(reason=r, desc=desc, origin="", severity=severity) for r in reasons))


@pytest.mark.parametrize(
    ("reasons", "kind", "words"),
    [
        (("API_CorbaException", "API_DeviceTimedOut"), NoAnswerError, "no answer in time"),
        (("API_CorbaException", "API_ServerNotRunning"), NotConnectedError, "connection refused"),
        (("API_CantConnectToDevice",), NotConnectedError, "words"),
        (("DB_DeviceNotDefined", "API_CommandFailed"), NotConnectedError, "words"),
        (("API_CorbaException", "API_CommunicationFailed"), BrokenError, "the connection broke: words"),
        (("TubeBurst", "API_AttributeFailed"), DeviceError, "TubeBurst: words"),
    ],
)
def test_what_happened_is_told_apart(reasons, kind, words):
    found = translated(failure(*reasons))
    assert (type(found), str(found)) == (kind, words)


def test_severity_comes_along():
    assert translated(failure("Hot", severity="ErrSeverity.PANIC")).severity == "panic"
