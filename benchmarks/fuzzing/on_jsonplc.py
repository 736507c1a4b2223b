"""JSON over TCP of a PLC: questions, answers and a stream cut anywhere."""

from __future__ import annotations

from sereno.drivers.jsonplc.protocol import Splitter, answer, commands_in, parse_answer, question

from .targets import target

_STATUS = answer({
    "name": "STATUS",
    "device": [{"name": "WXT520", "valid": "yes", "values": [{"name": "RainRate", "value": 0.0, "unit": "mm/h"}]}],
})  # fmt: skip


@target("jsonplc-answer", raises=(ValueError,), seeds=[_STATUS, b'[{"name": "ACK", "id": 1, "result": "ok"}]'])
def answered(data: bytes) -> None:
    """An answer: readings and acks, or what is wrong with it."""
    parse_answer(data)


@target("jsonplc-question", raises=(ValueError,), seeds=[question({"name": "STATUS"})])
def asked(data: bytes) -> None:
    """A question: commands with names, or what is wrong with it."""
    assert all(command["name"] for command in commands_in(data))


@target("jsonplc-stream", raises=(ValueError,), seeds=[_STATUS + question({"name": "STATUS"}), b'["\\"]"] {}'])
def stream(data: bytes) -> None:
    """A stream: byte by byte it is cut as in one piece."""
    whole = Splitter().feed(data)
    splitter = Splitter()
    pieces = [message for at in range(len(data)) for message in splitter.feed(data[at : at + 1])]
    assert pieces == whole
