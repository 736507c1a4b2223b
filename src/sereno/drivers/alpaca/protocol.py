"""Alpaca's bytes: forms, answers with error numbers, arrays of images; see docs/drivers/alpaca.md."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from sereno.model import DeviceError, NoAnswerError

API = "/api/v1"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
IMAGE_BYTES = "application/imagebytes"

DISCOVERY_PORT = 32227
DISCOVERY = b"alpacadiscovery1"

NOT_IMPLEMENTED, INVALID_VALUE, VALUE_NOT_SET, NOT_CONNECTED = 0x400, 0x401, 0x402, 0x407
PARKED, SLAVED, INVALID_OPERATION, NO_SUCH_ACTION, CANCELLED = 0x408, 0x409, 0x40B, 0x40C, 0x40E
UNSPECIFIED = 0x500
REASONS: Mapping[int, str] = {
    NOT_IMPLEMENTED: "not_implemented",
    INVALID_VALUE: "invalid_value",
    VALUE_NOT_SET: "value_not_set",
    NOT_CONNECTED: "not_connected",
    PARKED: "parked",
    SLAVED: "slaved",
    INVALID_OPERATION: "invalid_operation",
    NO_SUCH_ACTION: "no_such_action",
    CANCELLED: "cancelled",
}
"""What error numbers mean; others are the device's own."""
NUMBERS: Mapping[str, int] = {reason: number for number, reason in REASONS.items()}

CONDITIONS: Mapping[str, str] = {
    "temperature": "temperature",
    "humidity": "humidity",
    "dew_point": "dewpoint",
    "pressure": "pressure",
    "rain_rate": "rainrate",
    "wind_speed": "windspeed",
    "wind_direction": "winddirection",
    "wind_gust": "windgust",
    "sky_temperature": "skytemperature",
    "cloud_cover": "cloudcover",
    "sky_brightness": "skybrightness",
    "seeing": "starfwhm",
}
"""Tag -> what Alpaca calls it; the units are the same."""
_IN_TWO_WORDS = {"starfwhm": "StarFWHM"}
SENSORS: Mapping[str, str] = {
    tag: _IN_TWO_WORDS.get(member, "".join(word.title() for word in tag.split("_")))
    for tag, member in CONDITIONS.items()
}
"""Tag -> its sensor, as a station is asked for it."""

_HEAD = struct.Struct("<iiIIiiiiiii")
_ELEMENTS: Mapping[int, str] = {
    1: "<i2", 2: "<i4", 3: "<f8", 4: "<f4", 5: "<u8", 6: "u1", 7: "<i8", 8: "<u2", 9: "<u4",
}  # fmt: skip
_INT32 = 2
MOST_PIXELS = 1 << 30


class Address:
    """Where a device is: `http://HOST:PORT/NUMBER`, the number 0 if there is none."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        number = parts.path.strip("/") or "0"
        if parts.scheme != "http" or not parts.hostname or not number.isdigit() or parts.query or parts.fragment:
            raise ValueError(f"{url!r}, expected such as http://127.0.0.1:11111/0")
        self.server = f"http://{parts.netloc}"
        self.number = int(number)


def checked_url(url: str) -> str:
    """The URL of a device as it is. Raises ValueError."""
    Address(url)
    return url


def form(values: Mapping[str, Any]) -> str:
    """Parameters as forms and queries carry them; truth is written True and False."""
    return "&".join(f"{quote(name)}={quote(str(value))}" for name, value in values.items())


def value_of(body: bytes, member: str) -> Any:
    """What a JSON answer says. Raises DeviceError for an error number, NoAnswerError for what is no answer."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise NoAnswerError(f"{member}: no JSON") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("ErrorNumber", 0), int):
        raise NoAnswerError(f"{member}: no answer of an Alpaca device")
    if number := answer.get("ErrorNumber", 0):
        raise error_of(number, str(answer.get("ErrorMessage") or ""), member)
    return answer.get("Value")


def error_of(number: int, message: str, member: str) -> DeviceError:
    """The error of an answer."""
    words = " ".join(message.split())[:300] or "no words"
    return DeviceError(REASONS.get(number, "device_error"), f"{member}: {words} (Alpaca error 0x{number:X})")


def number_of(value: Any, member: str) -> float:
    """A number of an answer. Raises NoAnswerError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoAnswerError(f"{member}: {value!r:.60} is no number")
    if not is_finite(value):
        raise NoAnswerError(f"{member}: {value!r:.60}, expected a finite number")
    return float(value)


def is_finite(value: Any) -> bool:
    """False for NaN, for infinity, and for what is beyond all that a float holds."""
    return not isinstance(value, int | float) or abs(value) <= sys.float_info.max


def encode_image(pixels: NDArray[Any], client: int, server: int) -> bytes:
    """An image in lines as imagebytes: unsigned 16 bit where it fits, told to be of 32 bit as cameras do."""
    kind = next(code for code, name in _ELEMENTS.items() if np.dtype(name) == pixels.dtype.newbyteorder("<"))
    height, width = pixels.shape
    head = _HEAD.pack(1, 0, client, server, _HEAD.size, _INT32, kind, 2, width, height, 0)
    return head + np.ascontiguousarray(pixels.T).astype(_ELEMENTS[kind]).tobytes()


def encode_image_error(number: int, message: str, client: int, server: int) -> bytes:
    """An error where imagebytes were asked for."""
    return _HEAD.pack(1, number, client, server, _HEAD.size, 0, 0, 0, 0, 0, 0) + message.encode()


def decode_image(data: bytes) -> NDArray[Any]:
    """Imagebytes as an image in lines. Raises DeviceError for an error, NoAnswerError for what is no image."""
    if len(data) < _HEAD.size:
        raise NoAnswerError(f"imagebytes of {len(data)} bytes")
    version, number, _, _, start, _, kind, rank, *axes = _HEAD.unpack_from(data)
    if version != 1 or not _HEAD.size <= start <= len(data):
        raise NoAnswerError(f"imagebytes of version {version} with data at {start}")
    if number:
        raise error_of(number, data[start:].decode("utf-8", "replace"), "imagearray")
    if kind not in _ELEMENTS or rank not in (2, 3) or min(axes[:rank]) < 1:
        raise NoAnswerError(f"imagebytes of element type {kind}, {rank} axes {axes}")
    count, element = int(np.prod(axes[:rank], dtype=object)), np.dtype(_ELEMENTS[kind])
    if count > MOST_PIXELS or len(data) - start < count * element.itemsize:
        raise NoAnswerError(f"imagebytes with {len(data) - start} bytes for {count} pixels")
    cube = np.frombuffer(data, element, count, start).reshape(axes[:rank])
    return _in_lines(cube)


def decode_image_json(body: bytes) -> NDArray[Any]:
    """The JSON form of an image, in lines. Raises as `value_of`."""
    value = value_of(body, "imagearray")
    try:
        cube = np.array(value)
    except ValueError:
        raise NoAnswerError("imagearray: lines of different lengths") from None
    if cube.ndim not in (2, 3) or cube.dtype.kind not in "iuf" or not cube.size:
        raise NoAnswerError(f"imagearray: an array of shape {cube.shape} of {cube.dtype}")
    return _in_lines(cube)


def _in_lines(cube: NDArray[Any]) -> NDArray[Any]:
    """From [x][y] or [x][y][colour] to lines, or to lines of each colour."""
    native = cube.astype(cube.dtype.newbyteorder("="))
    return np.ascontiguousarray(native.T)


def counts(pixels: NDArray[Any]) -> NDArray[Any]:
    """The pixels in the smallest type that cameras use: unsigned 16 bit, signed 32 bit, or as they are."""
    if pixels.dtype.kind not in "iu":
        return pixels.astype(np.float32)
    low, high = int(pixels.min()), int(pixels.max())
    if low >= 0 and high <= 65535:
        return pixels.astype(np.uint16)
    return pixels.astype(np.int32) if low >= -(2**31) and high < 2**31 else pixels.astype(np.float64)
