"""Defects to plant in what is stored, sent, written by people and asked by browsers: the fuzzer must find each."""

from __future__ import annotations

import json
import re
import struct
import tomllib
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from xml.etree import ElementTree

from .planting import found_by


@found_by("wire-frame")
def reasons_not_sent(stack: ExitStack) -> None:
    """Why a value is not good stays here."""
    from sereno.wire.frame import encode_frame

    stack.enter_context(patch("fuzzing.on_wire.encode_frame", lambda frame: encode_frame(replace(frame, reasons={}))))


@found_by("wire-command")
def arguments_not_sent(stack: ExitStack) -> None:
    """A command arrives without its arguments."""
    from sereno.wire.command import encode_command

    def without(command: Any) -> bytes:
        return encode_command(replace(command, arguments=()))

    stack.enter_context(patch("fuzzing.on_wire.encode_command", without))


@found_by("wire-ack")
def reason_not_sent(stack: ExitStack) -> None:
    """An ack arrives without its reason."""
    from sereno.wire.command import encode_ack

    stack.enter_context(patch("fuzzing.on_wire.encode_ack", lambda ack: encode_ack(replace(ack, reason=""))))


@found_by("wire-json")
def lists_cut(stack: ExitStack) -> None:
    """Of a list the first element is written."""
    from sereno.wire.jsonvalue import json_bytes

    def cut(value: Any) -> bytes:
        return json_bytes({k: v[:1] if isinstance(v, list) else v for k, v in value.items()} if value else value)

    stack.enter_context(patch("fuzzing.on_wire.json_bytes", cut))


@found_by("web-body")
def depth_unchecked(stack: ExitStack) -> None:
    """A body is as deep as it likes."""
    stack.enter_context(patch("fuzzing.on_web.too_deep", lambda _: False))


@found_by("web-headers")
def any_origin(stack: ExitStack) -> None:
    """Every page is ours."""
    stack.enter_context(patch("fuzzing.on_web.same_origin", lambda *_, **__: True))


@found_by("modbus-frames")
def frame_begun_is_lost(stack: ExitStack) -> None:
    """What is not whole at the end of a piece is forgotten."""
    from sereno.drivers.modbus.protocol import FrameSplitter

    feed = FrameSplitter.feed

    def forgetful(_: Any, data: bytes) -> Any:
        return feed(FrameSplitter(), data)

    stack.enter_context(patch.object(FrameSplitter, "feed", forgetful))


@found_by("modbus-request")
def function_believed(stack: ExitStack) -> None:
    """A request has a first byte."""
    from sereno.drivers.modbus.protocol import decode_request

    def believing(pdu: bytes) -> Any:
        return decode_request(pdu) if pdu[0] else None

    stack.enter_context(patch("fuzzing.on_modbus.decode_request", believing))


@found_by("modbus-address")
def colon_believed(stack: ExitStack) -> None:
    """An address has a colon."""
    stack.enter_context(patch("fuzzing.on_modbus.parse_address", lambda text: int(text.split(":")[1], 0)))


@found_by("text-simulator")
def no_answer(stack: ExitStack) -> None:
    """What is no command is answered with nothing."""
    from sereno.sim.control import Control

    execute = Control.execute

    def silent(self: Any, line: str) -> str:
        return execute(self, line) if line == "help" else ""

    stack.enter_context(patch.object(Control, "execute", silent))


@found_by("text-tags")
def encoding_believed(stack: ExitStack) -> None:
    """A tag list is UTF-8."""
    stack.enter_context(patch("fuzzing.on_text.csv_tags", lambda path, _: path.read_text("utf-8")))


@found_by("text-plant")
def toml_believed(stack: ExitStack) -> None:
    """A plant file is TOML."""
    stack.enter_context(patch("fuzzing.on_text.load_plant", lambda path: tomllib.loads(path.read_text("utf-8"))))


@found_by("text-glob")
def glob_as_expression(stack: ExitStack) -> None:
    """A glob is a regular expression."""
    stack.enter_context(patch("fuzzing.on_text.match_paths", lambda text, _: re.compile(text)))


@found_by("text-drawing")
def xml_believed(stack: ExitStack) -> None:
    """A drawing is XML."""
    stack.enter_context(patch("fuzzing.on_text.sanitise", ElementTree.fromstring))


@found_by("store-archive")
def zip_believed(stack: ExitStack) -> None:
    """An archive is one."""
    stack.enter_context(patch("fuzzing.on_store.ArchiveReader", zipfile.ZipFile))


@found_by("store-anchor")
def anchor_believed(stack: ExitStack) -> None:
    """The anchor is whole."""

    class Anchor:
        def __init__(self, path: Path) -> None:
            self.path = path

        def look(self, _: Any) -> Any:
            return json.loads(self.path.read_bytes())

    stack.enter_context(patch("fuzzing.on_store.AnchorFile", Anchor))


@found_by("history-rows")
def head_believed(stack: ExitStack) -> None:
    """A block has a head."""
    from sereno.historian.block import decode_rows

    def believing(payload: memoryview) -> Any:
        struct.unpack_from("<IHHq", payload)
        return decode_rows(payload)

    stack.enter_context(patch("fuzzing.on_history.decode_rows", believing))


@found_by("history-object")
def kind_believed(stack: ExitStack) -> None:
    """An object has a kind."""
    from sereno.historian.objects import decode_object

    stack.enter_context(patch("fuzzing.on_history.decode_object", lambda data: data[0] and decode_object(data)))


@found_by("history-definition")
def keys_believed(stack: ExitStack) -> None:
    """A line of definitions has its keys."""
    stack.enter_context(patch("fuzzing.on_history.decode_definition", lambda line: json.loads(line)["path"]))


@found_by("history-damage")
def segment_believed(stack: ExitStack) -> None:
    """A segment has a head."""
    from sereno.historian.recovery import scan_segment

    def believing(disk: Any, path: Path, faults: Any) -> Any:
        struct.unpack_from("<QQ", disk.read(path))
        return scan_segment(disk, path, faults)

    stack.enter_context(patch("fuzzing.on_history.scan_segment", believing))


@found_by("history-index")
def trailer_believed(stack: ExitStack) -> None:
    """An index file has two numbers at its end."""

    def believing(data: bytes, _: Path) -> Any:
        return struct.unpack_from("<QQ", data[struct.calcsize("<8sHHIQQqqqqqQQQQQ") + 4 :])

    stack.enter_context(patch("fuzzing.on_history.decode_index", believing))


@found_by("modbus-url")
def host_left_out(stack: ExitStack) -> None:
    """A url is its port."""
    stack.enter_context(patch("fuzzing.on_modbus.parse_url", lambda text: urlsplit(text).port))


@found_by("modbus-server")
def request_sent_back(stack: ExitStack) -> None:
    """Every request is answered by itself."""
    from sereno.drivers.modbus.protocol import encode_frame
    from sereno.sim.modbus_server import ModbusServer

    stack.enter_context(patch.object(ModbusServer, "reply", lambda _, frame: encode_frame(*frame)))


@found_by("text-duration")
def unit_believed(stack: ExitStack) -> None:
    """A duration is a number and a unit."""

    def believing(text: str) -> float:
        found: Any = re.match(r"([0-9.]+)([a-z]*)\Z", text)
        return float(found[1])

    stack.enter_context(patch("fuzzing.on_text.parse_duration", believing))


@found_by("text-expression")
def python_believed(stack: ExitStack) -> None:
    """An expression is one of Python."""
    stack.enter_context(patch("fuzzing.on_text.compile_expression", lambda text, *_, **__: compile(text, "", "eval")))


@found_by("text-unit")
def slash_believed(stack: ExitStack) -> None:
    """A unit is something by something."""
    stack.enter_context(patch("fuzzing.on_text.unit_fault", lambda text: text.split("/")[1]))


@found_by("web-message")
def any_json_is_a_message(stack: ExitStack) -> None:
    """A message is what the parser makes of it."""
    from sereno.web import live

    stack.enter_context(patch.object(live, "_MESSAGE", SimpleNamespace(decode=json.loads)))


@found_by("history-part")
def offset_believed(stack: ExitStack) -> None:
    """A part of an import says where something is, and is believed."""
    from sereno.historian.bulk import unpacked

    get = unpacked._get

    def believing(data: memoryview, form: str, at: int) -> int:
        if at >= len(data):
            raise IndexError(at)
        return get(data, form, at)

    stack.enter_context(patch.object(unpacked, "_get", believing))
