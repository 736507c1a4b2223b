"""The peers: a DuckDB table in order of arrival, DuckDB over our Parquet files, SQLite."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from . import questions
from .data import Samples

Ask = Callable[[str, list[Any]], Any]
"""Runs SQL, returns columns of numpy by name."""


def median_ms(repeat: int, work: Callable[[], Any]) -> tuple[float, Any]:
    times: list[float] = []
    answer: Any = None
    for _ in range(repeat + 1):
        began = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:]) * 1000, answer


def duckdb_append(path: Path, samples: Samples, batch: int) -> tuple[float, Any]:
    """Samples per second, a transaction for each batch; and the connection."""
    connection = duckdb.connect(str(path))
    connection.execute("create table samples (tag integer, t bigint, value double)")
    began = time.perf_counter()
    for a in range(0, len(samples.t), batch):
        piece = pa.table(
            {"tag": samples.tag[a : a + batch], "t": samples.t[a : a + batch], "value": samples.value[a : a + batch]}
        )
        connection.register("piece", piece)
        connection.execute("insert into samples select * from piece")
        connection.unregister("piece")
    return len(samples.t) / (time.perf_counter() - began), connection


def sqlite_append(path: Path, samples: Samples, batch: int) -> tuple[float, Any]:
    """Samples per second, a synchronous transaction for each batch; and the connection."""
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table samples (tag int, t int, value real, primary key (tag, t)) without rowid")
    began = time.perf_counter()
    for a in range(0, len(samples.t), batch):
        columns = (samples.tag[a : a + batch], samples.t[a : a + batch], samples.value[a : a + batch])
        with connection:
            connection.executemany(
                "insert into samples values (?, ?, ?)", zip(*(c.tolist() for c in columns), strict=True)
            )
    return len(samples.t) / (time.perf_counter() - began), connection


def columns_of_duckdb(connection: Any) -> Ask:
    return lambda sql, values: connection.execute(sql, values).fetchnumpy()


def columns_of_sqlite(connection: Any) -> Ask:
    def ask(sql: str, values: list[Any]) -> Any:
        cursor = connection.execute(sql, values)
        names = [d[0] for d in cursor.description]
        rows = cursor.fetchall()
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return {name: np.array(column) for name, column in zip(names, columns, strict=True)}

    return ask


def parquet_view(files: list[str], ids: Any) -> Any:
    """A connection with the view `samples` over our files, tags as positions, times in ms."""
    connection = duckdb.connect()
    tags = pa.table({"id": ids, "position": np.arange(len(ids), dtype=np.int32)})
    connection.register("tags", tags)
    connection.execute("create table positions as select * from tags")
    listed = "[" + ", ".join(f"'{f}'" for f in files) + "]"
    connection.execute(
        f"create view stored as select tag as id, epoch_ms(t) as t, t as stamp, value::double as value "
        f"from read_parquet({listed}, union_by_name = true)"
    )
    return connection


def answers(name: str, ask: Ask, samples: Samples, repeat: int, integer: str = "//") -> dict[str, float]:
    """Milliseconds of each question on a table `samples`; every answer is compared."""
    found: dict[str, float] = {}
    tag, start, end = questions.RAW
    sql = "select t, value from samples where tag = ? and t >= ? and t < ? order by t"
    found["raw"], got = median_ms(repeat, lambda: ask(sql, [tag, start, end]))
    t, value = questions.raw(samples, tag, start, end)
    questions.same(f"{name} raw t", got["t"], t)
    questions.same(f"{name} raw", got["value"], value)
    tag, start, end, points = questions.TREND
    width = (end - start) // points
    trend = (
        f"select (t - ?) {integer} {width} as bucket, count(*) as count, min(value) as min, max(value) as max, "
        "avg(value) as mean from samples where tag = ? and t >= ? and t < ? group by 1 order by 1"
    )
    found["downsample"], got = median_ms(repeat, lambda: ask(trend, [start, tag, start, end]))
    expected = questions.trend(samples, tag, questions.even_edges(start, end, points))
    for column in ("bucket", "count", "min", "max"):
        questions.same(f"{name} trend {column}", got[column], expected[column])
    questions.same(f"{name} trend mean", got["mean"], expected["mean"], close=True)
    tags = questions.twenty(samples.tags)
    marks = ", ".join("?" * len(tags))
    many = f"select tag, t, value from samples where tag in ({marks}) and t >= ? and t < ? order by tag, t"
    found["tags20"], got = median_ms(repeat, lambda: ask(many, [*tags, *questions.DAY_OF_20]))
    wanted = [questions.raw(samples, one, *questions.DAY_OF_20) for one in tags]
    questions.same(f"{name} 20 tags t", got["t"], np.concatenate([t for t, _ in wanted]))
    questions.same(f"{name} 20 tags", got["value"], np.concatenate([v for _, v in wanted]))
    return found


def as_of(name: str, ask: Ask, sql: str, samples: Samples, repeat: int) -> float:
    """Milliseconds of every tag's last sample by a time."""
    took, got = median_ms(repeat, lambda: ask(sql, [questions.AT]))
    tag, t, value = questions.as_of(samples, questions.AT)
    questions.same(f"{name} as of tags", got["tag"], tag)
    questions.same(f"{name} as of t", got["t"], t)
    questions.same(f"{name} as of", got["value"], value)
    return took
