from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import (
    EMPTY_INDEX,
    MAX_OBJECT_BYTES,
    ExactBlock,
    GroupId,
    ObjectSample,
    RowIndex,
    SampleBatch,
    TagHandle,
    seal,
)

INDEX = RowIndex([3, 5, 9])


def make(**changes: Any) -> SampleBatch:
    columns: dict[str, Any] = {"values": np.array([1.0, 2.0, 3.0]), "t_source": 7, "quality": 0, **changes}
    return seal(GroupId(1), 4, columns.pop("index", INDEX), **columns)


def exact(rows: list[int], kind: Any = np.int32, values: Any = np.int64) -> ExactBlock:
    return ExactBlock(np.array(rows, kind), np.zeros(len(rows), values))


@given(st.lists(st.integers(0, 2**31 - 1)))
def test_an_index_is_strictly_increasing(handles: list[int]) -> None:
    if handles == sorted(set(handles)):
        assert RowIndex(handles).handles.tolist() == handles
    else:
        with pytest.raises(ValueError, match="strictly increasing"):
            RowIndex(handles)
    assert len(RowIndex(sorted(set(handles)))) == len(set(handles))


@pytest.mark.parametrize("wrong", [[-1, 0], [[1, 2]], 5])
def test_handles_that_cannot_be_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="handles of a batch"):
        RowIndex(wrong)


def test_an_index_owns_its_handles() -> None:
    handles = np.array([1, 2], np.int32)
    index = RowIndex(handles)
    handles[0] = 9
    assert index.handles.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        index.handles[0] = 9
    assert len(EMPTY_INDEX) == 0


def test_scalars_hold_for_all_rows() -> None:
    batch = make(t_source=1_700_000_000_000_000_000, quality=0x8031)
    assert batch.t_source.tolist() == [1_700_000_000_000_000_000] * 3
    assert batch.quality.tolist() == [0x8031] * 3
    assert (batch.t_source.dtype, batch.quality.dtype) == (np.int64, np.uint16)
    assert len(batch) == 3
    assert batch.handles is INDEX.handles
    assert len(make(index=RowIndex([]), values=np.empty(0))) == 0


def test_columns_are_given_away_and_frozen() -> None:
    values, times, codes = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3]), np.zeros(3, np.uint16)
    block = exact([0, 2])
    batch = make(values=values, t_source=times, quality=codes, exact=block)
    assert batch.values is values
    assert batch.t_source is times
    assert batch.quality is codes
    for column in (values, times, codes, block.rows, block.values):
        assert not column.flags.writeable


def test_narrower_columns_are_widened() -> None:
    batch = make(t_source=np.array([1, 2, 3], np.int32), quality=np.zeros(3, np.uint8))
    assert (batch.t_source.dtype, batch.quality.dtype) == (np.int64, np.uint16)
    assert not batch.quality.flags.writeable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"values": np.zeros(2)}, "3 rows got columns"),
        ({"values": np.zeros((3, 1))}, "3 rows got columns"),
        ({"t_source": np.zeros(4, np.int64)}, "3 rows got columns"),
        ({"quality": np.zeros(2, np.uint16)}, "3 rows got columns"),
        ({"values": np.zeros(3, np.float32)}, "expected float64"),
        ({"values": np.zeros(3, np.int64)}, "exact block"),
        ({"exact": exact([0, 3])}, "within the 3 rows"),
        ({"exact": exact([-1, 1])}, "within the 3 rows"),
        ({"exact": exact([1, 1])}, "must increase"),
        ({"exact": exact([2, 1])}, "must increase"),
        ({"exact": exact([0], np.int64)}, "int64 rows"),
        ({"exact": exact([0], np.int32, np.uint64)}, "uint64 values"),
        ({"exact": ExactBlock(np.zeros(2, np.int32), np.zeros(1, np.int64))}, "alike"),
    ],
)
def test_what_cannot_be_a_batch_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_an_exact_block_may_be_sealed_again_and_be_empty() -> None:
    block = exact([0, 2])
    assert make(exact=block).exact is block
    assert make(exact=block).exact is block
    make(exact=exact([]))


@pytest.mark.parametrize("kind", ["string", "bytes", "array"])
def test_objects_beside_the_rows_are_capped_and_frozen(kind: str) -> None:
    def sample(size: int) -> ObjectSample:
        made: dict[str, Any] = {"string": "x" * size, "bytes": b"x" * size, "array": np.zeros(size, np.uint8)}
        return ObjectSample(TagHandle(1), made[kind], 5, 0)

    largest = sample(MAX_OBJECT_BYTES)
    assert make(objects=(largest,)).objects == (largest,)
    if kind == "array":
        assert not largest.value.flags.writeable
    with pytest.raises(ValueError, match="by reference"):
        make(objects=(sample(MAX_OBJECT_BYTES + 1),))


def test_admission_shares_the_columns() -> None:
    batch = make(exact=exact([1]), objects=(ObjectSample(TagHandle(1), "x", 5, 0),), complete=False)
    mask = np.array([True, False, True])
    admitted = batch.admitted(t_hub=99, changed=mask)
    for name in ("group", "seq", "index", "values", "t_source", "quality", "exact", "objects", "complete"):
        assert getattr(admitted, name) is getattr(batch, name), name
    assert (admitted.t_hub, admitted.changed) == (99, mask)
    assert not mask.flags.writeable
    assert (batch.t_hub, batch.changed) == (0, None)


def test_batches_are_told_apart_by_identity() -> None:
    first, second = make(), make()
    assert first != second
    assert len({first, second}) == 2
