"""What became of a command: nothing to say, or the error that its final ack stands for."""

from __future__ import annotations

from sereno.model import (
    Ack,
    AckState,
    DeniedError,
    ExpiredError,
    NoAnswerError,
    OperationError,
    RefusedError,
    SerenoError,
)
from sereno.wire.errorvalue import ErrorFields, error_of


def outcome_error(ack: Ack) -> SerenoError | None:
    """None for done, else what to raise; `ack` is an attribute of it.

    Refused and cancelled: RefusedError or DeniedError. Failed: the device's own error where the ack carries it. Timed
    out: ExpiredError, never sent. Unknown: NoAnswerError.
    """
    if ack.state is AckState.DONE:
        return None
    error = _error(ack)
    error.ack = ack  # type: ignore[attr-defined]
    return error


BEING_DONE = "being_done"
"""The field of the error of a refused command that says: another one that does the same is under way."""


def being_done(ack: Ack) -> bool:
    """True if a command was refused because another one that does the same is under way."""
    return ack.state is AckState.REFUSED and bool((ack.details or {}).get("fields", {}).get(BEING_DONE))


def done(ack: Ack) -> Ack:
    """The ack of a command that was done. Raises `outcome_error` of any other."""
    error = outcome_error(ack)
    if error is not None:
        raise error
    return ack


def _error(ack: Ack) -> SerenoError:
    words = ack.reason or str(ack.state)
    if ack.state is AckState.TIMED_OUT:
        return ExpiredError(words)
    if ack.state is AckState.UNKNOWN:
        return NoAnswerError(words)
    if ack.state is AckState.FAILED:
        found = error_of(ErrorFields(**ack.details)) if ack.details else OperationError(words)
        return found if isinstance(found, SerenoError) else OperationError(words)
    return DeniedError(words) if words.startswith("denied") else RefusedError(words)


class UnclearError(ValueError):
    """The node says that what it was asked has no meaning: the text is for whoever asked."""
