"""The root package: what is public, and that importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sereno


def test_dir_is_the_public_interface_and_nothing_else() -> None:
    assert dir(sereno) == sorted(sereno.__all__)
    assert all(getattr(sereno, name) is not None for name in sereno.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Devise'"):
        _ = sereno.Devise


def test_importing_it_loads_nothing_else() -> None:
    code = (
        "import sys, sereno; print([n for n in sys.modules if n.startswith('sereno.') or n in ('numpy', 'pydantic')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_device_is_written_without_the_heavy_packages() -> None:
    code = (
        "import sys; from sereno import Device; import sereno.app.serve.serving, sereno.app.smallgateway.running; "
        "import sereno.app.smallgateway.flags; "
        "print([n for n in ('pyarrow', 'duckdb', 'alembic', 'sqlalchemy', 'pint', 'fastapi') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
