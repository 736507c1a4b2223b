from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.sim.sensors.signals import LEVELS, Shape, replayed, values_of


def test_the_sawtooth_rises_half_of_its_period_and_falls_in_the_other() -> None:
    signal = Shape().signal()
    assert [signal(t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)] == [-1.0, 0.0, 1.0, 0.0, -1.0]


def test_duty_and_amplitude() -> None:
    steep = Shape(duty=1.0, amplitude=2.0).signal()
    assert steep(0.0) == -2.0
    assert steep(0.75) == 1.0
    assert Shape(duty=0.0).signal()(0.25) == 0.5


@given(st.sampled_from(["sawtooth", "sine", "steps"]), st.floats(0, 1e6), st.floats(0, 1), st.floats(1e-3, 1e3))
def test_signals_stay_within_their_amplitude(name: str, t: float, duty: float, period: float) -> None:
    assert abs(Shape(name, period, 3.0, duty).signal()(t)) <= 3.0 + 1e-9


def test_steps_and_sine() -> None:
    steps = Shape("steps", period=2.0).signal()
    assert [steps(2.0 * n + 0.5) for n in range(6)] == [*LEVELS, LEVELS[0]]
    assert math.isclose(Shape("sine", period=4.0).signal()(1.0), 1.0)


def test_noise_is_the_same_again_for_the_same_seed() -> None:
    one, other = (Shape("noise", seed=7).signal() for _ in range(2))
    values = [one(0.0) for _ in range(50)]
    assert values == [other(0.0) for _ in range(50)]
    assert len(set(values)) == 50


def test_a_file_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("time,value\n0, 1.5\n# a remark\n\n1, -2\n", encoding="utf-8")
    values = values_of(file)
    assert values == [1.5, -2.0]
    signal = replayed(values, 0.1)
    assert [signal(n * 0.1) for n in range(5)] == [1.5, -2.0, 1.5, -2.0, 1.5]


@pytest.mark.parametrize(
    ("text", "words"), [("1\ntwo\n", ":2: 'two'"), ("", "no number in it"), ("heading\n", "no number")]
)
def test_files_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "kept.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        values_of(file)


def test_shapes_that_are_none() -> None:
    for keys in ({"name": "square"}, {"period": 0.0}, {"duty": 1.5}):
        with pytest.raises(ValueError, match="expected"):
            Shape(**keys)  # type: ignore[arg-type]
