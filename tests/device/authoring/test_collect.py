from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from sereno import Device, child, command, on_write, scan, setting, tag
from sereno.device import plan_of
from sereno.model import Access, ConfigurationError, ValueType
from tests.device.authoring.devices import Everything, Mode, PowerSupply


def faults(cls: type[Device]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        plan_of(cls)
    return [str(fault) for fault in caught.value.faults]


def test_hints_and_options_become_declarations() -> None:
    plan = plan_of(PowerSupply)
    voltage, current = plan.tags["voltage"], plan.tags["current"]
    assert (voltage.spec.type, voltage.spec.unit, voltage.spec.access) == (ValueType.FLOAT64, "V", Access.READ_WRITE)
    assert (voltage.spec.setpoint.low, voltage.spec.setpoint.high) == (0, 30)
    assert (current.spec.access, plan.scans[current.group].period) == (Access.READ, 0.1)
    assert plan.tags["mode"].spec.labels == ("idle", "ramping", "hold")
    assert plan.description == "A power supply."
    assert plan.commands["ramp"].spec.signature == "ramp(to: float64 [V], steps: int64 = 2)"
    assert plan.commands["ramp"].spec.description == "Go there in steps."
    assert plan.commands["reset"].spec.allowed == ("enabled", "fault")


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("flag", "bool", ()),
        ("count", "int64", ()),
        ("small", "uint8", ()),
        ("text", "string", ()),
        ("mode", "enum", ()),
        ("wave", "float64", (0,)),
        ("fixed", "int32", (3,)),
        ("image", "uint16", (2, 3)),
        ("table", "float64", (0, 0)),
        ("names", "string", (0,)),
    ],
)
def test_every_kind_of_hint(name: str, kind: str, shape: tuple[int, ...]) -> None:
    spec = plan_of(Everything).tags[name].spec
    assert (str(spec.type), spec.shape) == (kind, shape)


def test_a_subclass_has_what_it_inherits_and_may_replace_it() -> None:
    class Better(PowerSupply):
        voltage: float = tag(unit="V", low=0, high=60, write=True)

        @command
        def beep(self) -> None: ...

    plan = plan_of(Better)
    assert plan.tags["voltage"].spec.high == 60
    assert {"reset", "ramp", "beep"} <= plan.commands.keys()
    assert plan.tags["voltage"].writer is PowerSupply.apply


class Wrong(Device):
    untyped = tag(unit="V")
    odd: dict[str, int] = tag()
    missing: float | None = tag()
    memory: float = tag(memorised=True)
    timed: float = tag(period="1s")
    lost: float = tag(scan="pol")
    text: str = tag(low=1)
    swapped: float = tag(low=5, high=1)
    number: int = tag(default="one")
    state: float = tag()
    Loud: float = tag()
    later: Unknown = tag()  # type: ignore[name-defined]  # noqa: F821

    @tag(period="0s")
    def never(self) -> float: ...

    @tag(period="1s", write=True)
    def unheard(self) -> float: ...

    @tag(period="1s")
    def nothing(self): ...

    @on_write("unherd")
    def misspelt(self, value: float) -> None: ...

    @on_write("memory")
    def unasked(self, value: str) -> None: ...

    @scan(period="1s")
    def poll(self) -> None: ...

    @command(allowed="enable")
    def go(self, speed, *rest: float) -> None: ...

    @command
    def run_to(self, where: float = "there") -> dict[str, int]: ...  # type: ignore[assignment]

    def startup(self, port: str) -> None: ...  # type: ignore[override]

    kid: int = child()


def test_all_faults_are_told_at_once_with_their_line() -> None:
    found = faults(Wrong)
    expected = [
        "untyped has no type",
        "odd: dict[str, int] is no type for a value",
        "a missing value is said with its quality, not with None",
        "memory is memorised and cannot be written",
        "timed has a period and nothing that reads it",
        "lost is set by the scan 'pol', which is not there; expected a method with @scan(period=...)",
        "Did you mean 'poll'?",
        "text is string and has low",
        "swapped: tag 'device/swapped' has low = 5 above high = 1",
        "default of number: 'one' (str) is not a int64",
        "'state' is a name of every device",
        "try 'loud'",
        "the type 'Unknown' of later cannot be found",
        "period of never: '0s'; expected more than 0 s",
        "unheard may be written, and no method takes it",
        "nothing reads a tag and does not say of which type",
        "misspelt takes writes to 'unherd', which is no tag. Did you mean 'unheard'?",
        "a method takes writes to memory, which is read only",
        "memory is float64, the method that takes its writes has str",
        "the scan poll sets no tag",
        "go is allowed in the state 'enable'",
        "Did you mean 'enabled'?",
        "parameter speed of go has no type",
        "parameter rest of go is variadic positional",
        "default of parameter where of run_to",
        "the result of run_to: dict[str, int] is no type",
        "startup is called with self alone, startup also takes port",
        "child kid is int; expected a subclass of Device",
    ]
    for words in expected:
        assert any(words in fault for fault in found), f"{words}\nis not among\n" + "\n".join(found)
    lines = __import__("pathlib").Path(__file__).read_text("utf-8").splitlines()
    for fault in found:
        file, line = fault.split(": ")[0].rsplit(":", 1)
        assert file == __file__
        assert lines[int(line) - 1].strip(), fault


def test_a_constructor_of_its_own_is_refused() -> None:
    class Own(Device):
        def __init__(self, port: str) -> None: ...

    assert "Put what it did into startup(self)." in faults(Own)[0]


def test_settings_are_checked_with_every_fault() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PowerSupply(limit=100.0, limitt=3)
    assert len(caught.value.faults) == 2
    assert "unknown setting 'limitt'" in str(caught.value)


def test_a_device_can_be_made_alone_and_holds_values() -> None:
    ps = PowerSupply(limit=12.0)
    assert (ps.limit, ps.voltage) == (12.0, 0.0)
    ps.voltage = 5
    assert ps.voltage == 5.0
    with pytest.raises(TypeError, match="voltage: 'x'"):
        ps.voltage = "x"  # type: ignore[assignment]
    with pytest.raises(AttributeError, match="comes from the configuration"):
        ps.limit = 3.0
    with pytest.raises(Exception, match="mode has no value yet"):
        _ = ps.mode
    ps.mode = Mode.RAMPING
    assert ps.mode is Mode.RAMPING


def test_a_writer_of_the_same_name_as_in_other_frameworks() -> None:
    class Motor(Device):
        moved: float = 0.0

        @tag(period="1s", unit="mm", write=True)
        def position(self) -> float:
            return self.moved

        @position.write
        def position(self, value: float) -> None:
            self.moved = value

    assert plan_of(Motor).tags["position"].writer is not None


def test_local_enums_are_found_where_hints_are_objects() -> None:
    class Gear(Enum):
        ONE = 1

    namespace: dict[str, Any] = {"gear": tag(write=True), "__annotations__": {"gear": Gear}, "__module__": __name__}
    assert plan_of(type("Box", (Device,), namespace)).tags["gear"].kind.enum is Gear


def test_a_setting_without_default_must_be_given() -> None:
    class Port(Device):
        port: str = setting()

    with pytest.raises(ConfigurationError, match="setting 'port': field required"):
        Port()
    assert Port(port="x").port == "x"


def test_a_first_value_given_in_passing_is_told_how_it_is_said() -> None:
    with pytest.raises(TypeError, match=r"tag\('CCD'\): a first value is said as tag\(default='CCD'\)"):
        tag("CCD")  # type: ignore[call-overload]


def test_a_tag_may_have_a_name_that_every_device_has() -> None:
    class Mount(Device):
        doing: Mode = tag(name="state", write=True, default=Mode.IDLE)

        @on_write("state")
        async def _go(self, value: Mode) -> None: ...

    planned = plan_of(Mount).tags
    assert list(planned) == ["state"]
    assert (planned["state"].spec.path, planned["state"].writer) == ("device/state", Mount._go)
    mount = Mount()
    mount.doing = Mode.HOLDING
    assert (mount.value("state"), mount.doing) == (Mode.HOLDING, Mode.HOLDING)
    assert str(mount.state) == "offline"


class Arm(Device):
    length: float = setting(low=0, site="arm_length")


class Crane(Device):
    left: Arm = child(length=2.0)
    right: Arm = child()
    third: Arm = child(length=-1.0, lenght=1.0)


def test_settings_that_a_child_lacks_are_told_before_anything_starts() -> None:
    assert [one.split("Crane: ")[1] for one in faults(Crane)] == [
        "child right: setting 'length': field required; expected child(SETTING=...)",
        "child third: setting 'length': input should be greater than or equal to 0; expected child(SETTING=...)",
        "child third: setting 'lenght': extra inputs are not permitted; expected child(SETTING=...)",
    ]
