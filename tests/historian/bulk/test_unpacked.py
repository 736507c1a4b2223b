"""How much a part is once it is unpacked: told before it is, whoever made it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sereno.historian.bulk.pieces import pieces_of
from sereno.historian.bulk.unpacked import MAX_UNPACKED, MAX_VALUES, check_size


def stream(columns: dict[str, Any], compression: str | None = None, batches: int = 1) -> bytes:
    batch = pa.RecordBatch.from_pydict(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return bytes(sink.getvalue())


WORDS = pa.array(["a", "b", "a"]).dictionary_encode()
SMALL = stream({"tag": WORDS, "t": pa.array([1, 2, 3]), "value": pa.array([1.0, None, 3.0])}, "lz4")


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_what_is_small_may_be_compressed(compression: str | None) -> None:
    columns = {"tag": WORDS, "t": pa.array(np.arange(3)), "value": pa.array([1.0, 2.0, 3.0])}
    check_size(memoryview(stream(columns, compression)))


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("batches", [1, 8])
def test_what_is_too_much_once_it_is_unpacked_is_refused_before(compression: str, batches: int) -> None:
    n = (MAX_UNPACKED >> 3) // batches + 8
    part = stream({"t": pa.array(np.zeros(n, np.int64))}, compression, batches)
    assert len(part) < 1 << 20
    with pytest.raises(ValueError, match="bytes once it is unpacked, at most 67108864; make smaller parts"):
        pieces_of(memoryview(part), {})


def test_bits_that_become_numbers_are_counted_as_such() -> None:
    columns = {f"c{i}": pa.array(np.ones(1000, np.bool_)) for i in range(MAX_VALUES // 1000 + 1)}
    part = stream(columns)
    with pytest.raises(ValueError, match=r"values, at most 8388608"):
        check_size(memoryview(part))


def test_a_length_that_the_buffers_do_not_have_is_an_error_and_not_the_end_of_the_process() -> None:
    part = stream({"t": pa.array(np.arange(10)), "a/b": pa.array(np.ones(10))})
    longer = part.replace(struct.pack("<q", 10), struct.pack("<q", 100_000))
    with pytest.raises(ValueError, match="Buffer #1 too small"):
        pieces_of(memoryview(longer), {})


@example([(316, 40)], 0)
@example([(40, 40)], 0)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(SMALL)))
def test_any_bytes_are_taken_or_refused(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(SMALL)
    for at, byte in changes:
        data[at] = byte
    for part in (data, data[:end]):
        try:
            pieces_of(memoryview(bytes(part)), {})
        except ValueError:
            continue


def test_nothing_is_no_part() -> None:
    """It was put by as one, and the import that it was in could never be merged."""
    with pytest.raises(ValueError, match="the part is empty"):
        check_size(memoryview(b""))
