"""Cuts and widths, against an independent implementation and stars of known width."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sereno_observatory.pages.imagemeasure import HALF, star, zscale

WIDTHS = 2 * math.sqrt(2 * math.log(2))


def field(sigma: float, at: tuple[float, float], flux: float = 20_000.0, noise: float = 10.0) -> NDArray[np.uint16]:
    rows, columns = np.mgrid[0:80, 0:100]
    peak = flux / (2 * math.pi * sigma**2)
    squares = (rows - at[1]) ** 2 + (columns - at[0]) ** 2
    sky = np.random.default_rng(3).normal(1000.0, noise, (80, 100))
    return np.clip(sky + peak * np.exp(-squares / (2 * sigma**2)), 0, 65535).astype(np.uint16)


@pytest.mark.parametrize("sigma", [0.9, 1.3, 2.0, 3.0])
@pytest.mark.parametrize("at", [(50.0, 40.0), (30.4, 20.7), (4.0, 5.0)])
def test_a_star_is_found_near_the_place_and_as_wide_as_it_is(sigma: float, at: tuple[float, float]) -> None:
    found = star(field(sigma, at), round(at[0]) + 3, round(at[1]) - 2)
    assert found is not None
    assert (found["x"], found["y"]) == pytest.approx(at, abs=0.15)
    assert found["fwhm"] == pytest.approx(sigma * WIDTHS, rel=0.08)
    assert found["sky"] == pytest.approx(1000, abs=12)
    assert found["flux"] == pytest.approx(20_000, rel=0.2)


def test_the_sky_and_the_edge_are_no_star() -> None:
    image = field(1.5, (50.0, 40.0))
    assert star(image, 20, 60) is None
    assert star(image[:3], 2, 2) is None
    assert star(np.full((40, 40), np.nan), 20, 20) is None
    assert star(np.zeros((40, 40)), 20, 20) is None
    assert star(image, 50 + HALF + 4, 40) is None


@pytest.mark.parametrize("kind", ["stars", "bias", "ramp", "flat"])
def test_the_cuts_are_those_of_iraf(kind: str, require_package: Callable[[str, str], Any]) -> None:
    visualization = require_package("astropy.visualization", "astropy")
    image = {
        "stars": field(2.0, (50.0, 40.0), 1e6).astype(float),
        "bias": np.random.default_rng(1).normal(500.0, 5.0, (80, 100)),
        "ramp": np.linspace(0.0, 1.0, 8000),
        "flat": np.full(8000, 7.0),
    }[kind]
    expected = visualization.ZScaleInterval(n_samples=1000, contrast=0.25).get_limits(image)
    span = max(expected[1] - expected[0], 1e-9)
    found = zscale(image.ravel())
    assert found[0] == pytest.approx(expected[0], abs=0.1 * span)
    assert found[1] == pytest.approx(expected[1], abs=0.1 * span)
    assert found[1] <= image.max()
