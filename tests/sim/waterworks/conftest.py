"""The waterworks with its PLCs, and a master's way to write into their registers."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sereno.drivers.modbus.protocol import WriteCoil, WriteRegisters
from sereno.model import ValueType
from sereno.sim.modbus_answers import answer
from sereno.sim.registers import Binding, RegisterMemory
from sereno.sim.waterworks.plant import Waterworks


def master_writes(memory: RegisterMemory, binding: Binding, value: object) -> bytes:
    """Write an engineering value through the protocol, as a master does; the reply."""
    if binding.type is ValueType.BOOL:
        return answer(memory, WriteCoil(binding.address, bool(value)).encode())
    scratch = RegisterMemory(words=600, bits=600)
    scratch.bind(binding).set(value)
    data = scratch.read_words("holding", binding.address, binding.width)
    return answer(memory, WriteRegisters(binding.address, data).encode())


@pytest.fixture
def works() -> Waterworks:
    return Waterworks(random.Random(7), start_ns=8 * 3600 * 10**9, scan_period=0.1)


@pytest.fixture
def put(works) -> Callable[..., None]:
    """put(name=value, ...): a master writes, and the PLC that has the tag runs one cycle."""

    def written(**values: object) -> None:
        for name, value in values.items():
            plc = works.river if name in works.river.cells and "reservoir" not in name else works.town
            reply = master_writes(plc.memory, plc.cells[name].binding, value)
            assert not reply[0] & 0x80
        works.step()

    return written


@pytest.fixture
def see(works) -> Callable[[str], object]:
    """see(name): what stands in the register."""

    def seen(name: str) -> object:
        plc = works.river if name in works.river.cells else works.town
        return plc.cells[name].get()

    return seen
