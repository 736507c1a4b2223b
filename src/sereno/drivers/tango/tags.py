"""What the plant file says about a Tango device and its tags."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sereno.model import ValueType, parse_duration

from .address import parse_address
from .protocol import QUALITIES, STATES


def _url(value: Any) -> str:
    return str(parse_address(value))


Duration = Annotated[float, BeforeValidator(parse_duration)]
STATE = "state"
_DIMENSIONS = {"scalar": 0, "spectrum": 1, "image": 2}


class TangoConfig(BaseModel):
    """A Tango device: where it is, how long it may take, whether to ask it for events and for its state."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, BeforeValidator(_url)]
    timeout: Annotated[Duration, Field(ge=0.1, le=60)] = 3.0
    events: bool = True
    refresh: Duration = 10.0
    state: bool = True


class TangoTagConfig(BaseModel):
    """Which attribute a tag is, and what of it: its value, its set value, or its quality."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attribute: str | None = Field(None, pattern=r"^[^/\s#]+$", max_length=255)
    part: Literal["value", "set", "quality"] = "value"
    format: Literal["scalar", "spectrum", "image"] = "scalar"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of any length, in as many dimensions as the format has."""
        return (0,) * _DIMENSIONS[self.format]

    @property
    def is_words(self) -> bool:
        """True where Tango fixes the words that the value has."""
        return self.part == "quality" or (self.attribute or "").lower() == STATE

    @property
    def default_type(self) -> ValueType:
        """Of a tag that does not say."""
        return ValueType.ENUM if self.is_words else ValueType.FLOAT64

    @property
    def default_labels(self) -> tuple[str, ...]:
        """Of an enum that does not say."""
        return () if not self.is_words else QUALITIES if self.part == "quality" else STATES

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.part == "quality" and self.format != "scalar":
            raise ValueError('a quality is one word: part = "quality" with format = "scalar"')
        return self
