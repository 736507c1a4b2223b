"""What every test gets: leak checks, a clean environment, and honest skips."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

pytest_plugins = ["pytester", "sereno.testing.pytest_leaks"]

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
IN_MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 2 << 30
KEPT_VARIABLES = {"SERENO_CHROMIUM"}

ANY_MACHINE: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("sereno", derandomize=True, **ANY_MACHINE)
settings.register_profile("search", max_examples=1000, **ANY_MACHINE)
settings.load_profile("sereno")


def pytest_configure(config: pytest.Config) -> None:
    """A user's own Sereno settings and tokens must not reach the tests; the same examples come in each run."""
    if config.getoption("--hypothesis-profile") is None:
        # Else constants of whatever module is imported by then are tried, which differs with the order of the tests.
        providers.is_local_module_file = lambda _path: False
    for name in [name for name in os.environ if name.startswith("SERENO_")]:
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    _files_in_memory()
    _plain_tracebacks()


def _files_in_memory() -> None:
    """Temporary files where fsync costs nothing, unless the user says where: no test here survives a power cut."""
    if "TMPDIR" not in os.environ and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM_IN_MEMORY:
        os.environ["TMPDIR"] = tempfile.tempdir = str(IN_MEMORY)


def _plain_tracebacks() -> None:
    """Errors on the captured console as Python shows them: with every local value drawn, one takes seconds."""
    for one in structlog.get_config()["processors"]:
        if isinstance(one, structlog.dev.ConsoleRenderer):
            one.exception_formatter = structlog.dev.plain_traceback


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A program that a test ran in this process may have set up logs for itself, onto a stream that is gone by now."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _as_wide_as_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told in a terminal is cut and wrapped by its width, which is the user's."""
    monkeypatch.setenv("COLUMNS", "80")


def missing(what: str, fix: str) -> None:
    """Leave the test: on a user's machine skipped with its reason, in CI (CI=true) failed."""
    if IN_CI:
        pytest.fail(f"{what}: the CI machine must have it ({fix})", pytrace=False)
    pytest.skip(f"{what} ({fix})")


@pytest.fixture
def require_service() -> Callable[[str, str, int], None]:
    """Call it with (name, host, port) of a network service; a test without it is skipped, in CI failed."""

    def require(name: str, host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=2).close()
        except OSError as error:
            missing(f"{name} does not answer at {host}:{port}, {error}", f"start {name} to run this test")

    return require


@pytest.fixture
def require_program() -> Callable[[str, str], Path]:
    """Call it with (program, Debian package) for its path; a test without it is skipped, in CI failed."""

    def require(program: str, package: str) -> Path:
        found = shutil.which(program)
        if found is None:
            missing(f"no {program} on PATH", f"sudo apt install {package}")
        return Path(found or "")

    return require


@pytest.fixture(scope="session")
def require_package() -> Callable[[str, str], ModuleType]:
    """Call it with (module, package) for the module of an extra; a test without it is skipped, in CI failed."""

    def require(module: str, package: str) -> ModuleType:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            missing(f"no package {package}", "./dev setup --peers")
        return importlib.import_module(module)

    return require


@pytest.fixture(scope="session")
def require_browser() -> Path:
    """The Chromium to drive: SERENO_CHROMIUM, else the system's; a test without it is skipped, in CI failed."""
    named = os.environ.get("SERENO_CHROMIUM")
    for candidate in (
        [named] if named else ["/usr/bin/chromium", *map(shutil.which, ("chromium-browser", "google-chrome"))]
    ):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    missing(
        f"no Chromium{f' at {named}' if named else ''}", "sudo apt install chromium, or name one in SERENO_CHROMIUM"
    )
    raise AssertionError
