"""The file that everybody gets: tags at one second, as rows of tag, time and value or as a column for each tag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

T0 = 1_767_225_600 * 10**9
"""Midnight."""
SECOND = 10**9


@dataclass(frozen=True)
class Walks:
    """Values of two decimals by tag and second."""

    paths: tuple[str, ...]
    t: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def samples(self) -> int:
        return self.values.size


def walks(tags: int, seconds: int, seed: int = 1) -> Walks:
    chance = np.random.default_rng(seed)
    values = np.round(20 + chance.normal(0, 0.1, (tags, seconds)).cumsum(axis=1), 2)
    t = np.arange(seconds, dtype=np.int64) * SECOND + T0
    return Walks(tuple(f"bench/device{i // 100}/tag{i}" for i in range(tags)), t, values)


def write(path: Path, data: Walks, *, wide: bool) -> None:
    """By the suffix of its name CSV or Parquet."""
    table = _wide(data) if wide else _long(data)
    if path.suffix == ".csv":
        pa_csv.write_csv(table, path)
    else:
        pq.write_table(table, path, compression="zstd")


def _stamps(t: Any) -> Any:
    return pa.array(t // 10**6).cast(pa.timestamp("ms", "UTC"))


def _wide(data: Walks) -> Any:
    return pa.table({"t": _stamps(data.t), **{path: data.values[i] for i, path in enumerate(data.paths)}})


def _long(data: Walks) -> Any:
    n = len(data.t)
    tags = pa.DictionaryArray.from_arrays(np.repeat(np.arange(len(data.paths), dtype=np.int32), n), list(data.paths))
    stamps = _stamps(np.tile(data.t, len(data.paths)))
    return pa.table({"tag": tags.cast(pa.string()), "t": stamps, "value": data.values.ravel()})
