"""Rows of tag, time, value and quality out of CSV, Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Calendar

_BATCH = 200_000
_EXACT = 2.0**53
_TIMES = ("t", "time", "timestamp")
_WORDS = {"good": 0x0000, "uncertain": 0x4000, "bad": 0x8000}


@dataclass(frozen=True, slots=True, eq=False)
class TagRows:
    """Rows of one tag as they stand in the file. `value` are numbers or, with `is_text`, texts."""

    tag: str
    t: NDArray[np.int64]
    value: NDArray[Any]
    quality: NDArray[np.uint16]
    unit: str = ""


def rows_in(path: Path, tag: str, timezone: str, texts: Set[str]) -> Iterator[TagRows]:
    """The rows of a file, piece by piece. Long files have a column `tag`; else each column but the time is a tag,
    or, with `tag`, there is but one. Times without a zone are in `timezone`. Tags in `texts` stay as they are
    written. Raises ValueError.
    """
    for table in _tables(path):
        names = table.column_names
        time = next((name for name in _TIMES if name in names), None)
        if time is None:
            raise ValueError(f"{path.name} has the columns {', '.join(names[:8])}, expected one of {', '.join(_TIMES)}")
        t = _times(table[time], timezone, path)
        if "tag" in names:
            yield from _long(table, t, texts)
            continue
        quality = _quality(table["quality"]) if "quality" in names else np.zeros(len(t), np.uint16)
        columns = [n for n in names if n not in {time, "quality", "unit"}]
        if tag and len(columns) != 1:
            raise ValueError(f"{path.name} has {len(columns)} columns besides the time, expected one for {tag!r}")
        for name in columns:
            path_of = tag or name
            yield TagRows(path_of, t, _plain(table[name], path_of in texts), quality, _unit(table))


def _tables(path: Path) -> Iterator[Any]:
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH):
                    yield pa.Table.from_batches([batch])
        elif path.suffix == ".arrow":
            with pa.ipc.open_stream(pa.memory_map(str(path))) as stream:
                for batch in stream:
                    yield pa.Table.from_batches([batch])
        elif path.suffix == ".csv":
            yield from _csv(path)
        else:
            raise ValueError(f"{path.name!r} does not end with .csv, .parquet or .arrow")
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _csv(path: Path) -> Iterator[Any]:
    """Every column as text, so that nothing is guessed from the first block."""
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as file:
        head = file.readline().decode("utf-8-sig", "replace").strip()
    names = next(iter(_csv_lines(head)), [])
    convert = csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=True)
    options = csv.ReadOptions(block_size=8 << 20)
    with csv.open_csv(path, options, convert_options=convert) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _csv_lines(line: str) -> Iterator[list[str]]:
    import csv

    return csv.reader([line])


def _long(table: Any, t: NDArray[np.int64], texts: Set[str]) -> Iterator[TagRows]:
    tags = table["tag"].combine_chunks()
    encoded = tags.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    quality = _quality(table["quality"]) if "quality" in table.column_names else np.zeros(len(t), np.uint16)
    for code, tag in enumerate(encoded.dictionary.to_pylist()):
        mine = np.flatnonzero(codes == code)
        part = table.take(mine)
        value = _plain(part["value"], tag in texts)
        if "text" in part.column_names and part["text"].null_count < len(part):
            value = np.array(part["text"].to_pylist(), object)
        yield TagRows(tag, t[mine], value, quality[mine], _unit(part))


def _unit(table: Any) -> str:
    if "unit" not in table.column_names or not len(table):
        return ""
    return str(table["unit"][0].as_py() or "")


def _plain(column: Any, is_text: bool) -> NDArray[Any]:
    """Numbers as float64, NaN where there is none; everything else as objects, None where there is none."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and kind.bit_width < 64) or pa.types.is_boolean(kind):
        found: NDArray[Any] = column.cast(pa.float64()).to_numpy()
        return found
    if pa.types.is_string(kind) and not is_text:
        numbers = _as_numbers(column)
        if numbers is not None:
            return numbers
    return np.array(column.to_pylist(), object)


def _as_numbers(column: Any) -> NDArray[np.float64] | None:
    """Texts as numbers, where all of them are and float64 holds each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        found: NDArray[np.float64] = pc.cast(column, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    large = np.flatnonzero(np.abs(found) >= _EXACT)
    return None if any(column[i].as_py().lstrip("-").isdigit() for i in large.tolist()) else found


def _quality(column: Any) -> NDArray[np.uint16]:
    """Codes, or the words good, uncertain, bad; nothing is good."""
    import pyarrow as pa

    if pa.types.is_integer(column.type):
        codes: NDArray[np.uint16] = column.fill_null(0).cast(pa.uint16()).to_numpy()
        return codes
    return np.array([_code(word) for word in column.to_pylist()], np.uint16)


def _code(word: str | None) -> int:
    text = (word or "good").strip().lower()
    if text in _WORDS:
        return _WORDS[text]
    if text.isdigit() and int(text) < 1 << 16:
        return int(text)
    raise ValueError(f"quality {word!r}, expected good, uncertain, bad or a code of OPC UA")


def _times(column: Any, timezone: str, path: Path) -> NDArray[np.int64]:
    """ns UTC of timestamps, of ISO 8601 or of whole ns since 1970."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise ValueError(f"{path.name} has a row without a time")
    try:
        if pa.types.is_string(column.type):
            first = column[0].as_py() if len(column) else ""
            if first.lstrip("-").isdigit():
                column = pc.cast(column, pa.int64())
            elif ("T" in first and first.endswith("Z")) or "+" in first:
                column = pc.cast(column, pa.timestamp("ns", "UTC"))
            else:
                column = pc.cast(column, pa.timestamp("ns"))
        if pa.types.is_timestamp(column.type):
            if column.type.tz is None:
                column = pc.assume_timezone(
                    column, Calendar(timezone).timezone, ambiguous="earliest", nonexistent="earliest"
                )
            column = pc.cast(column, pa.timestamp("ns", "UTC"))
            column = column.cast(pa.int64())
        found: NDArray[np.int64] = pc.cast(column, pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} has a time that is none: {error}") from error
    return found
