"""What hypothesis tries: the same in each run, unless somebody searches with `--hypothesis-profile=search`."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

import sereno.wire.packed  # a module of ours, with numbers of its own


def test_they_do_not_depend_on_chance_or_on_what_was_imported_before(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--hypothesis-profile") is not None:
        pytest.skip("somebody searches")
    assert settings().derandomize
    assert sereno.wire.packed.ARRAY
    assert len(providers._get_local_constants()) == 0
