"""What the plant file says about a Modbus device and its tags."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sereno.model import ValueType

from .address import Address, parse_address
from .endpoint import Endpoint, SerialEndpoint, parse_url
from .protocol import MAX_READ_BITS, MAX_READ_REGISTERS

Order = Literal["big", "little"]

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 1e9
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)\s*\Z")


def _duration(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LONGEST:
        return float(value)
    found = _DURATION.match(value) if isinstance(value, str) else None
    if found is None or not 0 < float(found[1]) * _SECONDS[found[2]] < _LONGEST:
        raise ValueError(f'{value!r} is not a duration above 0, expected for example "500ms", "2s" or seconds')
    return float(found[1]) * _SECONDS[found[2]]


def _address(value: Any) -> str:
    parse_address(value)
    return str(value)


def _url(value: Any) -> str:
    return str(parse_url(value))


def _raw_range(value: Any) -> Any:
    """A CSV cell holds it as '0|27648'."""
    return value.split("|") if isinstance(value, str) else value


def _encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError:
        raise ValueError(f"unknown encoding {value!r}, expected for example utf-8, latin-1 or ascii") from None


Duration = Annotated[float, BeforeValidator(_duration)]


class ModbusConfig(BaseModel):
    """A Modbus device: how it is reached, what it allows, how it orders bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, BeforeValidator(_url)]
    unit: int = Field(1, ge=0, le=255)
    timeout: Duration = 1.0
    pipelining: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = 1
    gap: int = Field(10, ge=0, le=MAX_READ_REGISTERS)
    max_registers: int = Field(MAX_READ_REGISTERS, ge=1, le=MAX_READ_REGISTERS)
    max_coils: int = Field(MAX_READ_BITS, ge=1, le=MAX_READ_BITS)
    word_order: Order = "big"
    byte_order: Order = "big"
    zero_based: bool = True
    single_write: bool = True
    mask_write: bool = True
    retry_refused: Duration = 60.0

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        return parse_url(self.url)

    @model_validator(mode="after")
    def _serial(self) -> Self:
        if isinstance(self.endpoint, SerialEndpoint):
            if not 1 <= self.unit <= 247:
                raise ValueError(f"unit {self.unit} on a serial line, expected 1 to 247")
            if self.pipelining != 1:
                raise ValueError(f"pipelining {self.pipelining} on a serial line, which carries one request at a time")
        return self


class ModbusTagConfig(BaseModel):
    """Where a tag lies and how its registers become a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[str, BeforeValidator(_address)]
    raw_type: ValueType | None = None
    length: int | None = Field(None, ge=1, le=2 * MAX_READ_REGISTERS)
    count: int | None = Field(None, ge=1, le=MAX_READ_BITS)
    scale: float = 1.0
    offset: float = 0.0
    raw: Annotated[tuple[float, float] | None, BeforeValidator(_raw_range)] = None
    word_order: Order | None = None
    byte_order: Order | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    overlap: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.scale == 0:
            raise ValueError("scale 0 would make every value the offset")
        if self.raw is not None and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError("both raw and scale or offset; raw = [lo, hi] maps to [low, high] by itself")
        if self.raw is not None and self.raw[0] == self.raw[1]:
            raise ValueError(f"raw = {list(self.raw)} is no range")
        if self.length is not None and self.count is not None:
            raise ValueError("both length (a string) and count (an array)")
        if self.count is not None and self.place.bits is not None:
            raise ValueError(f"an array of bits of one register; use address = '{self.place.table}:N' without the bit")
        if self.raw_type in (ValueType.ENUM, ValueType.STRING):
            raise ValueError(f"raw_type {self.raw_type.value!r}, expected an integer or float type or bool")
        return self

    @property
    def place(self) -> Address:
        """The parsed address."""
        return parse_address(self.address)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tag's value."""
        return () if self.count is None else (self.count,)

    @property
    def scaled(self) -> bool:
        """True if the value is not the registers' number itself."""
        return self.raw is not None or (self.scale, self.offset) != (1.0, 0.0)

    @property
    def default_type(self) -> ValueType:
        """Type of a tag that names none."""
        if self.length is not None:
            return ValueType.STRING
        place = self.place
        if place.is_bit_table or (place.bits is not None and place.bits[0] == place.bits[1]):
            return ValueType.BOOL
        return ValueType.FLOAT64 if self.scaled else self.raw_type or ValueType.UINT16
