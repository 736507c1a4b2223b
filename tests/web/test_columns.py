from __future__ import annotations

import math

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Update
from sereno.model import TagSpec, ValueType
from sereno.web.columns import EventColumns, Picture

T = 1_763_640_000_000_000_000
TAGS = (
    TagSpec(path="a/b"),
    TagSpec(path="a/c", type=ValueType.BOOL),
    TagSpec(path="a/d", type=ValueType.ENUM, labels=("off", "on")),
    TagSpec(path="a/e", type=ValueType.UINT64),
    TagSpec(path="a/f", type=ValueType.INT32),
    TagSpec(path="a/g", type=ValueType.STRING),
)


def _update(seq: int, rows: dict[int, float], *, snapshot: bool = False, **more: object) -> Update:
    exact: dict[int, int] = more.pop("exact", {})  # type: ignore[assignment]
    return Update(
        seq=seq,
        t_hub=T,
        snapshot=snapshot,
        index=np.array(list(rows), np.int32),
        values=np.array(list(rows.values()), np.float64),
        t_source=np.full(len(rows), T + seq, np.int64),
        quality=np.full(len(rows), more.pop("quality", 0), np.uint16),
        exact_rows=np.array([list(rows).index(i) for i in exact], np.int32),
        exact_values=np.array(list(exact.values()), np.int64),
        **more,  # type: ignore[arg-type]
    )


def test_values_are_written_by_type() -> None:
    update = _update(
        3,
        {0: 1.5, 1: 1.0, 2: 1.0, 3: 1.8e19, 4: -7.0},
        snapshot=True,
        exact={3: -1},
        objects=((5, "summer", T, 0x8031),),
    )
    assert orjson.loads(EventColumns(TAGS).encode(update)) == {
        "seq": 3,
        "t_hub": "2025-11-20T12:00:00.000000Z",
        "snapshot": True,
        "tags": [tag.path for tag in TAGS],
        "index": [0, 1, 2, 3, 4, 5],
        "value": [1.5, True, "on", 2**64 - 1, -7, "summer"],
        "quality": ["good"] * 5 + ["bad"],
        "t_source": ["2025-11-20T12:00:00.000000Z"] * 6,
    }


def test_no_value_is_null_and_reasons_are_in_words() -> None:
    columns = EventColumns(TAGS)
    body = orjson.loads(
        columns.encode(_update(1, dict.fromkeys(range(5), math.nan), quality=0x8031, reasons={0: "stale"}))
    )
    assert body["value"] == [None] * 5
    assert body["quality"] == ["bad"] * 5
    assert body["reasons"] == {"0": "stale"}
    assert "tags" not in body


def test_an_enum_code_without_label_stays_a_number() -> None:
    assert orjson.loads(EventColumns(TAGS).encode(_update(1, {2: 9.0})))["value"] == [9]


def test_a_reason_goes_when_the_value_is_good_again() -> None:
    picture = Picture(len(TAGS))
    picture.apply(_update(0, {0: 1.0, 1: 0.0}, snapshot=True, reasons={0: "stale", 1: "stale"}, quality=0x8031))
    picture.apply(_update(1, {0: 2.0}))
    assert picture.snapshot().reasons == {1: "stale"}


def test_a_new_snapshot_replaces_everything() -> None:
    picture = Picture(len(TAGS))
    picture.apply(_update(0, {0: 1.0, 3: 5.0}, snapshot=True, exact={3: 5}, objects=((5, "x", T, 0),)))
    picture.apply(_update(1, {1: 1.0}, snapshot=True))
    now = picture.snapshot()
    assert (now.index.tolist(), now.objects, now.exact_rows.tolist(), now.seq) == ([1], (), [], 1)


_rows = st.dictionaries(st.integers(0, 4), st.floats(allow_nan=False, width=32), max_size=5)
_texts = st.dictionaries(st.just(5), st.text(max_size=3), max_size=1)


@given(st.lists(st.tuples(_rows, _texts, st.booleans()), max_size=8))
def test_the_picture_is_what_a_dict_would_hold(steps: list[tuple[dict[int, float], dict[int, str], bool]]) -> None:
    picture, model = Picture(len(TAGS)), {}
    for seq, (rows, texts, snapshot) in enumerate(steps):
        exact = {i: seq for i in rows if i == 3}
        objects = tuple((i, text, T, 0) for i, text in texts.items())
        picture.apply(_update(seq, rows, snapshot=snapshot, exact=exact, objects=objects))
        model = {} if snapshot else model
        model.update({i: float(seq) if i == 3 else v for i, v in rows.items()})
        model.update(texts)
    now = picture.snapshot()
    values = dict(zip(now.index.tolist(), now.values.tolist(), strict=True))
    values.update({int(now.index[r]): float(v) for r, v in zip(now.exact_rows, now.exact_values, strict=True)})
    values.update({position: value for position, value, _, _ in now.objects})
    assert values == model
    assert now.snapshot
