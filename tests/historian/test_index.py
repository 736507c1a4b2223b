from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sereno.historian.index import RecordTable, group_rows, merge_rows

SAMPLES = st.lists(st.tuples(st.integers(0, 5), st.integers(-5, 5)), max_size=40)
IDS = np.array([70, 10, 60, 20, 50, 30])


@given(st.lists(SAMPLES.filter(bool), min_size=1, max_size=4))
def test_rows_of_a_tag_are_found_in_log_order(parts: list[list[tuple[int, int]]]) -> None:
    chunks, every = [], []
    for part in parts:
        keys, t = (np.array(c, np.int64) for c in zip(*part, strict=True))
        chunks.append(group_rows(keys, IDS[keys], t, len(every)))
        every += part
    merged = merge_rows(chunks)
    for key, tag in enumerate(IDS.tolist()):
        expected = [i for i, (k, _) in enumerate(every) if k == key]
        assert merged.rows_of(tag).tolist() == expected
        assert np.concatenate([c.rows_of(tag) for c in chunks]).tolist() == expected
        entry = merged.tags[merged.tags["id"] == tag]
        times = [t for k, t in every if k == key]
        assert not len(times) or (entry["t_min"], entry["t_max"]) == (min(times), max(times))
    assert merged.rows_of(11).tolist() == []


def test_snapshots_of_the_record_table_stay_as_they_were() -> None:
    table = RecordTable()
    for i in range(100):
        table.append((i, 0, 0, 0, 0, 1, 8, 0, 0))
    early, _ = table.snapshot()
    for i in range(100, 1000):
        table.append((i, 0, 0, 0, 0, 1, 8, 0, 0))
    assert early["offset"].tolist() == list(range(100))
    assert table.snapshot()[0]["offset"].tolist() == list(range(1000))
