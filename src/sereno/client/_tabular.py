"""Pieces of history as files: rows of CSV, lines of JSON, Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

from sereno.model import severity
from sereno.wire.jsonvalue import json_value

from ._aggregates import Aggregates
from ._json import series_json
from ._values import Series

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson; charset=utf-8",
    "columns": "application/x-ndjson; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""Formats of history in pieces, with their media types."""

_WHOLE = ("count", "changes")
Piece = Series | Aggregates


class Form(Protocol):
    """A file in the making."""

    def begin(self) -> bytes:
        """What comes before the first piece."""

    def piece(self, piece: Piece) -> bytes:
        """One piece."""

    def end(self) -> bytes:
        """What comes after the last piece."""


def form_of(name: str, aggregates: Sequence[str] = ()) -> Form:
    """The format of that name; `aggregates` are the columns, where there are any."""
    if name == "arrow":
        return _Arrow(aggregates)
    made: dict[str, type[_Csv | _Lines]] = {"csv": _Csv, "ndjson": _Lines, "columns": _Columns}
    return made[name](aggregates)


def aggregates_json(found: Aggregates) -> dict[str, Any]:
    """Aggregates of one tag as columns; what is not known is null."""
    return {
        "tag": found.tag,
        "unit": found.unit,
        "timezone": found.timezone,
        "t_ns": found.t.tolist(),
        "t_end_ns": found.t_end.tolist(),
        "columns": {name: json_value(column) for name, column in found.columns.items()},
        "states": {name: column.tolist() for name, column in found.states.items()},
        "units": dict(found.units),
    }


def parse_aggregates(data: Mapping[str, Any]) -> Aggregates:
    """The other way."""

    def floats(column: list[Any]) -> NDArray[np.float64]:
        return np.array([np.nan if v is None else v for v in column], np.float64)

    return Aggregates(
        data["tag"],
        data["unit"],
        np.array(data["t_ns"], np.int64),
        np.array(data["t_end_ns"], np.int64),
        {n: np.array(c, np.int64) if n in _WHOLE else floats(c) for n, c in data["columns"].items()},
        {name: floats(column) for name, column in data["states"].items()},
        data["units"],
        data["timezone"],
    )


def values_of(series: Series) -> list[Any]:
    """Plain values of raw samples, None where there is none."""
    if series.objects is not None:
        return [json_value(one) for one in series.objects]
    known = np.isfinite(series.value).tolist()
    values = (series.value if series.exact is None else series.exact).tolist()
    return [v if k else None for v, k in zip(values, known, strict=True)]


def iso_times(t: NDArray[np.int64], timezone: str = "UTC") -> list[str]:
    """ISO 8601: in UTC to the ns, elsewhere to the microsecond and with the offset from UTC of that moment."""
    if timezone == "UTC":
        return [f"{text}Z" for text in np.datetime_as_string(t.astype("datetime64[ns]")).tolist()]
    zone = ZoneInfo(timezone)
    return [(_EPOCH + timedelta(microseconds=one // 1000)).astimezone(zone).isoformat() for one in t.tolist()]


class _Csv:
    """A header and rows; values as text, arrays and states as JSON."""

    def __init__(self, aggregates: Sequence[str]) -> None:
        self._names = aggregates

    def begin(self) -> bytes:
        """The header."""
        head = ("tag", "t", "t_end", *self._names) if self._names else ("tag", "t", "value", "unit", "quality")
        return _csv_rows([head])

    def piece(self, piece: Piece) -> bytes:
        """Its rows."""
        if isinstance(piece, Series):
            words = [severity(q) for q in piece.quality.tolist()]
            rows = zip(iso_times(piece.t), map(_csv_value, values_of(piece)), words, strict=True)
            return _csv_rows([(piece.tag, t, value, piece.unit, word) for t, value, word in rows])
        rows_of = [[row[name] for name in self._names] for row in _rows(piece)]
        times = zip(iso_times(piece.t, piece.timezone), iso_times(piece.t_end, piece.timezone), strict=True)
        return _csv_rows([(piece.tag, *t, *map(_csv_value, r)) for t, r in zip(times, rows_of, strict=True)])

    def end(self) -> bytes:
        """Nothing."""
        return b""


class _Lines:
    """One JSON object a row."""

    def __init__(self, aggregates: Sequence[str]) -> None:
        self._names = aggregates

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def piece(self, piece: Piece) -> bytes:
        """Its rows."""
        if isinstance(piece, Series):
            words = [severity(q) for q in piece.quality.tolist()]
            rows = zip(iso_times(piece.t), values_of(piece), words, strict=True)
            fixed = {"tag": piece.tag, "unit": piece.unit}
            return _json_lines([{**fixed, "t": t, "value": value, "quality": word} for t, value, word in rows])
        times = zip(iso_times(piece.t, piece.timezone), iso_times(piece.t_end, piece.timezone), strict=True)
        every = zip(times, _rows(piece), strict=True)
        return _json_lines([{"tag": piece.tag, "t": t, "t_end": u, **self._named(row)} for (t, u), row in every])

    def end(self) -> bytes:
        """Nothing."""
        return b""

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in self._names}


class _Columns(_Lines):
    """One JSON object of columns a piece: what a remote client reads."""

    def piece(self, piece: Piece) -> bytes:
        """One line."""
        return _json_lines([series_json(piece) if isinstance(piece, Series) else aggregates_json(piece)])


class _Arrow:
    """A stream of Arrow: raw `tag`, `t`, `value`, `text`, `quality`; else `tag`, `t`, `t_end` and the aggregates."""

    def __init__(self, aggregates: Sequence[str]) -> None:
        import pyarrow as pa

        self._schema = arrow_schema(aggregates)
        self._sink = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def begin(self) -> bytes:
        """The schema."""
        return self._taken()

    def piece(self, piece: Piece) -> bytes:
        """A record batch."""
        self._writer.write_table(arrow_rows(piece, self._schema))
        return self._taken()

    def end(self) -> bytes:
        """The end of the stream."""
        self._writer.close()
        return self._taken()

    def _taken(self) -> bytes:
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


def arrow_schema(aggregates: Sequence[str] = ()) -> Any:
    """The columns of `arrow_rows`."""
    import pyarrow as pa

    stamp = pa.timestamp("ns", "UTC")
    kinds = {"states": pa.string(), "count": pa.int64(), "changes": pa.int64()}
    columns: list[Any] = [("tag", pa.string()), ("t", stamp)]
    if aggregates:
        columns += [("t_end", stamp), *((name, kinds.get(name, pa.float64())) for name in aggregates)]
    else:
        columns += [("value", pa.float64()), ("text", pa.string()), ("unit", pa.string()), ("quality", pa.uint16())]
    return pa.schema(columns)


def arrow_rows(piece: Piece, schema: Any) -> Any:
    """A piece as a pyarrow.Table. `text` has what `value` has not exactly: strings, 64-bit integers, arrays as JSON."""
    import pyarrow as pa

    n = len(piece.t)
    columns: dict[str, Any] = {"tag": pa.repeat(pa.scalar(piece.tag), n), "t": piece.t}
    if isinstance(piece, Series):
        beside = piece.objects is not None or piece.exact is not None
        texts = [None if v is None else _csv_value(v) for v in values_of(piece)] if beside else [None] * n
        columns |= {"value": pa.array(piece.value, from_pandas=True), "text": texts, "quality": piece.quality}
        columns["unit"] = pa.repeat(pa.scalar(piece.unit), n)
    else:
        columns["t_end"] = piece.t_end
        columns |= {name: pa.array(column, from_pandas=True) for name, column in piece.columns.items()}
        if "states" in schema.names:
            columns["states"] = [_csv_value(row["states"]) for row in _rows(piece)]
    return pa.table([pa.array(columns[f.name]).cast(f.type) for f in schema], schema=schema)


def _rows(piece: Aggregates) -> list[dict[str, Any]]:
    columns = {name: json_value(column) for name, column in piece.columns.items()}
    states = {name: column.tolist() for name, column in piece.states.items()}
    return [
        {
            **{name: column[i] for name, column in columns.items()},
            "states": {name: seconds[i] for name, seconds in states.items() if seconds[i]},
        }
        for i in range(len(piece.t))
    ]


def _csv_value(value: Any) -> Any:
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _csv_rows(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _json_lines(rows: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
