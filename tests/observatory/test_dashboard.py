"""The dashboard binds tags that there are, and is a drawing that can be shown."""

from __future__ import annotations

from sereno.app.plant.load import load_plant
from sereno.web.svg import read_drawing
from sereno_observatory.demo import OBSERVATORY

ENVIRONMENT = "observatory/environment"


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
        assert {name, f"{name}_means"} <= shown
        assert f"{ENVIRONMENT}/{name}_make_safe" in known
        assert f'data-visible="{ENVIRONMENT}/{name}_make_safe"' in drawing.svg
    writable = {"dome_open", "dome_close", "dome_light", "telescope_power", "cameras_power", "mode"}
    assert all(f'data-write="{path}"' in drawing.svg for path in known if path.rpartition("/")[2] in writable)
