"""Looking into a Modbus device by hand: read and write without a plant file. Plain data for the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sereno.device import DriverTag, Environment
from sereno.model import Access, ExactBlock, Quality, TagSpec, ValueType, reason

from .address import Address, parse_address
from .columns import Decoder
from .driver import ModbusDriver
from .endpoint import DEFAULT_PORT, TcpEndpoint
from .exchange import ModbusLink
from .fields import field_of
from .tags import ModbusConfig, ModbusTagConfig

MAX_VALUES = 5000
_SWITCHED = {"true": 1, "on": 1, "false": 0, "off": 0}


@dataclass(frozen=True, slots=True)
class PeekValue:
    """One value: `registers` are its raw words (empty for bits), `reason` says why `value` is None."""

    address: str
    value: Any
    registers: tuple[int, ...] = ()
    reason: str = ""


async def read(
    host: str,
    address: str,
    *,
    port: int = DEFAULT_PORT,
    unit: int = 1,
    kind: ValueType = ValueType.UINT16,
    count: int = 1,
    length: int | None = None,
    timeout: float = 1.0,
    environment: Environment | None = None,
    **device: Any,
) -> list[PeekValue]:
    """`count` values from `address` on. `device`: further keys of ModbusConfig, such as word_order.

    Raises ValueError for what does not fit together, DeliveryError. What the device refuses is None, with the reason.
    """
    if not 1 <= count <= MAX_VALUES:
        raise ValueError(f"{count} values, expected 1 to {MAX_VALUES}")
    config = device_config(host, port, unit, timeout, device)
    place = parse_address(address)
    first = _tag(place, 0, _kind(place, kind), length)
    width = field_of(config, first).area.count
    tags = [_tag(place, i * width, first.spec.type, length) for i in range(count)]
    field_of(config, tags[-1])
    async with connected(config, environment) as link:
        driver = ModbusDriver(config, link, link.environment)
        words, codes = await _words(driver, place, count * width)
    if place.is_bit_table:
        return [_bit(place, i, word, codes[i]) for i, word in enumerate(words)]
    payload = bytearray(b"".join(word.to_bytes(2, "big") for word in words))
    return [
        _value(config, tag, payload, i * width, words[i * width : (i + 1) * width], codes[i * width : (i + 1) * width])
        for i, tag in enumerate(tags)
    ]


async def _words(driver: ModbusDriver, place: Address, count: int) -> tuple[list[int], list[int]]:
    """Registers or bits one by one, and the quality of each."""
    columns = await driver.scan(driver.compile([_register(place, i) for i in range(count)], []))
    codes = [columns.quality] * count if isinstance(columns.quality, int) else columns.quality.tolist()
    return [0 if code >= Quality.BAD else int(v) for v, code in zip(columns.values, codes, strict=True)], codes


def _bit(place: Address, i: int, word: int, code: int) -> PeekValue:
    name = f"{place.table}:{place.number + i}"
    return PeekValue(name, None, reason=reason(code)) if code >= Quality.BAD else PeekValue(name, bool(word))


def _value(  # noqa: PLR0917 - one value and where it lies
    config: ModbusConfig, tag: DriverTag, payload: bytearray, at: int, words: list[int], codes: list[int]
) -> PeekValue:
    if max(codes) >= Quality.BAD:
        return PeekValue(tag.config.address, None, reason=reason(max(codes)))
    field = field_of(config, tag)
    if not tag.spec.is_row:
        ((_, value, _),) = Decoder(payload, [], [(field, 2 * at)]).objects()
        return PeekValue(tag.config.address, value, tuple(words))
    values, exact = Decoder(payload, [(field, 2 * at)], []).columns()
    return PeekValue(tag.config.address, _plain(tag.spec.type, float(values[0]), exact), tuple(words))


def _plain(kind: ValueType, value: float, exact: ExactBlock | None) -> Any:
    if exact is not None:
        whole = int(exact.values[0])
        return whole % (1 << 64) if kind is ValueType.UINT64 else whole
    if kind is ValueType.BOOL:
        return bool(value)
    return value if kind.is_float else int(value)


async def write(
    host: str,
    address: str,
    value: Any,
    *,
    port: int = DEFAULT_PORT,
    unit: int = 1,
    kind: ValueType = ValueType.UINT16,
    length: int | None = None,
    timeout: float = 1.0,
    environment: Environment | None = None,
    **device: Any,
) -> None:
    """Write one value; a text is read as a number unless `kind` is a string.

    Raises ValueError, RefusedError, NotConnectedError, NoAnswerError.
    """
    config = device_config(host, port, unit, timeout, device)
    place = parse_address(address)
    tag = _tag(place, 0, _kind(place, kind), length)
    for _, fault in ModbusDriver.check(config, [tag]):
        raise ValueError(fault)
    number = str(value) if tag.spec.type is ValueType.STRING else _number(value)
    async with connected(config, environment) as link:
        await ModbusDriver(config, link, link.environment).write(tag, number)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text in _SWITCHED:
        return _SWITCHED[text]
    for read_as in (lambda t: int(t, 0), float):
        try:
            return read_as(text)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is no number")


def device_config(host: str, port: int, unit: int, timeout: float, device: dict[str, Any]) -> ModbusConfig:
    """The configuration of a device that is only looked at. Raises ValueError."""
    return ModbusConfig(**{"url": str(TcpEndpoint(host, port)), "unit": unit, "timeout": timeout, **device})


def _kind(place: Address, kind: ValueType) -> ValueType:
    """A single bit is a bool, whatever was asked for."""
    one_bit = place.bits is not None and place.bits[0] == place.bits[1]
    return ValueType.BOOL if place.is_bit_table or one_bit else kind


def _register(place: Address, ahead: int) -> DriverTag:
    """One register or bit as it is on the wire, whatever order the device has."""
    kind = ValueType.BOOL if place.is_bit_table else ValueType.UINT16
    own = ModbusTagConfig(address=f"{place.table}:{place.number + ahead}", byte_order="big")
    return DriverTag(TagSpec(path="peek/register", type=kind), own)


def _tag(place: Address, ahead: int, kind: ValueType, length: int | None) -> DriverTag:
    low, high = place.bits or (0, 0)
    bits = "" if place.bits is None else f".{low}" if low == high else f".{low}-{high}"
    own = ModbusTagConfig(address=f"{place.table}:{place.number + ahead}{bits}", length=length)
    access = Access.READ if place.table in ("input", "discrete") else Access.READ_WRITE
    return DriverTag(TagSpec(path="peek/value", type=kind, access=access), own)


@asynccontextmanager
async def connected(config: ModbusConfig, environment: Environment | None) -> AsyncIterator[ModbusLink]:
    """A link for as long as the context lasts. Raises NotConnectedError."""
    link = ModbusDriver.open_link(config, environment or Environment())
    assert isinstance(link, ModbusLink)
    await link.connect()
    try:
        yield link
    finally:
        await link.close()
