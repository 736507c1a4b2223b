"""A Series as a table of Arrow, pandas or polars; each is imported when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._values import Series


def arrow_table(series: Series) -> Any:
    """Columns `t` (timestamp ns UTC), `value`, `quality`, in buckets also `low`, `high` and `count`.

    int64 and uint64 tags have exact integers; a value that is not known is null. Needs pyarrow.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"t": pa.array(series.t, pa.timestamp("ns", "UTC")), "value": _values(series)}
    columns["quality"] = pa.array(series.quality)
    for name in ("low", "high", "count"):
        column = getattr(series, name)
        if column is not None:
            columns[name] = pa.array(column, from_pandas=True)
    return pa.table(columns)


def _values(series: Series) -> Any:
    import pyarrow as pa

    if series.objects is not None:
        return pa.array([v.ravel().tolist() if isinstance(v, np.ndarray) else v for v in series.objects])
    if series.exact is not None:
        return pa.array(series.exact, mask=np.isnan(series.value))
    return pa.array(series.value, from_pandas=True)
