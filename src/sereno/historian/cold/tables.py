"""The whole history as tables of DuckDB, for reading: what is cold out of its files, what is hot out of the log.

`samples` (tag, t, value, quality) are the numbers, `texts` (tag, t, text, quality) strings and JSON, `tags` what they
were declared as; `rollup_1m`, `rollup_1h` and `rollup_1d` are the roll-ups, of what is cold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sereno.historian.disk import Disk, SystemDisk
from sereno.historian.tags import Definition
from sereno.model import ValueType

from .compacting import STATE_PLACE, load_definitions
from .gaps import add_gap_rows
from .kinds import OBJECT, ROLLUPS
from .log import read_log
from .manifest import FOLDER, ColdFile, Manifest, load_manifest
from .rows import EXACT_INT, OBJECT_ROW, ColdRows
from .statefile import load_state
from .stretches import Stretches
from .writing import object_parts

_NAMED = "select tags.path as tag, s.* exclude (tag) from ({}) s join tags on s.tag = tags.id"


def open_tables(folder: Path, database: str = ":memory:") -> Any:
    """A DuckDB connection with the history of a historian's folder as it is now; nothing is written there.

    `database` is a new file to put them in, which plain DuckDB opens while the cold files that it names are there.
    Raises OperationError, OSError, DamagedError.
    """
    import duckdb

    disk = SystemDisk()
    manifest = load_manifest(disk, folder)
    definitions = load_definitions(disk, folder)
    hot = hot_rows(disk, folder, manifest)
    connection = duckdb.connect(database)
    connection.execute("set timezone = 'UTC'")
    connection.execute("create table tags (id bigint, path varchar, type varchar, unit varchar, decimals integer)")
    rows = [(d.id, d.path, d.type.value, d.unit, d.decimals) for d in definitions.values()]
    if rows:
        connection.executemany("insert into tags values (?, ?, ?, ?, ?)", rows)
    _keep(connection, "hot_samples", _numbers(hot, definitions))
    _keep(connection, "hot_texts", _texts(hot))
    numbers = [f for f in manifest.files if f.kind != OBJECT and f.kind not in ROLLUPS]
    _view(connection, "samples", "cast(value as double) as value", folder, numbers)
    _view(connection, "texts", "text", folder, [f for f in manifest.files if f.kind == OBJECT])
    for kind in ROLLUPS:
        listed = _listed(folder, [f for f in manifest.files if f.kind == kind])
        if listed:
            cold = f"select * from read_parquet({listed}, union_by_name = true)"  # noqa: S608 - our own names
            connection.execute(f"create view rollup_{kind} as {_NAMED.format(cold)}")
    return connection


def hot_rows(disk: Disk, folder: Path, manifest: Manifest) -> ColdRows:
    """What is not compacted, up to the last whole record of the log, in order; gaps are rows of bad quality."""
    state = load_state(disk, folder, manifest)
    numbers = sorted(int(p.stem) for p in (folder / "log").glob("*.log") if p.stem.isdigit())
    content = read_log(disk, folder, [n for n in numbers if n > manifest.compacted], state)
    before = state.rows.take(slice(None))
    before.place[:] = STATE_PLACE
    stretches = Stretches([before, *content.parts], np.empty(0, np.int64))
    add_gap_rows(stretches, content.gaps)
    (rows,) = stretches.rows
    return rows.take(rows.place != STATE_PLACE)


def _numbers(hot: ColdRows, definitions: Mapping[int, Definition]) -> dict[str, Any]:
    rows = hot.take(hot.form != OBJECT_ROW)
    unsigned = np.isin(rows.tag, [d.id for d in definitions.values() if d.type is ValueType.UINT64])
    whole = np.where(unsigned, rows.bits.view(np.uint64).astype(np.float64), rows.bits.astype(np.float64))
    value = np.where(rows.form == EXACT_INT, whole, rows.values)
    return {"tag": rows.tag, "t": rows.t, "value": value, "quality": rows.quality}


def _texts(hot: ColdRows) -> dict[str, Any]:
    rows = hot.take(hot.form == OBJECT_ROW)
    texts = [object_parts(rows.objects[i])[0] for i in rows.bits.tolist()]
    kept = np.array([text is not None for text in texts], np.bool_)
    rows = rows.take(kept)
    return {"tag": rows.tag, "t": rows.t, "text": [t for t in texts if t is not None], "quality": rows.quality}


def _keep(connection: Any, name: str, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa

    types = {"tag": pa.int64(), "t": pa.timestamp("ns", "UTC"), "value": pa.float64(), "quality": pa.uint16()}
    arrays = [pa.array(column, types.get(key, pa.string())) for key, column in columns.items()]
    connection.register("piece", pa.Table.from_arrays(arrays, names=list(columns)))
    connection.execute(f"create table {name} as select * from piece")  # noqa: S608 - our own names
    connection.unregister("piece")


def _view(connection: Any, name: str, value: str, folder: Path, files: Sequence[ColdFile]) -> None:
    """Hot and cold in one. Of a sample that is in both, the hot one was written later. What is null is left out."""
    parts = [f"select * from hot_{name}"]  # noqa: S608 - our own names
    column = value.rsplit(" ", maxsplit=1)[-1]
    for unit in sorted({f.unit for f in files}):
        listed = _listed(folder, [f for f in files if f.unit == unit])
        parts.append(
            f"select tag, cast(t as timestamptz_ns) as t, {value}, quality "  # noqa: S608 - our own names
            f"from read_parquet({listed}, union_by_name = true) c where {column} is not null "
            f"and not exists (select 1 from hot_{name} h where h.tag = c.tag and h.t = cast(c.t as timestamptz_ns))"
        )
    connection.execute(f"create view {name} as {_NAMED.format(' union all '.join(parts))}")


def _listed(folder: Path, files: Sequence[ColdFile]) -> str:
    """A list of SQL, or nothing."""
    names = [str((folder / FOLDER / f.name).absolute()).replace("'", "''") for f in files]
    return "[" + ", ".join(f"'{name}'" for name in names) + "]" if names else ""
