from __future__ import annotations

import pytest

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.access.entries import Entry, EntryTable, Need

VIEWER = Actor("v", (ROLES["viewer"],))
NORTH = Actor("n", (Role("north", (Permission(Right.WRITE, "north/*"),)),))


@pytest.mark.parametrize(
    ("need", "subject", "nobody", "viewer", "north"),
    [
        (Need.OPEN, "", True, True, True),
        (Need.SIGNED_IN, "", False, True, True),
        (Right.READ, "", False, True, False),
        (Right.WRITE, "", False, False, True),
        (Right.WRITE, "path", False, False, True),
        (Right.USERS, "", False, False, False),
    ],
)
def test_who_is_let_in(need: Need | Right, subject: str, nobody: bool, viewer: bool, north: bool) -> None:
    entry = Entry("GET", "/x/{path}", need, subject)
    assert [entry.admits(who, "north/pump") for who in (None, VIEWER, NORTH)] == [nobody, viewer, north]


def test_a_right_is_about_the_subject_where_there_is_one() -> None:
    assert not Entry("PUT", "/x/{path}", Right.WRITE, "path").admits(NORTH, "south/pump")
    assert Entry("PUT", "/x", Right.WRITE).admits(NORTH, "")


def test_what_is_not_in_the_table_is_not_found() -> None:
    table = EntryTable([Entry("GET", "/x", Need.OPEN)])
    assert table.find("GET", "/x")
    assert table.find("POST", "/x") is None
    assert table.find("GET", "/X") is None


def test_one_door_has_one_entry() -> None:
    with pytest.raises(ValueError, match="two entries for GET /x"):
        EntryTable([Entry("GET", "/x", Need.OPEN), Entry("GET", "/x", Need.SIGNED_IN)])
