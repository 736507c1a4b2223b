"""The same file into a DuckDB table, and through pyarrow alone into sorted Parquet: the floor of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .files import Walks


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and CPU seconds."""
    began, before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - before


def through_duckdb(database: Path, file: Path, data: Walks, *, wide: bool) -> tuple[float, float]:
    """A table (tag, t, value) of the file, made durable. Seconds, and CPU seconds."""
    connection = duckdb.connect(str(database))
    source = f"read_csv('{file}')" if file.suffix == ".csv" else f"read_parquet('{file}')"
    rows = f"(unpivot {source} on columns(* exclude t) into name tag value value)" if wide else source
    connection.execute("create table samples (tag varchar, t timestamptz, value double)")

    def work() -> None:
        connection.execute(f"insert into samples select tag, t, value from {rows}")
        connection.execute("checkpoint")

    found = timed(work)
    (count,) = connection.execute("select count(*) from samples").fetchone() or (0,)
    connection.close()
    if count != data.samples:
        raise AssertionError(f"DuckDB has {count} samples of {data.samples}")
    return found


def through_pyarrow(target: Path, file: Path, data: Walks, *, wide: bool) -> tuple[float, float]:
    """Read the file, write (tag number, t, value, quality) in row groups as ours, sync. Seconds, and CPU seconds."""

    def work() -> None:
        table = pa_csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
        n = len(data.t)
        if wide:
            stamps = np.tile(table["t"].cast(pa.int64()).to_numpy(), len(data.paths))
            values = np.concatenate([table[path].to_numpy() for path in data.paths])
        else:
            stamps, values = table["t"].cast(pa.int64()).to_numpy(), table["value"].to_numpy()
        if not wide:
            table["tag"].combine_chunks().dictionary_encode()
        tags = np.repeat(np.arange(len(data.paths)), n)
        quality = np.zeros(len(values), np.uint16)
        columns = {"tag": tags, "t": stamps, "value": values, "quality": quality}
        with target.open("wb") as sink:
            pq.write_table(
                pa.table(columns),
                sink,
                compression="zstd",
                compression_level=1,
                row_group_size=8192,
                use_dictionary=False,
                column_encoding={"tag": "PLAIN", "t": "BYTE_STREAM_SPLIT", "value": "PLAIN", "quality": "PLAIN"},
            )
            sink.flush()
            os.fsync(sink.fileno())

    return timed(work)
