"""Blocks: every area in one, nothing refused in any, limits held, and refusals found in few questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.modbus.address import Area
from sereno.drivers.modbus.plan import Block, Refusals, block_of, join_areas, split_block
from sereno.drivers.modbus.tags import ModbusConfig

areas = st.sets(
    st.builds(Area, st.sampled_from(["holding", "input", "coil"]), st.integers(0, 400), st.integers(1, 8)), max_size=60
)
configs = st.builds(
    ModbusConfig,
    url=st.just("tcp://plc"),
    gap=st.integers(0, 20),
    max_registers=st.integers(8, 125),
    max_coils=st.integers(8, 300),
)


def words(blocks: list[Block]) -> list[str]:
    return [str(b.area) for b in blocks]


def config(**keys: int) -> ModbusConfig:
    return ModbusConfig(url="tcp://plc", **keys)  # type: ignore[arg-type]


def test_neighbours_are_joined_over_the_gap() -> None:
    found = [Area("holding", 0, 2), Area("holding", 5, 1), Area("holding", 17, 1), Area("input", 18, 1)]
    assert words(join_areas(found, config(gap=3), Refusals())) == ["holding 0..5", "holding 17", "input 18"]
    assert words(join_areas(found, config(gap=11), Refusals())) == ["holding 0..17", "input 18"]
    assert words(join_areas(found, config(gap=0), Refusals())) == [
        "holding 0..1",
        "holding 5",
        "holding 17",
        "input 18",
    ]


def test_the_gap_of_bits_is_in_registers_too() -> None:
    found = [Area("coil", 0, 1), Area("coil", 33, 1), Area("coil", 90, 1)]
    assert words(join_areas(found, config(gap=2), Refusals())) == ["coil 0..33", "coil 90"]


def test_limits_of_the_device() -> None:
    found = [Area("holding", i, 1) for i in range(300)]
    assert words(join_areas(found, config(), Refusals())) == ["holding 0..124", "holding 125..249", "holding 250..299"]
    assert len(join_areas(found, config(max_registers=10), Refusals())) == 30


def test_a_wide_value_is_never_cut() -> None:
    found = [Area("holding", 4 * i, 4) for i in range(40)]
    assert words(join_areas(found, config(), Refusals())) == ["holding 0..123", "holding 124..159"]


@given(areas, configs, st.data())
def test_what_holds_for_all_blocks(wanted: set[Area], device: ModbusConfig, data: st.DataObject) -> None:
    refusals = Refusals()
    for area in data.draw(st.sets(st.sampled_from(sorted(wanted)), max_size=5)) if wanted else ():
        refusals.learn(block_of([area]))
    blocks = join_areas(wanted, device, refusals)
    members = [m for b in blocks for m in b.members]
    assert sorted(members) == sorted(wanted - refusals.areas)
    for block in blocks:
        area = block.area
        assert area.count <= (device.max_coils if area.table == "coil" else device.max_registers)
        gap = device.gap * 16 if area.table == "coil" else device.gap
        reach = block.members[0].end
        for member in block.members[1:]:
            assert (member.table, area.start <= member.start, member.end <= area.end) == (area.table, True, True)
            assert member.start - reach <= gap
            assert not any(
                r.table == member.table and r.start < member.start and reach < r.end for r in refusals.areas
            ), "a block crosses what the device refuses"
            reach = max(reach, member.end)


@given(
    st.sets(st.integers(0, 300), min_size=1, max_size=80), st.sets(st.integers(0, 300), max_size=4), st.integers(1, 125)
)
def test_learning_ends_with_exactly_what_is_refused(wanted: set[int], illegal: set[int], limit: int) -> None:
    """A device that refuses some addresses and long blocks; every scan asks for all blocks and learns from refusals."""
    refusals, device = Refusals(), config(gap=5)
    for _ in range(40):
        blocks = join_areas([Area("holding", a, 1) for a in wanted], device, refusals)
        refused = [
            b for b in blocks
            if b.area.count > limit or any(b.area.start <= a < b.area.end for a in illegal)
        ]  # fmt: skip
        if not refused:
            break
        for block in refused:
            refusals.learn(block)
    assert not refused
    assert {a.start for a in refusals.areas} == wanted & illegal
    assert sorted(m.start for b in blocks for m in b.members) == sorted(wanted - illegal)


def test_a_refused_block_is_split_at_its_widest_gap() -> None:
    block = block_of([Area("holding", 0, 1), Area("holding", 1, 1), Area("holding", 9, 1), Area("holding", 12, 1)])
    assert words(list(split_block(block))) == ["holding 0..1", "holding 9..12"]


def test_without_gaps_it_is_split_in_the_middle() -> None:
    block = block_of([Area("holding", i, 1) for i in range(8)])
    assert words(list(split_block(block))) == ["holding 0..3", "holding 4..7"]


def test_one_bad_register_among_many_costs_few_questions() -> None:
    refusals, asked = Refusals(), 0
    for _ in range(20):
        blocks = join_areas([Area("holding", i, 1) for i in range(125)], config(), refusals)
        asked += len(blocks)
        refused = [b for b in blocks if b.area.start <= 77 < b.area.end]
        if not refused:
            break
        refusals.learn(refused[0])
    assert refusals.areas == {Area("holding", 77, 1)}
    assert asked < 60


def test_everything_is_asked_for_again_after_forgetting() -> None:
    refusals = Refusals()
    before = refusals.generation
    refusals.forget()
    assert refusals.generation == before, "nothing was known, so no plan needs to be made anew"
    refusals.learn(block_of([Area("holding", 3, 1)]))
    refusals.learn(block_of([Area("holding", 5, 1), Area("holding", 6, 1)]))
    assert words(join_areas([Area("holding", i, 1) for i in (3, 5, 6)], config(), refusals)) == [
        "holding 5",
        "holding 6",
    ]
    refusals.forget()
    assert words(join_areas([Area("holding", i, 1) for i in (3, 5, 6)], config(), refusals)) == ["holding 3..6"]
