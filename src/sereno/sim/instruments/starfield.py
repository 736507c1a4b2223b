"""What a simulated camera sees: stars by the seed and the place in the sky, light, noise, bias, dark and vignetting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, floor, radians

import numpy as np
from numpy.typing import NDArray

CELL = 0.25
"""Degrees of a cell of the sky; each has its own stars, the same in every image."""
FAINTEST = 19.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A sensor and the optics in front of it. Electrons, seconds, arcseconds, degrees Celsius."""

    name: str = "Visible camera"
    width: int = 1024
    height: int = 1024
    scale: float = 1.5
    gain: float = 1.4
    bias: float = 500.0
    read_noise: float = 6.0
    dark: float = 0.05
    full: float = 90_000.0
    most: int = 65535
    zero_point: float = 23.5
    sky: float = 2.0
    vignetting: float = 0.25
    readout: float = 2.0
    seed: int = 1


VISIBLE = Sensor()
INFRARED = Sensor(
    name="Near-infrared camera", width=640, height=512, scale=2.2, gain=2.2, bias=1200.0, read_noise=14.0, dark=1.5,
    sky=120.0, zero_point=22.5, readout=0.6, seed=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is in front of a sensor: where it points (J2000, hours and degrees), what is in the way, how sharp it is.

    `sky` counts how bright the sky is, 1 = a dark night; `lamp` electrons per second and pixel of a flat lamp.
    """

    right_ascension: float = 0.0
    declination: float = 0.0
    transmission: float = 1.0
    fwhm: float = 2.5
    sky: float = 1.0
    lamp: float = 0.0
    covered: bool = False


def stars(seed: int, right_ascension: float, declination: float, radius: float) -> NDArray[np.float64]:
    """Rows of right ascension (degrees), declination and magnitude around a place; the same for the same seed."""
    found = []
    lowest, highest = max(-90.0, declination - radius), min(90.0 - CELL / 2, declination + radius)
    for band in range(floor(lowest / CELL), floor(highest / CELL) + 1):
        middle = max(-89.9, min(89.9, (band + 0.5) * CELL))
        count = max(1, round(360.0 / CELL * cos(radians(middle))))
        width = 360.0 / count
        at_pole = abs(declination) + radius >= 90.0 - CELL
        reach = 180.0 if at_pole else min(180.0, radius / cos(radians(abs(declination) + radius)) + width)
        first = floor((right_ascension * 15.0 - reach) / width)
        last = floor((right_ascension * 15.0 + reach) / width)
        cells = dict.fromkeys(cell % count for cell in range(first, min(last, first + count - 1) + 1))
        found += [_cell(seed, band, cell, width) for cell in cells]
    return np.concatenate(found)


def _cell(seed: int, band: int, cell: int, width: float) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, band + 1000, cell])
    number = rng.poisson(90)
    magnitudes = np.clip(FAINTEST - rng.exponential(1.5, number), 6.0, FAINTEST)
    ra, dec = (cell + rng.random(number)) * width, (band + rng.random(number)) * CELL
    return np.column_stack((ra, dec, magnitudes))


def render(
    sensor: Sensor, scene: Scene, seconds: float, rng: np.random.Generator, *, light: bool, temperature: float,
    binning: int = 1, star_seed: int = 0,
) -> NDArray[np.uint16]:  # fmt: skip
    """One exposure, in the counts of the camera."""
    shape = sensor.height, sensor.width
    electrons = np.zeros(shape)
    if light:
        flat = _response(sensor)
        if scene.covered:
            electrons += scene.lamp * scene.transmission * seconds * flat
        else:
            light_of = _starlight(sensor, scene, star_seed) + sensor.sky * scene.sky + scene.lamp
            electrons += light_of * scene.transmission * seconds * flat
    electrons += dark_rate(sensor, temperature) * seconds * _hot(sensor)
    counted = np.minimum(rng.poisson(np.minimum(electrons, 10 * sensor.full)).astype(np.float64), sensor.full)
    if binning > 1:
        lines, columns = sensor.height // binning, sensor.width // binning
        cut = counted[: lines * binning, : columns * binning]
        counted = cut.reshape(lines, binning, columns, binning).sum(axis=(1, 3))
    noise = rng.normal(0.0, sensor.read_noise, counted.shape)
    counts = sensor.bias + (counted + noise) / sensor.gain
    return np.clip(np.rint(counts), 0, sensor.most).astype(np.uint16)


def dark_rate(sensor: Sensor, temperature: float) -> float:
    """Electrons per second and pixel: twice as many every 6 degrees, as declared at 0."""
    return sensor.dark * float(2.0 ** (temperature / 6.0))


@lru_cache(maxsize=8)
def _response(sensor: Sensor) -> NDArray[np.float64]:
    """How much of the light each pixel counts: darker towards the corners, and no pixel like the other."""
    y, x = np.mgrid[-1.0 : 1.0 : sensor.height * 1j, -1.0 : 1.0 : sensor.width * 1j]
    own = np.random.default_rng([sensor.seed, 7]).normal(1.0, 0.01, (sensor.height, sensor.width))
    found: NDArray[np.float64] = np.clip((1.0 - sensor.vignetting * (x * x + y * y) / 2.0) * own, 0.0, None)
    return found


@lru_cache(maxsize=8)
def _hot(sensor: Sensor) -> NDArray[np.float64]:
    """How much of the dark current each pixel has: one of a thousand is hot."""
    rng = np.random.default_rng([sensor.seed, 8])
    shape = sensor.height, sensor.width
    found: NDArray[np.float64] = np.where(rng.random(shape) < 0.001, 50.0, 1.0)
    return found


def _starlight(sensor: Sensor, scene: Scene, seed: int) -> NDArray[np.float64]:
    """Electrons per second from the stars alone."""
    image = np.zeros((sensor.height, sensor.width))
    radius = np.hypot(sensor.height, sensor.width) / 2 * sensor.scale / 3600.0 * 1.05
    for x, y, magnitude in _on_sensor(sensor, scene, stars(seed, scene.right_ascension, scene.declination, radius)):
        _spot(image, x, y, 10.0 ** (-0.4 * (magnitude - sensor.zero_point)), scene.fwhm / 2.355 / sensor.scale)
    return image


def _on_sensor(sensor: Sensor, scene: Scene, catalogue: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of x, y, magnitude: the tangent plane, north up, east to the left."""
    ra, dec = np.radians(catalogue[:, 0]), np.radians(catalogue[:, 1])
    centre_ra, centre_dec = np.radians(scene.right_ascension * 15.0), np.radians(scene.declination)
    near = np.sin(centre_dec) * np.sin(dec) + np.cos(centre_dec) * np.cos(dec) * np.cos(ra - centre_ra)
    east = np.cos(dec) * np.sin(ra - centre_ra) / near
    north = (np.cos(centre_dec) * np.sin(dec) - np.sin(centre_dec) * np.cos(dec) * np.cos(ra - centre_ra)) / near
    pixel = np.radians(sensor.scale / 3600.0)
    x, y = (sensor.width - 1) / 2 - east / pixel, (sensor.height - 1) / 2 + north / pixel
    inside = (near > 0) & (x > -20) & (x < sensor.width + 20) & (y > -20) & (y < sensor.height + 20)
    found: NDArray[np.float64] = np.column_stack((x, y, catalogue[:, 2]))[inside]
    return found


def _spot(image: NDArray[np.float64], x: float, y: float, flux: float, sigma: float) -> None:
    """Add one star."""
    reach = int(min(40.0, 4.0 * sigma + 2.0))
    left, low = int(x) - reach, int(y) - reach
    columns = np.arange(max(0, left), min(image.shape[1], int(x) + reach + 1))
    lines = np.arange(max(0, low), min(image.shape[0], int(y) + reach + 1))
    if not len(columns) or not len(lines):
        return
    across, along = (np.exp(-((axis - at) ** 2) / (2 * sigma**2)) for axis, at in ((columns, x), (lines, y)))
    spot = np.outer(along, across) * (flux / (2 * np.pi * sigma**2))
    image[lines[0] : lines[-1] + 1, columns[0] : columns[-1] + 1] += spot
