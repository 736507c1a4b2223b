"""Columns of a file as an import has them: times in ns UTC, codes of quality, values by the type of the tag."""

from __future__ import annotations

import re
from typing import Any

from sereno.client import Calendar
from sereno.model import TagSpec, ValueType

_WORDS = {"good": 0x0000, "uncertain": 0x4000, "bad": 0x8000}
_ZONE = re.compile(r"\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$")
FLOAT, INT64, UINT64, TEXT = range(4)


def kind_of(spec: TagSpec) -> int:
    """Tags of one kind have values of one type."""
    if not spec.is_row:
        return TEXT
    return {ValueType.INT64: INT64, ValueType.UINT64: UINT64}.get(spec.type, FLOAT)


def has_words(spec: TagSpec) -> bool:
    """True if its values may be words that stand for numbers."""
    return spec.type in (ValueType.ENUM, ValueType.BOOL) and spec.is_row


def times_of(column: Any, timezone: str, name: str) -> Any:
    """int64, ns UTC, of timestamps, of ISO 8601 or of whole ns since 1970. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise ValueError(f"{name} has a row without a time")
    try:
        if pa.types.is_string(column.type):
            column = _from_text(column)
        if pa.types.is_timestamp(column.type):
            if column.type.tz is None:
                zone = Calendar(timezone).timezone
                column = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
            column = pc.cast(column, pa.timestamp("ns", "UTC"))
        return pc.cast(column, pa.int64())
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name} has a time that is none: {error}") from error


def _from_text(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    first = column[0].as_py() if len(column) else ""
    if first.lstrip("-").isdigit():
        return pc.cast(column, pa.int64())
    has_zone = _ZONE.search(first) is not None
    return pc.cast(column, pa.timestamp("ns", "UTC") if has_zone else pa.timestamp("ns"))


def qualities_of(column: Any) -> Any:
    """uint16: codes, or of the words good, uncertain, bad; nothing is good. Raises ValueError."""
    import pyarrow as pa

    if pa.types.is_integer(column.type):
        return column.fill_null(0).cast(pa.uint16())
    return _mapped(column.fill_null("good"), _code, pa.uint16())


def values_of(column: Any, spec: TagSpec) -> Any:
    """float64, int64, uint64 or strings, by the kind of the tag; null where there is none. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, given = kind_of(spec), column.type
    if pa.types.is_dictionary(given):
        column, given = column.cast(given.value_type), given.value_type
    try:
        if kind == TEXT:
            return column.cast(pa.string())
        if has_words(spec) and pa.types.is_string(given):
            return _mapped(column, _word(spec), pa.float64())
        if kind == FLOAT:
            return pc.cast(column, pa.float64())
        if pa.types.is_floating(given):
            column = pc.if_else(pc.is_nan(column), None, column)
        return pc.cast(column, pa.int64() if kind == INT64 else pa.uint64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"a value of {spec.path!r} is no {spec.type.value}: {error}") from error


def _word(spec: TagSpec) -> Any:
    known = {"true": 1.0, "false": 0.0} if spec.type is ValueType.BOOL else {}
    known |= {label: float(code) for code, label in enumerate(spec.labels)}

    def number(word: str) -> float:
        found = known.get(word, known.get(word.lower()))
        if found is not None:
            return found
        try:
            return float(word)
        except ValueError:
            raise ValueError(f"a value of {spec.path!r} is {word!r}, expected {', '.join(known)} or a number") from None

    return number


def _mapped(column: Any, of: Any, kind: Any) -> Any:
    """Each different word once."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    words = pa.array([of(word) for word in column.dictionary.to_pylist()], kind)
    return words.take(column.indices)


def _code(word: str | None) -> int:
    text = (word or "good").strip().lower()
    if text in _WORDS:
        return _WORDS[text]
    if text.isdigit() and int(text) < 1 << 16:
        return int(text)
    raise ValueError(f"quality {word!r}, expected good, uncertain, bad or a code of OPC UA")
