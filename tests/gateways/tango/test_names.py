import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.gateways.tango.names import attribute_name, command_name, tango_name, tango_names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pump", "sereno/device/pump"),
        ("lab/ps_1", "sereno/lab/ps_1"),
        ("lab/ps/1", "lab/ps/1"),
        ("site/lab/rack/left", "site/lab/rack.left"),
        ("a/b/c/d/e", "a/b/c.d.e"),
        ("north/plc1", "plant/north/one"),
    ],
)
def test_every_path_has_three_parts_in_tango(path, name):
    assert tango_name(path, "sereno", {"north/plc1": "Plant/North/One"}) == name


@given(st.lists(st.from_regex(r"[a-z0-9_]{1,6}", fullmatch=True), min_size=1, max_size=6))
def test_names_have_three_parts_whatever_the_path(parts):
    name = tango_name("/".join(parts), "sereno", {})
    assert name.count("/") == 2
    assert all(part in name for part in parts)


def test_two_devices_of_one_name_are_told():
    with pytest.raises(ValueError, match="'sereno/lab/ps_1' and 'lab/ps_1' would both be"):
        tango_names(["lab/ps_1", "sereno/lab/ps_1"], "sereno", {})


def test_names_that_tango_has_itself_are_not_given_away():
    assert [attribute_name(name) for name in ("state", "level")] == ["state_tag", "level"]
    assert [command_name(name, {"push_event"}) for name in ("init", "Status", "push_event", "reset")] == [
        "init_command", "Status_command", "push_event_command", "reset"
    ]  # fmt: skip
