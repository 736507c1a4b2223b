from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sereno
from sereno.app.configuration.difference import difference
from sereno.app.plant.causes import Unread
from sereno.app.plant.load import Plant, load_plant
from sereno.app.plant.located import Located
from sereno.app.plant.site import SiteFacts
from sereno.model import ConfigurationError, Fault

MODULE = """
from sereno import Device, setting, tag

class Mast(Device):
    latitude: float = setting(low=-90, high=90, site="latitude")
    gale: float = setting(20.0, site="wind_limit")
    wind: float = tag(unit="m/s", write=True, memorised=True)
    brake: bool = tag(write=True, memorised=True)
"""
SITE = "[site]\nlatitude = -30.5\nwind_limit = 15.5\n"
MAST = '[[device]]\nname = "field/mast"\nclass = "site_masts:Mast"\n'
GUARD = """
[[guard]]
name = "brake"
when = "field/mast/wind >= {site.wind_limit}"
command = { target = "field/mast/brake", value = true }
"""
HIGH = """
[[device.tag]]
name = "wind"
alarm = { hi = "{site.wind_limit}", priority = 3, response = "Look" }
"""


@pytest.fixture
def folder(tmp_path: Path, own_modules: None) -> Path:
    (tmp_path / "site_masts.py").write_text(MODULE)
    return tmp_path


def plant(folder: Path, text: str, site: str | None = None) -> Plant:
    head = '[plant]\ninclude = ["place.toml"]\n' if site is not None else ""
    (folder / "place.toml").write_text(site or "", encoding="utf-8")
    (folder / "plant.toml").write_text(head + text, encoding="utf-8")
    return load_plant(folder / "plant.toml")


def faults(folder: Path, text: str, site: str | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        plant(folder, text, site)
    return [str(one).replace(f"{folder}/", "") for one in caught.value.faults]


def settings(found: Plant) -> dict[str, object]:
    written = found.devices[0].written
    assert written is not None
    return written.settings


def test_a_device_takes_from_the_site_what_its_own_table_does_not_have(folder: Path) -> None:
    assert settings(plant(folder, MAST, SITE)) == {"latitude": -30.5, "gale": 15.5}
    assert settings(plant(folder, f"{SITE}{MAST}latitude = 4")) == {"latitude": 4, "gale": 15.5}
    assert settings(plant(folder, f"[site]\nlatitude = 1\n{MAST}")) == {"latitude": 1}


def test_guards_and_limits_refer_to_the_site(folder: Path) -> None:
    found = plant(folder, MAST + HIGH + GUARD, SITE)
    assert found.guards[0].when == "field/mast/wind >= 15.5"
    assert [one.limit for one in found.alarms] == [15.5]


def test_what_the_site_lacks_is_told_with_what_needs_it(folder: Path) -> None:
    assert faults(folder, MAST) == [
        "plant.toml:1: [site] has no 'latitude', and device 'field/mast' no 'latitude'. Add latitude = ... to [site]"
    ]
    told = faults(folder, MAST + GUARD.replace("wind_limit", "wind_limt"), SITE)
    assert told[0] == "plant.toml:9: [site] has no 'wind_limt'. Did you mean 'wind_limit'?"


def test_a_word_misspelt_in_the_site_is_told_with_its_place(folder: Path) -> None:
    assert faults(folder, MAST, f"{SITE}latitud = 1\n") == [
        "place.toml:4: unknown key 'latitud' in [site]: nothing takes it. Did you mean 'latitude'?"
    ]


def test_a_wrong_value_is_told_where_it_stands(folder: Path) -> None:
    assert faults(folder, MAST, "[site]\nlatitude = 1\nwind_limit = 'much'\n")[0].startswith(
        "place.toml:3: gale = 'much'"
    )
    assert faults(folder, MAST, "[site]\nlatitude = 91\n")[0].startswith("place.toml:2: latitude = 91")
    assert faults(folder, f"{MAST}[site]\nlatitude = 1\n", SITE) == [
        "place.toml:2: a second 'latitude' in [site]; expected one, at plant.toml:7"
    ]


def test_a_wrong_value_is_told_once_and_not_what_follows_from_it(folder: Path) -> None:
    second = MAST.replace("field/mast", "field/second")
    assert faults(folder, MAST + second + GUARD, SITE.replace("-30.5", "-91")) == [
        "place.toml:2: latitude = -91 in [site]; expected greater than or equal to -90"
    ]
    other = GUARD.replace("mast/wind", "mst/wind").replace('"brake"', '"other"')
    told = faults(folder, MAST + second + GUARD + other, "[site]\nwind_limit = 5\n")
    assert [one.split(" at ")[0] for one in told] == [
        "place.toml:1: [site] has no 'latitude', and device 'field/mast' no 'latitude'. Add latitude = ... to [site]",
        "plant.toml:17: condition of guard 'other': unknown tag 'field/mst/wind'",
    ]


def test_of_a_value_with_several_forms_the_nearest_is_told(folder: Path) -> None:
    module = MODULE.replace(
        "brake: bool", "horizon: list[float] | list[tuple[float, int]] = setting()\n    brake: bool"
    )
    (folder / "site_masts.py").write_text(module)
    told = faults(folder, f"{MAST}horizon = [[0, 15], [40, 'high']]\n", SITE)
    assert len(told) == 1
    assert told[0].startswith("plant.toml:6: horizon.1.1 = 'high' in device 'field/mast'; expected a valid integer")


def test_several_files_may_say_something_of_the_site(folder: Path) -> None:
    found = plant(folder, f"{MAST}[site]\nwind_limit = 7\n", "[site]\nlatitude = 4\n")
    assert settings(found) == {"latitude": 4, "gale": 7}


def test_when_a_class_cannot_be_had_nobody_knows_what_it_would_have_taken(folder: Path) -> None:
    assert len(faults(folder, SITE + MAST.replace("site_masts", "site_mast"))) == 1


def test_of_a_site_that_changes_only_who_takes_it_starts_anew(folder: Path) -> None:
    own = f"{MAST.replace('field/mast', 'field/other')}latitude = 4\ngale = 4\n"
    before = plant(folder, MAST + own + GUARD, SITE)
    after = plant(folder, MAST + own + GUARD, SITE.replace("15.5", "12"))
    found = difference(before, after)
    assert (found.leaving, found.guards) == (["field/mast"], True)
    told = [(one.kind, one.name, field.field, field.old, field.new) for one in found.changes for field in one.fields]
    assert ("device", "field/mast", "gale", "15.5", "12") in told


def test_programs_read_a_plant_without_running_it(folder: Path) -> None:
    plant(folder, MAST + GUARD, SITE)
    outline = sereno.outline(folder)
    assert (outline.site, outline.guards) == ({"latitude": -30.5, "wind_limit": 15.5}, {"brake": "field/mast/brake"})
    (mast,) = outline.devices
    assert (mast.path, mast.made_by) == ("field/mast", "site_masts:Mast")
    assert mast.settings == {"latitude": -30.5, "gale": 15.5}
    assert [tag.path for tag in mast.tags] == ["field/mast/wind", "field/mast/brake"]


@pytest.mark.parametrize("reference", ["{site.wind-limit}", "{site.wind_limit }", "{site.level.name}", "{site.gale"])
def test_a_reference_that_cannot_be_read_is_told(folder: Path, reference: str) -> None:
    told = faults(folder, SITE + MAST + f'description = "From {reference}"\n')
    assert told == [
        f"plant.toml:7: a reference in 'From {reference}' cannot be read; "
        "expected {site.KEY}, its key of letters, digits and _"
    ]


VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.integers()))


@given(VALUES, st.text(st.characters(exclude_characters="{}")))
def test_a_reference_alone_is_the_value_and_within_a_text_its_words(value: object, around: str) -> None:
    told: list[Fault] = []
    data = {"device": [{"a": "{site.k}", "b": around, "c": around + "x{site.k}"}], "site": {"k": "{site.k}"}}
    filled = SiteFacts({"k": value}).filled(Located(Path("p"), data, {}), told).data
    one = filled["device"][0]
    assert (one["a"], one["b"], filled["site"]) == (value, around, {"k": "{site.k}"})
    if told:
        assert isinstance(one["c"], Unread)
        return
    assert one["c"].startswith(around + "x")
    assert "{site." not in one["c"] or "{site." in str(value)
    assert bool(told) is isinstance(value, list)


def test_a_list_of_tags_takes_from_the_site_too(folder: Path) -> None:
    device = '[[device]]\nname = "field/plc"\ndriver = "tiny"\nurl = "tiny://1"\ntags_csv = "tags.csv"\n'
    header = "name,address,type,description,alarm.hi,alarm.priority,alarm.response\n"
    rows = "wind,r1,float32,closes at {site.wind_limit} m/s,{site.wind_limit},2,Look\n"
    (folder / "tags.csv").write_text(header + rows, encoding="utf-8")
    (device_,) = plant(folder, device, "[site]\nwind_limit = 15.5\n").devices
    (tag,) = device_.tags
    assert tag.spec.description == "closes at 15.5 m/s"
    (alarm,) = plant(folder, device, "[site]\nwind_limit = 15.5\n").alarms
    assert alarm.limit == 15.5
    (folder / "tags.csv").write_text(
        header + rows.replace("{site.wind_limit},2", "{site.windlimit},2"), encoding="utf-8"
    )
    assert any(
        "tags.csv:2: [site] has no 'windlimit'" in one for one in faults(folder, device, "[site]\nwind_limit = 15.5\n")
    )
