"""Defects to plant in what sensors, readers, fleets, gateways and PLCs say: the fuzzer must find each of them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from .planting import found_by


@found_by("fleet-inventory")
def port_left_out(stack: ExitStack) -> None:
    """An address without a port gets none."""
    from sereno.drivers.http import protocol

    stack.enter_context(patch.object(protocol, "base_of", lambda address, _: f"http://{address}"))


@found_by("fleet-answer")
def vector_believed(stack: ExitStack) -> None:
    """Where a vector was asked for, what came is one."""
    from sereno.drivers.http import aggregate, protocol

    def vector(value: Any, _: int) -> tuple[float, ...]:
        return tuple(protocol.number_of(one) for one in value)

    stack.enter_context(patch.object(aggregate, "vector_of", vector))


@found_by("jsonplc-answer")
def parts_believed(stack: ExitStack) -> None:
    """An answer is a list of objects with names."""
    stack.enter_context(
        patch("fuzzing.on_jsonplc.parse_answer", lambda data: [part["name"] for part in json.loads(data)])
    )


@found_by("jsonplc-question")
def commands_believed(stack: ExitStack) -> None:
    """A question is an object with commands."""
    stack.enter_context(patch("fuzzing.on_jsonplc.commands_in", lambda data: json.loads(data)["command"]))


@found_by("jsonplc-stream")
def string_forgotten(stack: ExitStack) -> None:
    """A text that is not over at the end of a piece is over all the same."""
    from sereno.drivers.jsonplc.protocol import Splitter

    feed = Splitter.feed

    def forgetful(self: Any, data: bytes) -> list[bytes]:
        found = feed(self, data)
        self._in_string = False
        return found

    stack.enter_context(patch.object(Splitter, "feed", forgetful))


@found_by("line-stream")
def rest_forgotten(stack: ExitStack) -> None:
    """A line that is not over at the end of a piece is lost."""
    from sereno.gateways.line.protocol import Lines

    feed = Lines.feed

    def forgetful(self: Any, data: bytes) -> list[bytes]:
        found = feed(self, data)
        self._rest = b""
        return found

    stack.enter_context(patch.object(Lines, "feed", forgetful))


@found_by("line-question")
def errors_in_other_words(stack: ExitStack) -> None:
    """An error is told without the form that clients know."""
    from sereno.gateways.line import protocol

    stack.enter_context(patch.object(protocol, "error_line", lambda desc, *_: f"error: {desc}"))


@found_by("sensor-datagram")
def value_rounded(stack: ExitStack) -> None:
    """A number is sent with two digits."""
    from sereno.drivers.udp.protocol import make_datagram

    def rounded(value: float, *more: Any) -> bytes:
        return make_datagram(float(f"{value:.2g}"), *more)

    stack.enter_context(patch("fuzzing.on_sensor.make_datagram", rounded))


@found_by("sensor-questions")
def one_question_a_piece(stack: ExitStack) -> None:
    """Of what begins with n only that is looked at."""
    from sereno.gateways.latest.protocol import _LATEST, Questions

    feed = Questions.feed

    def hasty(self: Any, data: bytes) -> list[Any]:
        return [_LATEST] if data.startswith(b"n") else feed(self, data)

    stack.enter_context(patch.object(Questions, "feed", hasty))


@found_by("sensor-sample")
def words_believed(stack: ExitStack) -> None:
    """A line has three words."""

    def believing(line: bytes) -> tuple[float, int, bool]:
        words = line.split()
        return float(words[0]), int(words[1]), words[2] == b"good"

    stack.enter_context(patch("fuzzing.on_sensor.parse_sample", believing))


@found_by("sensor-tally")
def counted_twice(stack: ExitStack) -> None:
    """What came late or twice is also received."""
    from sereno.drivers.udp.tally import Tally

    by_number = Tally._by_number

    def all_of_them(self: Any, sequence: int, signed: bool) -> bool:
        by_number(self, sequence, signed)
        return True

    stack.enter_context(patch.object(Tally, "_by_number", all_of_them))


@found_by("gateway-request")
def path_of_the_last_piece(stack: ExitStack) -> None:
    """A path that comes in two pieces is the second one."""
    from sereno.gateways.http.protocol import Requests

    def on_url(self: Any, url: bytes) -> None:
        self._url = url

    stack.enter_context(patch.object(Requests, "on_url", on_url))


@found_by("gateway-body")
def any_json(stack: ExitStack) -> None:
    """A body is what the parser makes of it."""
    stack.enter_context(patch("fuzzing.on_gateway.parse_body", json.loads))
