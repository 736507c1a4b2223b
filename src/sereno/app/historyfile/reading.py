"""Tables out of CSV, Parquet and Arrow, as they stand in the file, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_BATCH_BYTES = 16 << 20
_BLOCK = 8 << 20
TIMES = ("t", "time", "timestamp")


def columns_in(path: Path) -> list[str]:
    """The names of the columns of a file. Raises ValueError."""
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        if path.suffix == ".arrow":
            with pa.ipc.open_stream(pa.memory_map(str(path))) as stream:
                return list(stream.schema.names)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    if path.suffix == ".csv":
        return _csv_head(path)
    raise ValueError(f"{path.name!r} does not end with .csv, .parquet or .arrow")


def time_column(path: Path, names: Sequence[str]) -> str:
    """Which of the columns is the time. Raises ValueError."""
    found = next((name for name in TIMES if name in names), None)
    if found is None:
        raise ValueError(f"{path.name} has the columns {', '.join(names[:8])}, expected one of {', '.join(TIMES)}")
    return found


def tables_in(
    path: Path, types: Callable[[str], Any], only: Sequence[str] = (), *, texts: bool = False
) -> Iterator[Any]:
    """Tables of a file, of `only` some columns if these are given. `types` are those of the columns of a CSV file;
    with `texts` words such as NA and null are texts there, and only an empty cell is nothing.
    """
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            yield from _parquet(path, only)
        elif path.suffix == ".arrow":
            with pa.ipc.open_stream(pa.memory_map(str(path))) as stream:
                for batch in stream:
                    yield pa.Table.from_batches([batch.select(list(only)) if only else batch])
        else:
            yield from _csv(path, types, only, texts=texts)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _parquet(path: Path, only: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        columns = list(only) or file.schema_arrow.names
        rows = max(1000, _BATCH_BYTES // (8 * len(columns)))
        named = [name for name in ("tag", "quality", "unit") if name in columns]
        again = pq.ParquetFile(path, read_dictionary=named) if named else file
        for batch in again.iter_batches(rows, columns=columns):
            yield pa.Table.from_batches([batch])


def _csv(path: Path, types: Callable[[str], Any], only: Sequence[str], *, texts: bool) -> Iterator[Any]:
    """With declared types, so that nothing is guessed from the first block."""
    import pyarrow as pa
    from pyarrow import csv

    convert = csv.ConvertOptions(
        column_types={name: types(name) for name in _csv_head(path)},
        include_columns=list(only) or None,
        strings_can_be_null=True,
        null_values=[""] if texts else None,
    )
    with csv.open_csv(path, csv.ReadOptions(block_size=_BLOCK), convert_options=convert) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _csv_head(path: Path) -> list[str]:
    import csv

    with path.open("rb") as file:
        head = file.readline().decode("utf-8-sig", "replace").strip()
    return next(iter(csv.reader([head])), [])
