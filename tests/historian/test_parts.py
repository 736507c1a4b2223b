"""Copies of a folder that is written to: no half record, no unknown tag, and the copy opens without a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.historian.disk import SystemDisk
from sereno.historian.parts import parts
from sereno.historian.record import RecordKind, encode_record
from sereno.historian.recovery import open_log
from sereno.historian.segment import HEADER_SIZE, SegmentHeader, encode_header, segment_path


def log(folder: Path, number: int, records: int, tail: bytes = b"") -> Path:
    """A segment of GAP records."""
    path = segment_path(folder / "log", number)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = encode_header(SegmentHeader(number, 1, 1))
    for t in range(records):
        data += b"".join(encode_record(RecordKind.GAP, [bytes(16)], 10 + t, number, len(data)))
    path.write_bytes(data + tail)
    return path


@pytest.mark.parametrize("tail", [b"", b"\xffSR\xfe" + bytes(4), bytes(100)])
def test_the_newest_segment_ends_with_a_whole_record(tmp_path: Path, tail: bytes) -> None:
    whole = log(tmp_path, 2, 3).stat().st_size
    log(tmp_path, 1, 2)
    log(tmp_path, 2, 3, tail)
    (tmp_path / "log" / "000000000001.idx").write_bytes(b"index")
    (tmp_path / "log" / "000000000002.idx").write_bytes(b"of a segment that is not sealed for this copy")
    (tmp_path / "tags.jsonl").write_bytes(b'{"a":1}\n{"half')
    (tmp_path / "lock").write_bytes(b"1\n")
    found = [(part.name, part.size) for part in parts(tmp_path)]
    sealed = (tmp_path / "log" / "000000000001.log").stat().st_size
    assert found == [
        ("log/000000000001.log", sealed),
        ("log/000000000001.idx", 5),
        ("log/000000000002.log", whole),
        ("tags.jsonl", 8),
    ]
    copy = tmp_path / "copy"
    (copy / "log").mkdir(parents=True)
    for part in parts(tmp_path):
        (copy / part.name).write_bytes(part.path.read_bytes()[: part.size])
    assert open_log(SystemDisk(), copy / "log").faults == []


def test_definitions_come_last_so_that_they_know_every_tag_of_the_copy(tmp_path: Path) -> None:
    log(tmp_path, 1, 1)
    (tmp_path / "tags.jsonl").write_bytes(b"{}\n")
    taken = iter(parts(tmp_path))
    assert next(taken).name == "log/000000000001.log"
    (tmp_path / "tags.jsonl").write_bytes(b"{}\n{}\n")
    assert next(taken).size == 6


def test_a_folder_without_history_has_no_parts(tmp_path: Path) -> None:
    assert list(parts(tmp_path)) == []
    assert list(parts(tmp_path / "none")) == []
    log(tmp_path, 1, 0)
    assert [part.size for part in parts(tmp_path)] == [HEADER_SIZE]
