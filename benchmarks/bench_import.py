"""import: a file of samples into a historian that records meanwhile, beside a DuckDB table and pyarrow alone.

Tags at one second, as a column for each tag (`wide`) and as rows of tag, time and value (`long`), in Parquet and CSV.
The time is that of the whole `sereno history import`: looking at the file, its SHA-256, the parts, the merging in the
compactor's process with roll-ups; without HTTP. DuckDB makes an unsorted table without roll-ups; pyarrow reads the file
and writes the same columns in the same encodings: the floor of this machine. What was imported is asked for and
compared. Ratios: ours to theirs in speed; `*_cpu` the same of the CPU time of all processes, which a busy machine
changes less; `durable` how much longer a scan takes to be durable while a file is imported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path

from bringing import others, ours
from bringing.files import Walks, walks, write

KINDS = {"parquet_wide": True, "parquet_long": False, "csv_wide": True, "csv_long": False}
"""Whether it has a column for each tag, by kind."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=2 * 86_400, help="of every tag, for Parquet")
    parser.add_argument("--csv-seconds", type=int, default=86_400 // 4, help="of every tag, for CSV")
    parser.add_argument("--only", nargs="+", default=list(KINDS), choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--alone", type=float, default=2.0, help="seconds of recording without an import")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    durable: list[float] = []
    with tempfile.TemporaryDirectory(prefix="sereno-bench-") as name:
        folder = Path(name)
        for kind in options.only:
            seconds = options.seconds if kind.startswith("parquet") else options.csv_seconds
            durable += measured(folder, kind, walks(options.tags, seconds), (figures, ratios))
        data = walks(options.tags, 1)
        quiet = asyncio.run(ours.alone(folder / "alone", data, options.alone))
    figures["durable_ms"], figures["durable_importing_ms"] = statistics.median(quiet), statistics.median(durable)
    ratios["durable"] = figures["durable_importing_ms"] / figures["durable_ms"]
    print(json.dumps({"name": "import", "figures": rounded(figures), "ratios": rounded(ratios)}))


def measured(folder: Path, kind: str, data: Walks, into: tuple[dict[str, float], dict[str, float]]) -> list[float]:
    """One kind of file; how long scans took to be durable meanwhile. Raises AssertionError where an answer is wrong."""
    (figures, ratios), wide = into, KINDS[kind]
    file = folder / f"{kind}.{kind.partition('_')[0]}"
    write(file, data, wide=wide)
    mine = asyncio.run(ours.brought(folder / f"{kind}-history", file, data))
    figures[f"{kind}_per_s"] = data.samples / mine.seconds
    figures[f"{kind}_per_cpu_s"] = data.samples / mine.cpu
    figures[f"{kind}_bytes_per_sample"] = mine.bytes / data.samples
    theirs = {
        "duckdb": others.through_duckdb(folder / f"{kind}.duckdb", file, data, wide=wide),
        "pyarrow": others.through_pyarrow(folder / f"{kind}.floor", file, data, wide=wide),
    }
    for name, (took, cpu) in theirs.items():
        figures[f"{kind}_{name}_per_s"] = data.samples / took
        ratios[f"{kind}_{name}"] = took / mine.seconds
        ratios[f"{kind}_{name}_cpu"] = cpu / mine.cpu
    file.unlink()
    return mine.durable


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


if __name__ == "__main__":
    main()
