"""What is pushed when, by a thread of its own."""

import threading
from collections import deque

import pytest

from sereno.client import Reading
from sereno.gateways.tango.house import Condition, House
from sereno.gateways.tango.shown import Device
from sereno.model import OperationalState, TagSpec


class Served:
    def __init__(self):
        self.done = deque()
        self.news = threading.Condition()

    def push(self, path):
        self._note(path)

    def push_state(self):
        self._note("state")

    def become(self, device):
        self._note(device)

    def wait_for(self, *what):
        with self.news:
            assert self.news.wait_for(lambda: list(self.done) == list(what), 60), self.done

    def _note(self, what):
        with self.news:
            self.done.append(what)
            self.news.notify_all()
            if what == "lab/a/bad":
                raise RuntimeError("no")


@pytest.fixture
def house():
    made = House({path: Device(path, path) for path in ("lab/a", "lab/b")})
    threading.Thread(target=made.run, daemon=True).start()
    return made


def readings(*paths):
    return {path: Reading(TagSpec(path=path), 1.0, 0, "", 0, 0.0) for path in paths}


def test_a_device_that_works_is_left_alone_and_the_newest_counts(house):
    a, b = Served(), Served()
    house.serve("lab/a", a)
    house.serve("lab/b", b)
    with house.working("lab/a"):
        for _ in range(3):
            house.take(readings("lab/a/x", "lab/b/x"))
            b.wait_for("lab/b/x")
            b.done.clear()
        assert not a.done
    a.wait_for("lab/a/x")


def test_states_are_told_when_they_change(house):
    a = Served()
    house.serve("lab/a", a)
    for _ in range(2):
        house.conditions_are({"lab/a": Condition(OperationalState.ENABLED, "fine")})
        a.wait_for("state")
    changed = Device("lab/a", "lab/a", {}, {"x": None})
    house.become({"lab/a": changed})
    a.wait_for("state", changed)


def test_what_fails_keeps_nothing_else_from_being_pushed(house, caplog):
    a = Served()
    house.serve("lab/a", a)
    house.take(readings("lab/a/bad"))
    house.take(readings("lab/a/x"))
    with a.news:
        assert a.news.wait_for(lambda: "lab/a/x" in a.done, 60)
    assert "not pushed" in caplog.text
