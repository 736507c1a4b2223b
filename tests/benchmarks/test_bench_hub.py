"""A short run of what `./dev bench hub` measures: checking by columns, and delivery to readers and by objects."""

from __future__ import annotations

from bench_hub import checked_per_s, delivered_per_s, objects_per_s, run


def test_limits_are_passed_and_every_reader_has_the_picture() -> None:
    assert checked_per_s(2000, 1000, 0.02) > 0
    assert run(delivered_per_s(2000, 0.02)) > 0


def test_the_plain_pipeline_delivers() -> None:
    checked, delivered = run(objects_per_s(500, 0.02, queues=True))
    assert checked > 0
    assert delivered > 0
