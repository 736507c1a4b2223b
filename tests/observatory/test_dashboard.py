"""The dashboard binds tags that there are, and is a drawing that can be shown."""

from __future__ import annotations

from sereno.app.plant.load import load_plant
from sereno.web.svg import read_drawing
from sereno_observatory.demo import OBSERVATORY

ENVIRONMENT = "observatory/environment"
GROUPS = ("weather", "site")
CODES = {"weather_cloud", *(f"site_{name}" for name in ("doors", "motion", "dome", "shutter", "lights"))}
"""Their meaning says all, their number nothing to people."""
NUMBERS = {"weather_wind_dir", *(f"{one}_temperature" for one in GROUPS), *(f"{one}_pressure" for one in GROUPS)}
"""Their meaning would be the number once more."""


def test_what_it_shows_exists() -> None:
    plant = load_plant(OBSERVATORY.plant)
    assert plant.mimic is not None
    drawing = read_drawing(plant.mimic)
    known = {tag.spec.path for device in plant.devices for tag in device.tags}
    for agent in plant.agents:
        known |= {f"{agent.rule.path}/{name}" for name in ("state", "restarts", "silence")}
    assert set(drawing.tags) <= known
    assert drawing.title == "Observatory: the site and its safety"
    shown = {path.rpartition("/")[2] for path in drawing.tags}
    weather = ("rain", "wind", "wind_dir", "humidity", "temperature", "pressure", "cloud")
    site = ("doors", "motion", "dome", "shutter", "lights", "temperature", "pressure", "humidity")
    for name in (*(f"weather_{one}" for one in weather), *(f"site_{one}" for one in site)):
        numbers, words = name in shown, f"{name}_means" in shown
        assert (numbers, words) == (name not in CODES, name not in NUMBERS), name
        assert f"{ENVIRONMENT}/{name}_make_safe" in known
        assert f'data-visible="{ENVIRONMENT}/{name}_make_safe"' in drawing.svg
    writable = {"dome_open", "dome_close", "dome_light", "telescope_power", "cameras_power", "mode"}
    assert all(f'data-write="{path}"' in drawing.svg for path in known if path.rpartition("/")[2] in writable)
