"""What `sereno tango browse` prints: for people, for programs, and as a section that loads."""

import json

from click.testing import CliRunner

from sereno.app.commands.tango import tango as command
from sereno.drivers.tango.browse import tag_name
from tests.drivers.tango.rig import plant, seen
from tests.drivers.tango.values import START


def run(*arguments):
    return CliRunner().invoke(command, ["browse", *arguments])


async def test_the_section_loads_and_every_attribute_is_read(shared, tmp_path):
    printed = run(shared.url, "--toml", "--name", "lab/every")
    assert printed.exit_code == 0, printed.output
    async with plant(tmp_path, printed.output) as client:
        await seen(client, "lab/every/state", "on")
        specs = {spec.path.rpartition("/")[2]: spec for spec in await client.tags()}
        for name, value in START.items():
            await seen(client, f"lab/every/{name}_scalar", value)
        level = specs["level"]
        assert (level.unit, level.setpoint.low, level.setpoint.high) == ("m", 0.0, 10.0)
        assert (level.limits.lolo, level.limits.lo, level.limits.hi, level.limits.hihi) == (1.0, 2.0, 8.0, 9.0)
        assert specs["mode"].labels == ("idle", "slow", "fast")


def test_people_and_programs_get_a_list(shared):
    assert "how full it is" in run(shared.url).output
    found = json.loads(run(shared.url, "--json").output)
    assert found["state"] == "on"
    assert {"name": "Negate", "takes": "DevBoolean", "gives": "DevBoolean"}.items() <= {
        **next(c for c in found["commands"] if c["name"] == "Negate")
    }.items()


def test_a_wrong_address_is_a_usage_error():
    assert run("sys/tg_test/1").exit_code == 2


def test_names_of_attributes_become_those_of_tags():
    assert [tag_name(name) for name in ("TubeCurrent", "HV", "Temp-1", "posX2Y")] == [
        "tube_current", "hv", "temp_1", "pos_x2_y"
    ]  # fmt: skip
