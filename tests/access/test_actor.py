from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.access.actor import NOBODY, ROLES, Actor, Permission, Right, Role

NORTH = Role("north", (Permission(Right.READ, "north/*"), Permission(Right.WRITE, "north/pump/*")))


@pytest.mark.parametrize("right", list(Right))
def test_nobody_may_do_nothing(right: Right) -> None:
    assert not NOBODY.may(right, "north/pump/speed")
    assert not NOBODY.may_somewhere(right)


def test_a_right_holds_on_the_paths_of_its_glob_only() -> None:
    actor = Actor("ann", (NORTH,))
    assert actor.may(Right.READ, "north/pump/speed")
    assert actor.may(Right.WRITE, "north/pump/speed")
    assert not actor.may(Right.WRITE, "north/valve/position")
    assert not actor.may(Right.READ, "south/pump/speed")
    assert not actor.may(Right.CALL, "north/pump")


def test_built_in_roles_grow_from_viewer_to_admin() -> None:
    rights = [{p.right for p in ROLES[name].permissions} for name in ("viewer", "operator", "engineer", "admin")]
    assert all(small < large for small, large in pairwise(rights))
    assert rights[-1] == set(Right)


def test_a_bound_actor_may_only_what_the_bound_allows_too() -> None:
    token = Actor("ann:ci", (ROLES["admin"],), "token", bound=(NORTH,))
    assert token.may(Right.READ, "north/pump/speed")
    assert not token.may(Right.READ, "south/pump/speed")
    assert not token.may(Right.USERS)
    assert token.may_somewhere(Right.WRITE)
    assert not token.may_somewhere(Right.AUDIT)


@pytest.mark.parametrize("right", list(Right))
def test_a_bound_without_roles_allows_nothing(right: Right) -> None:
    assert not Actor("x", (ROLES["admin"],), bound=()).may(right, "a/b")


_roles = st.lists(
    st.builds(
        Role,
        st.just("r"),
        st.lists(
            st.builds(Permission, st.sampled_from(Right), st.sampled_from(["*", "north/*", "north/pump", "s?uth/*"])),
            max_size=4,
        ).map(tuple),
    ),
    max_size=3,
).map(tuple)
_paths = st.sampled_from(["north/pump", "north/pump/speed", "south/valve", ""])


@given(_roles, st.none() | _roles, st.sampled_from(Right), _paths)
def test_may_somewhere_never_denies_what_may_allows(
    roles: tuple[Role, ...], bound: tuple[Role, ...] | None, right: Right, path: str
) -> None:
    actor = Actor("x", roles, bound=bound)
    assert actor.may_somewhere(right) or not actor.may(right, path)
    if bound is not None:
        assert not actor.may(right, path) or Actor("y", bound).may(right, path)
