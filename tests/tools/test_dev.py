"""./dev sets itself up once, hands over cleanly and says in one sentence what is wrong."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

DEV = Path(__file__).parents[2] / "dev"
FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
sleep 0.1
echo "uv speaking"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a path with a space, and a uv on PATH that only notes what it is asked."""
    root = tmp_path / "with space"
    (root / "benchmarks").mkdir(parents=True)
    shutil.copy(DEV, root)
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "requirements.lock").write_text("")
    (root / "requirements-peers.lock").write_text("")
    (root / "benchmarks" / "bench_scan.py").write_text(
        '"""Registers a second.\n\nMore."""\nimport os, sys\nprint(sys.argv[1:], os.getcwd())\nsys.exit(5)\n'
    )
    write_program(tmp_path / "bin" / "uv", FAKE_UV.format(log=tmp_path / "asked"))
    return root


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def dev(project: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the project's ./dev with only the fake uv and the system's folders on PATH."""
    return subprocess.run(
        [sys.executable, str(project / "dev"), *arguments],
        cwd=cwd or project,
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def environment(project: Path) -> dict[str, str]:
    return dict(os.environ, PATH=os.pathsep.join([str(project.parent / "bin"), os.defpath]))


def asked(project: Path) -> list[str]:
    """What the fake uv was asked, one line a call."""
    log = project.parent / "asked"
    return log.read_text().splitlines() if log.exists() else []


def load(project: Path) -> ModuleType:
    """The project's dev as a module."""
    loader = SourceFileLoader("dev_under_test", str(project / "dev"))
    spec = importlib.util.spec_from_loader("dev_under_test", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


posix = pytest.mark.skipif(os.name != "posix", reason="the fake programs are shell scripts")


def test_the_syntax_is_one_that_old_pythons_can_read() -> None:
    tree = ast.parse(DEV.read_text(), feature_version=(3, 6))
    new = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.NamedExpr | ast.AnnAssign | ast.arg)]
    assert not [node for node in new if not isinstance(node, ast.arg) or node.annotation]
    imported = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("version", [(3, 10, 13), (2, 7, 18)])
def test_an_old_python_is_refused_in_one_sentence(project: Path, version: tuple[int, int, int]) -> None:
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path('dev', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Python 3.11 or newer and this is {}.{}".format(*version) in line
    assert not (project / ".venv").exists()


def test_help_names_every_command_and_sets_nothing_up(project: Path) -> None:
    for arguments in ([], ["--help"]):
        done = dev(project, *arguments)
        assert done.returncode == 0
        assert all(
            f"./dev {name}" in done.stdout for name in ("run", "test", "check", "bench", "rig", "sereno", "setup")
        )
    assert not (project / ".venv").exists()


def test_an_unknown_command_names_the_known_ones(project: Path) -> None:
    done = dev(project, "tset")
    assert done.returncode == 2
    assert "no command 'tset'" in done.stderr
    assert "test" in done.stderr


@posix
def test_the_first_start_sets_up_and_the_second_does_not(project: Path) -> None:
    first = dev(project, "setup")
    assert first.returncode == 0, first.stderr
    assert len(first.stderr.splitlines()) == 2
    install, editable = asked(project)
    assert install.startswith(f"pip install --python {project}/.venv/bin/python --no-deps --require-hashes -r")
    assert editable.endswith("--no-deps --no-build-isolation -e .")
    second = dev(project, "setup")
    assert (second.returncode, second.stderr) == (0, "")
    assert len(asked(project)) == 2


@posix
@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock"])
def test_changed_requirements_are_installed_over_the_old_ones(project: Path, changed: str) -> None:
    dev(project, "setup")
    (project / ".venv" / "kept").touch()
    (project / changed).write_text("# newer\n")
    assert dev(project, "setup").returncode == 0
    assert len(asked(project)) == 4
    assert (project / ".venv" / "kept").exists()


@posix
def test_another_interpreter_of_the_same_version_does_not_change_the_environment_it_did_not_make(project: Path) -> None:
    dev(project, "setup")
    made = project / ".venv" / "pyvenv.cfg"
    made.write_text(made.read_text().replace("home = ", "home = /elsewhere"))
    (project / "pyproject.toml").write_text("# newer\n")
    assert dev(project, "setup").returncode == 0
    assert "home = /elsewhere" in made.read_text()


@posix
def test_a_moved_project_is_set_up_from_nothing(project: Path) -> None:
    dev(project, "setup")
    (project / ".venv" / "stale").touch()
    moved = project.rename(project.with_name("moved"))
    assert dev(moved, "setup").returncode == 0
    assert not (moved / ".venv" / "stale").exists()
    assert len(asked(moved)) == 4


@posix
def test_two_first_starts_at_once_set_up_once(project: Path) -> None:
    command = [sys.executable, str(project / "dev"), "setup"]
    both = [
        subprocess.Popen(command, env=environment(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(asked(project)) == 2
    assert sum("waiting for it" in text for text in said) == 1, said


@posix
def test_a_failure_shows_the_installers_last_words_and_leaves_no_stamp(project: Path) -> None:
    module = load(project)
    Path(module.VENV).mkdir()
    with pytest.raises(module.SetupError, match=r"exit 3(?s:.*)no such package"):
        module.run_logged("Installing", ["/bin/sh", "-c", "echo no such package; exit 3"])
    assert not module.present_stamp()


@pytest.mark.parametrize("system_pip", ["pip 22.2 from x", None, "No module named pip"])
def test_without_any_installer_the_fix_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, system_pip: str | None
) -> None:
    module = load(project)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module, "answers", lambda argv: system_pip if argv[0] == sys.executable else None)
    with pytest.raises(module.SetupError, match="sudo apt install python3-venv"):
        module.install(module.LOCK, project=True)


def test_ways_to_install_come_in_order_and_the_next_is_tried_when_one_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load(project)
    tried: list[str] = []

    def run_logged(what: str, argv: list[str]) -> None:
        tried.append(what)
        if "uv" in what:
            raise module.SetupError("uv: no certificate")

    monkeypatch.setattr(module, "run_logged", run_logged)
    monkeypatch.setattr(module.shutil, "which", lambda name: "/opt/uv")
    monkeypatch.setattr(module, "answers", lambda argv: "pip 22.3 from x" if argv[0] == sys.executable else None)
    module.install(module.LOCK, project=True)
    assert tried == [
        "Installing the locked packages with uv",
        "Installing the locked packages with the system's pip",
        "Installing Sereno with the system's pip",
    ]
    assert "uv: no certificate\nTrying the system's pip instead." in capsys.readouterr().err


def test_ensurepip_is_preferred_to_the_systems_pip(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(project)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module, "answers", lambda argv: "" if "ensurepip" in argv else "pip 23.0 from x")
    assert [name for name, _ in module.installers()] == ["pip"]


@posix
def test_arguments_exit_code_and_folder_reach_the_program(project: Path, tmp_path: Path) -> None:
    dev(project, "setup")
    write_program(project / ".venv" / "bin" / "sereno", '#!/bin/sh\necho "$# $@ in $(pwd)"\nexit 7\n')
    done = dev(project, "run", "plant", "--for", "two words", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, f"4 demo plant --for two words in {tmp_path}\n")
    done = dev(project, "sereno", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, f"1 --version in {tmp_path}\n")


@posix
def test_what_is_started_keeps_what_it_compiled(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev(project, "setup")
    write_program(project / ".venv" / "bin" / "sereno", '#!/bin/sh\necho "<$PYTHONDONTWRITEBYTECODE>"\n')
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert dev(project, "sereno").stdout == "<>\n"


@posix
def test_all_tests_run_on_all_cores_and_a_part_as_asked(project: Path) -> None:
    dev(project, "setup")
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    write_program(python, '#!/bin/sh\necho "$@"\n')
    workers = (os.cpu_count() or 1) + 2
    everything = f"-m pytest -n {workers} --dist loadfile --no-loadscope-reorder"
    assert dev(project, "test").stdout == f"{everything}\n"
    assert dev(project, "test", "-x", "--durations=20").stdout == f"{everything} -x --durations=20\n"
    (project / "tests").mkdir()
    (project / "tests" / "test_hub.py").touch()
    for part in (
        "tests -x",
        "-v tests/test_hub.py::test_one",
        "-k hub",
        "-mbrowser",
        "--lf",
        "--numprocesses=5",
        "-sv",
    ):
        assert dev(project, "test", *part.split()).stdout == f"-m pytest {part}\n"


@posix
def test_a_damaged_environment_is_one_line_with_the_fix(project: Path) -> None:
    dev(project, "setup")
    done = dev(project, "sereno", "--version")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No such file" in line
    assert f"remove {project / '.venv'}" in line


@posix
def test_peers_are_added_once_and_again_when_their_lock_changes(project: Path) -> None:
    done = dev(project, "setup", "--peers")
    assert done.returncode == 0, done.stderr
    peers = str(project / "requirements-peers.lock")
    assert asked(project)[-1].endswith(f"--require-hashes -r {peers}")
    before = len(asked(project))
    dev(project, "setup", "--peers")
    assert len(asked(project)) == before
    (project / "requirements-peers.lock").write_text("# changed\n")
    dev(project, "setup", "--peers")
    assert len(asked(project)) == before + 1


@posix
def test_a_benchmark_runs_by_its_name_in_the_projects_folder(project: Path, tmp_path: Path) -> None:
    done = dev(project, "bench", "scan", "--quick", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, f"['--quick'] {project}\n")


@posix
def test_a_name_of_several_words_is_spoken_with_dashes(project: Path) -> None:
    (project / "benchmarks" / "rig_lying_plc.py").write_text('"""Lies."""\nprint("told")\n')
    assert "  lying-plc      Lies." in dev(project, "rig").stdout
    for name in ("lying-plc", "lying_plc"):
        assert dev(project, "rig", name).stdout == "told\n"


def test_benchmarks_are_listed_with_what_they_measure(project: Path) -> None:
    assert "  scan           Registers a second." in dev(project, "bench").stdout
    assert "none yet" in dev(project, "rig").stdout
    done = dev(project, "bench", "scam")
    assert done.returncode == 2
    assert "no bench named 'scam'" in done.stderr
    assert not (project / ".venv").exists()


def test_git_keeps_dev_executable_with_unix_line_ends() -> None:
    assert b"\r" not in DEV.read_bytes()
    assert os.name != "posix" or os.access(DEV, os.X_OK)
    assert "dev text eol=lf" in (DEV.parent / ".gitattributes").read_text().splitlines()
