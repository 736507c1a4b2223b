"""Guards that call a command of a device, and interlocks of named commands: what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError

PLANT = """
[plant]
name = "P"

[[device]]
name = "site/dome"
driver = "alpaca"
kind = "dome"
url = "http://127.0.0.1:1/0"
commands = { COMMANDS }

[[guard]]
name = "close"
when = "site/dome/turning"
command = { COMMAND }
"""
CLOSE = 'call = "site/dome", name = "close"'


def loaded(folder: Path, command: str = CLOSE, commands: str = "") -> Plant:
    file = folder / "plant.toml"
    file.write_text(PLANT.replace("COMMANDS", commands).replace("COMMAND", command), encoding="utf-8")
    return load_plant(file)


def test_a_guard_that_calls(tmp_path: Path) -> None:
    plant = loaded(tmp_path, 'call = "site/dome", name = "turn", arguments = [90.0]')
    (rule,) = plant.guards
    assert (rule.target, rule.call, rule.arguments, rule.value) == ("site/dome", "turn", (90.0,), None)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('call = "site/dom", name = "close"', "calls 'site/dom', which is no device"),
        ('call = "site/dome", name = "clos"', "which site/dome has not.*close"),
        ('call = "site/dome", name = "turn"', r"gives site/dome/turn\(\) 0 arguments"),
        ('call = "site/dome"', "expected { target = TAG"),
        ('call = "site/dome", name = "close", target = "site/dome/turning"', "not both"),
        ('target = "site/dome/turning", value = 0, arguments = [1]', "not both"),
    ],
)
def test_what_is_wrong_with_a_call(command: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said):
        loaded(tmp_path, command)


def test_a_guard_has_nobody_to_wait_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"waits for people .*, and a guard acts alone"):
        loaded(tmp_path, commands="close = { approval = true }")
    loaded(tmp_path, commands='close = { interlock = "not site/dome/turning" }')


@pytest.mark.parametrize(
    ("interlock", "said"),
    [
        ("site/dome/turnin", "names no tag 'site/dome/turnin'"),
        ("site/dome/turning >", r"interlock of 'site/dome/open\(\)'"),
    ],
)
def test_what_is_wrong_with_the_interlock_of_a_command(interlock: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said):
        loaded(tmp_path, commands=f'open = {{ interlock = "{interlock}" }}')


OTHER = """
[plant]
name = "P"

[[device]]
name = "lab/it"
DRIVER
commands = { resett = { interlock = "true" } }
"""


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        ('driver = "alpaca"\nkind = "dome"\nurl = "http://127.0.0.1:1/0"', "a command of the device"),
        ('driver = "modbus"\nurl = "tcp://127.0.0.1:1"', "devices of this driver have none"),
        ('driver = "jsonplc"\nurl = "tcp://127.0.0.1:1"', "devices of this driver have none"),
        (
            'driver = "http"\nurl = "http://127.0.0.1:1/all"\ncalls = { reset = { path = "/reset" } }',
            "Did you mean 'reset'",
        ),
    ],
)
def test_a_mark_of_a_command_that_there_is_not_is_a_fault_with_its_line(driver: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    text = OTHER.replace("DRIVER", driver)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_plant(file)
    (fault,) = [one for one in raised.value.faults if "has no command 'resett'" in one.found]
    assert fault.where == f"{file}:{text[: text.index('commands')].count(chr(10)) + 1}"
    assert said in f"{fault.expected} {fault.fix}"
