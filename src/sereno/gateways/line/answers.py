"""What a line is answered with, by a client of the plant."""

from __future__ import annotations

from sereno.client import Client, Reading
from sereno.model import AckState, NotFoundError, SerenoError, TagSpec, ValueType, severity

from .protocol import Question, error_line, failure_line, parse_line, parse_value, value_line

_STATE = "state"
_ENDS = {
    AckState.REFUSED: "Refused",
    AckState.TIMED_OUT: "TimedOut",
    AckState.UNKNOWN: "Unknown",
    AckState.CANCELLED: "Cancelled",
}


async def answer(client: Client, line: bytes) -> str:
    """The answer to one line, without its end; never raises SerenoError."""
    try:
        question = parse_line(line)
    except ValueError as error:
        return error_line(str(error), "line", "BadQuestion")
    try:
        if question.text is None:
            return await _value(client, question.path)
        return await _set(client, question, question.text)
    except SerenoError as error:
        return failure_line(error, question.path)


async def _value(client: Client, path: str) -> str:
    try:
        reading = await client.get(path)
    except NotFoundError:
        state = await _state(client, path)
        if state is None:
            raise
        return state
    if severity(reading.quality) == "bad":
        return error_line(_why(reading), path, "BadQuality")
    return value_line(reading.value)


def _why(reading: Reading) -> str:
    return f"{reading.tag.path} has no good value: {reading.reason or 'bad'}"


async def _state(client: Client, path: str) -> str | None:
    """The word of a device's operational state, if `path` asks for one."""
    device, _, name = path.rpartition("/")
    if name.lower() != _STATE:
        return None
    return next((str(status.state) for status in await client.devices() if status.path == device), None)


async def _set(client: Client, question: Question, text: str) -> str:
    spec = (await client.get(question.path)).tag
    ack = await client.write(question.path, _typed(spec, text))
    if ack.state is AckState.DONE:
        return value_line(ack.value) if ack.value is not None else str(ack.state)
    return error_line(ack.reason or str(ack.state), question.path, _ENDS.get(ack.state, "Failed"))


def _typed(spec: TagSpec, text: str) -> object:
    """Text stays text where the tag is text or a word is its value; all else is read as JSON."""
    if spec.type is ValueType.STRING and not spec.shape and not text.startswith('"'):
        return text
    return parse_value(text)
