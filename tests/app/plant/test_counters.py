"""Counters in the plant file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.app.plant.counters import counter_groups, rule_of
from sereno.app.plant.load import load_plant
from sereno.derive.counter import AfterReset, CounterRule
from sereno.model import ConfigurationError, ValueType

HEAD = """
[[device]]
name = "plc1"
driver = "tiny"
url = "x"
scan = "200ms"
groups = { slow = "5s" }
"""


def plant(folder: Path, *tags: str) -> Path:
    path = folder / "plant.toml"
    path.write_text(HEAD + "".join(f"[[device.tag]]\n{tag}\n" for tag in tags), encoding="utf-8")
    return path


def test_a_total_has_the_unit_and_the_group_of_its_counter(tmp_path: Path) -> None:
    first = 'name = "pulses"\naddress = "r0"\ntype = "uint16"\nunit = "m3"\ndescription = "Water"\ncounter = {}'
    second = (
        'name = "turns"\naddress = "r2"\ntype = "int32"\ngroup = "slow"\n'
        'counter = { total = "turned", modulus = 1000, max_step = 50, after_reset = "anywhere" }'
    )
    fast, slow = counter_groups(load_plant(plant(tmp_path, first, second)).devices)
    assert (fast.name, fast.period, slow.name, slow.stale_after) == ("default", 0.2, "slow", 10.0)
    assert fast.rules == (CounterRule("plc1/pulses", "plc1/pulses_total", 65536, 32768),)
    assert slow.rules == (CounterRule("plc1/turns", "plc1/turned", 1000, 50, AfterReset.ANYWHERE),)
    (total,) = fast.specs
    assert (total.type, total.unit, total.description) == (ValueType.INT64, "m3", "Water, total")


def test_alarms_guards_and_interlocks_may_name_a_total(tmp_path: Path) -> None:
    tags = (
        'name = "pulses"\naddress = "r0"\ntype = "uint16"\ncounter = {}',
        'name = "valve"\naddress = "r1"\ntype = "uint16"\naccess = "read_write"\n'
        'setpoint = { interlock = "plc1/pulses_total > 100" }',
    )
    assert load_plant(plant(tmp_path, *tags)).tag_count == 2


@pytest.mark.parametrize(
    ("tag", "says"),
    [
        ('type = "int16"\ncounter = {}', "has to say where it starts again, as in modulus = 10000"),
        ('type = "bool"\ncounter = {}', "a bool is no counter"),
        ('type = "float32"\ncounter = {}', "a float32 is no counter"),
        ('type = "uint16"\ncounter = { modulus = 1 }', "greater than or equal to 2"),
        (
            'type = "uint16"\ncounter = { modulus = 100, max_step = 100 }',
            "of a counter that starts again at 100",
        ),
        ('type = "uint16"\ncounter = { total = "n" }', "total 'plc1/n' of a counter is a tag already"),
        ('type = "uint16"\ncounter = { after_reset = "never" }', "zero"),
        ('type = "uint16"\ncounter = { totl = "x" }', "totl"),
    ],
)
def test_what_does_not_fit_is_a_fault(tmp_path: Path, tag: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_plant(plant(tmp_path, f'name = "n"\naddress = "r0"\n{tag}'))
    assert says in "\n".join(map(str, refused.value.faults))


def test_64_bits_need_no_modulus(tmp_path: Path) -> None:
    loaded = load_plant(plant(tmp_path, 'name = "n"\naddress = "r0"\ntype = "uint64"\ncounter = {}'))
    (tag,) = loaded.devices[0].tags
    assert tag.counter is not None
    rule, _ = rule_of(tag, tag.counter)
    assert (rule.modulus, rule.max_step) == (0, 1 << 62)
