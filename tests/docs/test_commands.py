"""Commands that the documentation prints are understood, and it says what each of the original's has become."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from sereno.app.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OBSERVATORY = (ROOT / "docs" / "observatory.md").read_text(encoding="utf-8")
ORIGINAL = (
    "install", "update", "run the web server", "load initial data", "clean", "clean logs", "test", "migrate",
    "choose the database", "reset the simulation's database", "create the initial context", "unit tests", "all tests",
    "start one agent", "start all agents", "start the web", "start everything", "stop", "run a simulation",
    "simulate only the planner", "launch only the simulators",
)  # fmt: skip
"""What the command line of the original did."""


def understood(words: list[str]) -> None:
    """Have click take the words of `sereno` without doing anything. Raises click.UsageError."""
    command, name, parent = cli, "sereno", None
    found: click.Command = command
    while isinstance(found, click.Group):
        parent = found.make_context(name, words, parent=parent)
        named, command_found, words = found.resolve_command(parent, [*parent._protected_args, *parent.args])
        assert command_found is not None
        name, found = str(named), command_found
    try:
        found.make_context(name, words, parent=parent)
    except click.exceptions.Exit:
        assert "--help" in words


def words_of(line: str) -> list[str]:
    """The arguments of a printed command, without comment, pipe and redirection."""
    return shlex.split(re.split(r" (?:\||>>?|&) ?", line)[0], comments=True)


def table() -> dict[str, str]:
    """What the original did -> what to do here."""
    part = OBSERVATORY.partition("## Who knows the original's command line")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", part, re.MULTILINE)
    return {done: here for names, here in rows[1:] for done in names.split(", ")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_printed_commands_are_understood(page: Path) -> None:
    for line in re.findall(r"^\$ (?:\./dev )?sereno (.*[^\\])$", page.read_text(encoding="utf-8"), re.MULTILINE):
        understood(words_of(line))


def test_each_command_of_the_original_has_one_here() -> None:
    assert set(ORIGINAL) <= set(table())
    printed = [span for here in table().values() for span in re.findall(r"`sereno ([^`]*)`", here)]
    assert len(printed) > 15
    for line in printed:
        understood(words_of(line))


def test_what_no_command_is_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        understood(words_of("agent begin observatory/majordome"))
    with pytest.raises(click.UsageError):
        understood(words_of("sim observatory --only oven"))
