"""Simulated instruments as models: physics, noise, and that the same seed gives the same."""

from __future__ import annotations

import numpy as np
import pytest

from sereno.device.instruments import CameraState, ShutterState, sky
from sereno.model import DeviceError
from sereno.sim.instruments.camera import SimCamera
from sereno.sim.instruments.dome import SimDome
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Scene, Sensor, dark_rate, render, stars
from sereno.sim.instruments.telescope import SimTelescope
from sereno.testing import JumpingClock

SENSOR = Sensor(width=200, height=160, scale=4.0)


def exposed(scene: Scene, seconds: float, *, light: bool = True, seed: int = 5, **more: float) -> np.ndarray:
    temperature = more.get("temperature", -10.0)
    rng = np.random.default_rng(seed)
    return render(SENSOR, scene, seconds, rng, light=light, temperature=temperature, star_seed=3).astype(float)


def test_a_bias_is_level_and_read_noise() -> None:
    bias = exposed(Scene(), 0.0, light=False)
    assert np.mean(bias) == pytest.approx(SENSOR.bias, abs=0.5)
    assert np.std(bias) == pytest.approx(SENSOR.read_noise / SENSOR.gain, rel=0.1)


def test_a_dark_grows_with_time_and_warmth() -> None:
    cold, warm = (np.median(exposed(Scene(), 3000.0, light=False, temperature=t)) - SENSOR.bias for t in (0.0, 6.0))
    assert cold == pytest.approx(dark_rate(SENSOR, 0.0) * 3000.0 / SENSOR.gain, rel=0.05)
    assert warm / cold == pytest.approx(2.0, rel=0.05)


def test_a_flat_is_darker_in_the_corners_and_saturates() -> None:
    flat = exposed(Scene(covered=True, lamp=400.0), 60.0) - SENSOR.bias
    middle, corner = np.mean(flat[70:90, 90:110]), np.mean(flat[:20, :20])
    assert corner / middle == pytest.approx(1.0 - 0.81 * SENSOR.vignetting, abs=0.02)
    assert exposed(Scene(covered=True, lamp=400.0), 10_000.0).max() <= min(SENSOR.most, 1.02 * SENSOR.full / 1.4 + 500)


def test_stars_are_where_the_telescope_points_and_move_with_it() -> None:
    here = exposed(Scene(right_ascension=5.0, declination=20.0), 60.0)
    again = exposed(Scene(right_ascension=5.0, declination=20.0), 60.0, seed=6)
    moved = exposed(Scene(right_ascension=5.0, declination=20.0 + 10 * SENSOR.scale / 3600), 60.0, seed=6)
    bright = here > np.median(here) + 60
    assert 20 < bright.sum() < here.size / 4
    assert np.corrcoef(here.ravel(), again.ravel())[0, 1] > 0.9
    assert np.corrcoef(here.ravel(), moved.ravel())[0, 1] < 0.5
    assert np.corrcoef(here[10:, :].ravel(), moved[:-10, :].ravel())[0, 1] > 0.9


def test_clouds_filters_and_a_closed_dome_take_light_away() -> None:
    open_, filtered, closed = (
        np.median(exposed(scene, 60.0)) for scene in (Scene(), Scene(transmission=0.4), Scene(covered=True))
    )
    assert open_ > filtered > closed
    assert closed == pytest.approx(SENSOR.bias + dark_rate(SENSOR, -10.0) * 60 / SENSOR.gain, abs=2)


@pytest.mark.parametrize("place", [(0.0, 0.0), (23.999, 10.0), (6.0, 89.9), (12.0, -89.95)])
def test_a_star_is_the_same_in_every_field(place: tuple[float, float]) -> None:
    wide, narrow = stars(1, *place, 0.6), stars(1, *place, 0.2)
    near = {tuple(row) for row in narrow.tolist()}
    assert near <= {tuple(row) for row in wide.tolist()}
    inside = [row for row in wide.tolist() if sky.separation((row[0] / 15, row[1]), place) < 0.2]
    assert {tuple(row) for row in inside} <= near


def test_the_same_seed_gives_the_same_image_and_another_gives_another() -> None:
    def image(seed: int) -> np.ndarray:
        clock = JumpingClock()
        site = SimObservatory(clock, seed=seed, visible=SENSOR, roofless=True)
        site.visible.expose(30.0)
        clock.advance(40.0)
        return site.visible.image()

    assert np.array_equal(image(1), image(1))
    assert not np.array_equal(image(1), image(2))


def test_a_camera_cools_exposes_and_reads_out() -> None:
    clock = JumpingClock()
    camera = SimCamera(clock, SENSOR)
    camera.cool(on=True, target=-20.0)
    clock.advance(60.0)
    assert -20.0 < camera.temperature < 0.0
    clock.advance(600.0)
    assert camera.temperature == pytest.approx(-20.0, abs=0.1)
    camera.expose(10.0)
    with pytest.raises(DeviceError, match="under way"):
        camera.expose(1.0)
    clock.advance(5.0)
    assert (camera.state, camera.progress) == (CameraState.EXPOSING, pytest.approx(50.0))
    clock.advance(5.5)
    assert (camera.state, camera.ready) == (CameraState.READING, False)
    clock.advance(2.0)
    assert (camera.state, camera.ready, camera.image().shape) == (CameraState.IDLE, True, (160, 200))
    camera.bin(2)
    camera.expose(0.0, light=False)
    clock.advance(3.0)
    assert camera.image().shape == (80, 100)


def test_a_dome_that_is_asked_nothing_closes_by_itself() -> None:
    clock = JumpingClock()
    dome = SimDome(clock, seconds=10.0, watchdog=5.0)
    dome.move(1.0)
    for _ in range(4):
        clock.advance(4.9)
        dome.heard()
    assert dome.shutter is ShutterState.OPEN
    clock.advance(8.0)
    assert (dome.shutter, dome.opening) == (ShutterState.CLOSING, pytest.approx(0.7))
    dome.heard()
    clock.advance(7.1)
    assert dome.shutter is ShutterState.CLOSED, "whoever asks again does not open it"
    dome.move(1.0)
    clock.advance(8.0)
    assert (dome.shutter, dome.opening) == (ShutterState.CLOSING, pytest.approx(0.2))


def test_a_dome_takes_its_time_and_jams() -> None:
    clock = JumpingClock()
    dome = SimDome(clock, seconds=10.0)
    dome.move(1.0)
    clock.advance(4.0)
    assert (dome.shutter, dome.opening) == (ShutterState.OPENING, pytest.approx(0.4))
    dome.jam(True)
    clock.advance(17.0)
    assert (dome.shutter, dome.opening) == (ShutterState.ERROR, pytest.approx(0.4))
    dome.jam(False)
    dome.move(0.0)
    clock.advance(4.1)
    assert dome.shutter is ShutterState.CLOSED
    dome.turn(350.0)
    clock.advance(1.0)
    assert (dome.azimuth, dome.turning) == (pytest.approx(354.0), True)
    dome.abort()
    assert not dome.turning


def test_a_mount_goes_the_shorter_way_and_drifts_when_it_does_not_track() -> None:
    clock = JumpingClock()
    mount = SimTelescope(clock, rate=5.0)
    with pytest.raises(DeviceError, match="parked"):
        mount.slew(1.0, 0.0)
    mount.unpark()
    start = mount.sidereal
    mount.slew((start + 1.0) % 24, 40.0)
    clock.advance(5.0)
    assert mount.slewing
    assert mount.position()[1] == pytest.approx(90.0 - 25.0)
    clock.advance(20.0)
    assert not mount.slewing
    assert mount.position() == pytest.approx(((start + 1.0) % 24, 40.0))
    mount.track(False)
    clock.advance(3600.0)
    assert (mount.position()[0] - start - 1.0) % 24 == pytest.approx(1.0027, abs=1e-3)
    mount.park()
    assert not (mount.parked and not mount.slewing)
    clock.advance(60.0)
    assert mount.horizontal()[0] == pytest.approx(mount.latitude, abs=1e-6)
