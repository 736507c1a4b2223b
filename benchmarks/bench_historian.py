"""historian: durable append, compaction, size and four questions beside SQLite, a DuckDB table and DuckDB over Parquet.

Every answer of every engine is compared with numpy's. The samples are 30 days of ten tags every ten seconds and of many
slower ones; `append_per_s` is with one fdatasync for each batch (`sync_ms` is their median: a virtual disk may cache),
of the log writer, which is handed columns; `*_cpu_s_per_million` is what a busy machine changes little. SQLite gets a
part of the samples, since it is slow. Ratios: ours to theirs in speed, of the compaction to DuckDB's append; `live` is
how much longer a scan takes to be durable while two ask for all tags over all days, `asked_rss_mb` what memory grows by
then, `stop_ms` how soon their threads are free when they have left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from keeping import others
from keeping.data import make
from keeping.live import live
from keeping.ours import Ours, compacted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20_000_000)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--live", type=float, default=5.0, help="seconds of recording beside questions, and without")
    parser.add_argument("--sqlite", type=int, default=1_000_000, help="samples for SQLite")
    options = parser.parse_args()
    tags = max(20, min(options.tags, options.samples // 100))
    with tempfile.TemporaryDirectory(prefix="sereno-bench-") as name:
        print(json.dumps(measured(Path(name), options, tags)))


def measured(folder: Path, options: argparse.Namespace, tags: int) -> dict[str, Any]:
    """Figures and ratios. Raises AssertionError where an answer is wrong."""
    samples = make(options.samples, tags)
    ours = Ours(folder / "ours", samples)
    figures: dict[str, float] = {"samples": len(samples.t), "tags": tags}
    figures["append_per_s"] = ours.append(options.batch)
    figures["sync_ms"] = ours.sync_ms
    figures["compact_per_s"] = compacted(ours)
    figures |= {f"{name}_cpu_s_per_million": used / len(samples.t) * 1e6 for name, used in ours.cpu_s.items()}
    figures["bytes_per_sample"], figures["bytes_per_sample_raw"] = ours.bytes_per_sample()
    mine = asyncio.run(ours.answers(options.repeat))
    figures |= {f"{name}_ms": value for name, value in mine.items()}
    figures |= asyncio.run(live(ours, options.live))

    declared = Ours(folder / "decimal", samples, decimals=2)
    declared.append(100_000)
    compacted(declared)
    figures["bytes_per_sample_decimals"] = declared.bytes_per_sample()[0]

    table_append, table = others.duckdb_append(folder / "table.duckdb", samples, options.batch)
    ask = others.columns_of_duckdb(table)
    theirs = others.answers("DuckDB table", ask, samples, options.repeat)
    newest = "select tag, max(t) as t, arg_max(value, t) as value from samples where t <= ? group by tag order by tag"
    theirs["asof"] = others.as_of("DuckDB table", ask, newest, samples, options.repeat)
    table.close()

    parquet = over_parquet(ours, samples, options.repeat)
    small = make(min(options.sqlite, options.samples), max(20, min(tags, options.sqlite // 100)))
    sqlite_append, connection = others.sqlite_append(folder / "samples.sqlite", small, options.batch)
    sqlite = others.answers("SQLite", others.columns_of_sqlite(connection), small, 2, "/")
    connection.close()
    figures |= {f"duckdb_{name}_ms": value for name, value in theirs.items()}
    figures |= {f"parquet_{name}_ms": value for name, value in parquet.items()}
    figures |= {
        "duckdb_append_per_s": table_append,
        "sqlite_append_per_s": sqlite_append,
        "sqlite_raw_ms": sqlite["raw"],
    }
    ratios = {
        "append_duckdb": figures["append_per_s"] / table_append,
        "append_sqlite": figures["append_per_s"] / sqlite_append,
        "compact_duckdb": figures["compact_per_s"] / table_append,
        "live": figures["durable_asked_ms"] / figures["durable_ms"],
        **{f"{name}_duckdb": theirs[name] / mine[name] for name in theirs},
        **{f"{name}_parquet": parquet[name] / mine[name] for name in parquet},
    }
    return {"name": "historian", "figures": rounded(figures), "ratios": rounded(ratios)}


def over_parquet(ours: Ours, samples: Any, repeat: int) -> dict[str, float]:
    """DuckDB over the very files that ours reads."""
    files = sorted(str(p) for p in (ours.folder / "cold").glob("*.double.*.parquet"))
    connection = others.parquet_view(files, ours.declared.ids)

    def ask(sql: str, values: list[Any]) -> Any:
        return connection.execute(sql, values).fetchnumpy()

    connection.execute("create view samples as select position as tag, t, value from stored join positions using (id)")
    found = others.answers("Parquet", ask, samples, max(1, repeat // 3))
    newest = "select tag, max(t) as t, arg_max(value, t) as value from samples where t <= ? group by tag order by tag"
    found["asof"] = others.as_of("Parquet", ask, newest, samples, max(1, repeat // 3))
    connection.close()
    return found


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


if __name__ == "__main__":
    main()
