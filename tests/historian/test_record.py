from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.historian.record import HEAD_SIZE, MARKER, Damage, Record, RecordKind, encode_record, scan_records

START = 64
PAYLOAD = st.binary(max_size=6).map(lambda b: b * 8)


def log_of(payloads: list[bytes], segment: int = 7) -> bytes:
    data = bytearray(START)
    for i, payload in enumerate(payloads):
        data += b"".join(encode_record(RecordKind.ROWS, [payload], i, segment, len(data)))
    return bytes(data)


def found(data: bytes, segment: int = 7) -> tuple[list[bytes], list[Damage]]:
    items = list(scan_records(data, segment, START))
    return [bytes(r.payload) for r in items if isinstance(r, Record)], [d for d in items if isinstance(d, Damage)]


@given(st.lists(PAYLOAD, max_size=5))
def test_records_are_found_again(payloads: list[bytes]) -> None:
    assert found(log_of(payloads)) == (payloads, [])


@given(st.lists(PAYLOAD, min_size=1, max_size=4), st.data())
def test_a_cut_leaves_the_whole_records_before_it(payloads: list[bytes], data: st.DataObject) -> None:
    log = log_of(payloads)
    cut = data.draw(st.integers(START, len(log) - 1))
    records, damage = found(log[:cut])
    assert records == payloads[: len(records)]
    assert sum(HEAD_SIZE + len(p) for p in records) + START <= cut
    assert all(d.torn for d in damage)
    assert len(damage) <= 1


@given(st.lists(PAYLOAD, min_size=1, max_size=4), st.data())
def test_a_flipped_byte_costs_its_record_only(payloads: list[bytes], data: st.DataObject) -> None:
    log = bytearray(log_of(payloads))
    at = data.draw(st.integers(START, len(log) - 1))
    log[at] ^= data.draw(st.integers(1, 255))
    ends = [START]
    for payload in payloads:
        ends.append(ends[-1] + HEAD_SIZE + len(payload))
    hit = sum(end <= at for end in ends) - 1
    records, damage = found(bytes(log))
    assert records == payloads[:hit] + payloads[hit + 1 :]
    assert [(d.offset, d.end) for d in damage] == [(ends[hit], ends[hit + 1])]


def test_a_record_in_a_wrong_place_or_segment_is_none() -> None:
    log = log_of([b"a" * 8, b"b" * 16])
    assert found(log, segment=8)[0] == []
    assert found(log[:START] + bytes(8) + log[START:])[0] == []


@given(st.binary(max_size=300))
def test_noise_is_damage(noise: bytes) -> None:
    data = bytes(START) + MARKER + noise
    records, damage = found(data)
    assert records == []
    assert [(d.offset, d.end, d.torn) for d in damage] == [(START, len(data), True)]
