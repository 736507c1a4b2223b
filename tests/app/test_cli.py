"""The command line as a person or a script uses it: against a running demo, and against nothing at all."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from sereno.app.cli import run_cli
from sereno.app.self_watch import SPECS
from tests.ports import free_port

TAGS = 240 + len(SPECS)
"""Of the waterworks, and of the node itself."""

SERENO = [sys.executable, "-m", "sereno"]


@dataclass(frozen=True)
class Demo:
    ready: dict[str, Any]
    data: Path


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def sereno(*arguments: str, cwd: Path | None = None) -> Done:
    """One command line in this process: a new one would cost half a second each."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), chdir(cwd or Path.cwd()):
        code = run_cli(list(arguments))
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo") / "data"
    process = subprocess.Popen(
        [*SERENO, "demo", "plant", "--port", "0", "--data", str(data), "--json"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        running = Demo(json.loads(process.stdout.readline()), data)
        for _ in range(600):
            if sereno("get", "river/plc1/tank_level", "--data", str(data)).returncode == 0:
                break
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
        assert not (data / "credential.json").exists(), "the credential outlives the node"


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ready_line_has_what_scripts_need(demo: Demo) -> None:
    assert {"url", "user", "password", "token"} <= demo.ready.keys()
    assert demo.ready["password"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of files are another thing there")
def test_only_the_owner_reads_the_credential(demo: Demo) -> None:
    assert stat.S_IMODE((demo.data / "credential.json").stat().st_mode) == 0o600


def test_get(demo: Demo) -> None:
    done = sereno("get", "river/plc1/tank_level", "--data", str(demo.data), "--json")
    (row,) = rows(done.stdout)
    assert done.returncode == 0
    assert row["quality"] == "good"
    assert row["unit"] == "m"
    assert 0 < row["value"] < 10


def test_get_by_url_and_token(demo: Demo) -> None:
    done = sereno("get", "river/plc1/tank_level", "--url", demo.ready["url"], "--token", demo.ready["token"])
    assert done.returncode == 0
    assert "tank_level" in done.stdout


def test_get_unknown_tag_names_the_nearest(demo: Demo) -> None:
    done = sereno("get", "river/plc1/tank_levle", "--data", str(demo.data))
    assert done.returncode == 1
    assert "river/plc1/tank_level" in done.stderr


def test_ls_and_info(demo: Demo) -> None:
    assert len(rows(sereno("ls", "--json", "--data", str(demo.data)).stdout)) == TAGS
    text = sereno("info", "river/plc1/chlorine_setpoint", "--data", str(demo.data)).stdout
    assert "set-point" in text
    assert "river/plc1 (modbus" in text


def test_put_goes_round(demo: Demo) -> None:
    done = sereno("put", "river/plc1/chlorine_setpoint", "0.8", "--data", str(demo.data))
    assert done.returncode == 0, done.stderr
    assert "-> 0.8: done, reads back 0.80 mg/L" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["put", "river/plc1/chlorine_setpoint", "80"], 1, "above the limit"),
        (["put", "river/plc1/tank_level", "1"], 1, "refused"),
        (["put", "river/plc1/chlorine_setpoint", "much"], 2, "expected a number"),
        (["put", "river/plc1/chlorine_setpoint", "0.7", "--expect", "0.1"], 1, "refused"),
    ],
)
def test_put_refused(demo: Demo, arguments: list[str], code: int, words: str) -> None:
    done = sereno(*arguments, "--data", str(demo.data))
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_monitor_prints_changes(demo: Demo) -> None:
    done = sereno("monitor", "river/*", "--count", "150", "--json", "--data", str(demo.data))
    seen = rows(done.stdout)
    assert len(seen) == 150
    assert {"tag", "value", "quality", "t_source"} <= seen[0].keys()


def test_history(demo: Demo) -> None:
    done = sereno("history", "river/plc1/intake_flow", "--from", "now-5min", "--json", "--data", str(demo.data))
    (series,) = rows(done.stdout)
    assert len(series["t_ns"]) == len(series["value"]) > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["history", "export", "x.csv", "river/plc1/tank_level", "--from", "yesterdayy"], "'yesterdayy' is no time"),
        (["history", "export", "x.xyz", "river/plc1/tank_level"], "'x.xyz' does not end with .csv"),
        (["history", "export", "nowhere/x.csv", "river/plc1/tank_level"], "there is no folder nowhere for x.csv"),
        (["history", "export", "x.csv", "river/plc1/nope"], "no tag is called river/plc1/nope"),
        (["history", "stats", "river/plc1/tank_level", "--from", "x"], "'x' is no time"),
        (["history", "river/plc1/tank_level", "--tz", "Nope"], "unknown time zone 'Nope'"),
        (["history", "river/plc1/tank_level", "--every", "7x"], "'7x' is no length of a bucket"),
        (["history", "delete", "--tag", "a/*", "--from", "x", "--to", "now"], "'x' is no time"),
        (["history", "import", "x.txt", "--yes"], "'x.txt' does not end with"),
        (["backup", ""], "is no name of a file"),
        (["get", ""], "1 paths of 0 to 0 characters; expected at most"),
        (["get", "río/plc/x"], "nothing that you may read is like it"),
    ],
)
def test_what_was_typed_wrong_is_told_in_words(demo: Demo, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "x.txt").write_text("t,v\n")
    done = sereno(*arguments, "--data", str(demo.data), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert words in done.stderr


def test_an_address_that_is_none_says_what_one_is() -> None:
    done = sereno("get", "a/b/c", "--url", "no.such.host.invalid", "--token", "x")
    assert done.returncode == 3
    assert "expected an address such as http://127.0.0.1:8000" in done.stderr


def test_devices_and_trace(demo: Demo) -> None:
    found = rows(sereno("device", "list", "--json", "--data", str(demo.data)).stdout)
    assert [d["path"] for d in found] == ["river/plc1", "sereno/node", "town/plc2", "works/balance"]
    trace = rows(sereno("device", "trace", "river/plc1", "--count", "6", "--json", "--data", str(demo.data)).stdout)
    assert {"tx", "rx"} <= {line["direction"] for line in trace}


def test_top_once(demo: Demo) -> None:
    done = sereno("top", "--once", "--json", "--data", str(demo.data))
    (system,) = rows(done.stdout)
    assert [device["path"] for device in system["devices"]] == [
        "river/plc1",
        "sereno/node",
        "town/plc2",
        "works/balance",
    ]
    assert system["node"]["memory_bytes"] is None or system["node"]["memory_bytes"] > 1 << 20
    assert system["node"]["disk_free_bytes"] > 0
    told = sereno("top", "--once", "--tab", "devices", "--sort", "tags", "--filter", "town", "--data", str(demo.data))
    assert [line.split()[0] for line in told.stdout.splitlines()[3:]] == ["device", "town/plc2"]
    wrong = sereno("top", "--once", "--sort", "age", "--data", str(demo.data))
    assert (wrong.returncode, "no column 'age'" in wrong.stderr) == (2, True)


def test_doctor_for_nagios(demo: Demo) -> None:
    done = sereno("doctor", "--nagios", "--data", str(demo.data))
    unkept = "this machine's clock" in done.stdout  # then it is the machine that is told of, and rightly
    assert done.stdout.startswith("SERENO WARNING - this machine's clock" if unkept else "SERENO OK - ")
    assert done.returncode == (1 if unkept else 0), done.stdout
    assert f"tags={TAGS}" in done.stdout


def test_curl_line_of_the_welcome(demo: Demo) -> None:
    request = urllib.request.Request(
        f"{demo.ready['url']}/api/v1/values?tag=river/plc1/tank_level",
        headers={"Authorization": f"Bearer {demo.ready['token']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["values"][0]["tag"] == "river/plc1/tank_level"


def test_port_in_use_is_one_line(demo: Demo, tmp_path: Path) -> None:
    port = demo.ready["url"].rsplit(":", 1)[1]
    assert sereno("init", str(tmp_path / "p")).returncode == 0
    done = sereno("run", str(tmp_path / "p"), "--port", port, "--data", str(tmp_path / "d"))
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(errors) == 1, done.stderr
    assert port in errors[0]


def test_wrong_token_is_denied(demo: Demo) -> None:
    done = sereno("get", "*", "--url", demo.ready["url"], "--token", "srn_wrong")
    assert done.returncode == 4


def test_no_node_is_not_connected(tmp_path: Path) -> None:
    port = free_port()
    done = sereno("get", "*", "--url", f"http://127.0.0.1:{port}", "--token", "srn_x")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert sereno("get", "*", "--data", str(tmp_path / "nowhere")).returncode == 3
    assert sereno("doctor", "--nagios", "--data", str(tmp_path / "nowhere")).returncode == 2


def test_broken_command_of_another_package_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        EntryPoint("ls", "sereno.app.commands.live:ls", "sereno.commands"),
        EntryPoint("lost", "nowhere_at_all.commands:lost", "sereno.commands"),
    ]
    monkeypatch.setattr("sereno.app.cli.entry_points", lambda group: entries)
    listed = sereno("--help")
    assert listed.returncode == 0
    assert "cannot be loaded" in listed.stdout
    asked = sereno("lost", "--now")
    assert asked.returncode == 1
    assert "nowhere_at_all" in asked.stderr


def test_as_a_program_of_its_own() -> None:
    done = subprocess.run([*SERENO, "--version"], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.startswith("sereno, version ")


def test_unknown_command_names_the_nearest() -> None:
    done = sereno("moniter")
    assert done.returncode == 2
    assert "monitor" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[[device]]\nname = "a/b"\ndriver = "modbus"\nurll = "tcp://127.0.0.1:1"\n', [":4", "urll", "url"]),
        (b"[plant\n", [":1", "not TOML"]),
        (b"a = '\xff'\n", [":1", "UTF-8"]),
        (
            b'[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
            b'[[device.tag]]\nname = "x"\naddress = "holding:99999"\n',
            [":7", "99999"],
        ),
        (
            b'[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
            b'[[device.tag]]\nname = "x"\naddress = "holding:1"\ntype = "float32"\n'
            b'[[device.tag]]\nname = "y"\naddress = "holding:2"\ntype = "float32"\n',
            [":9", "overlap"],
        ),
    ],
)
def test_bad_plant_file_is_refused_with_its_line(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "plant.toml"
    path.write_bytes(content)
    for command in ("check", "run"):
        done = sereno(command, str(path), cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert all(word in done.stderr for word in words), done.stderr
        assert "nothing was done" in done.stderr


def test_missing_plant_file(tmp_path: Path) -> None:
    done = sereno("run", str(tmp_path / "nope.toml"))
    assert done.returncode == 2
    assert "no such file" in done.stderr


def test_init_says_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run_cli(["init", str(tmp_path / "file/mine")]) == 2
    assert "file/mine/plant.toml cannot be written: Not a directory; choose another folder" in capsys.readouterr().err


@pytest.mark.parametrize("template", ["minimal", "plant", "observatory"])
def test_init_then_check(tmp_path: Path, template: str) -> None:
    assert sereno("init", str(tmp_path / "p"), "--template", template).returncode == 0
    assert sereno("check", str(tmp_path / "p")).returncode == 0
    again = sereno("init", str(tmp_path / "p"), "--template", template)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_service_unit(tmp_path: Path) -> None:
    sereno("init", str(tmp_path / "p"))
    done = sereno("service", "install", str(tmp_path / "p"), "--print", "--data", str(tmp_path / "d"))
    assert done.returncode == 0
    for line in ("Type=notify", "WatchdogSec=30", f'run "{tmp_path / "p" / "plant.toml"}"'):
        assert line in done.stdout


def test_schema_knows_house_and_driver_keys() -> None:
    schema = json.loads(sereno("check", "--schema").stdout)
    device = schema["properties"]["device"]["items"]["properties"]
    assert {"name", "scan", "url", "unit"} <= device.keys()
    assert {"name", "deadband", "address"} <= device["tag"]["items"]["properties"].keys()


def test_unreachable_host_is_said_while_running(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "plant.toml").write_text(
        f'[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:{port}"\n'
        '[[device.tag]]\nname = "x"\naddress = "holding:1"\n'
    )
    done = sereno("run", str(tmp_path), "--port", "0", "--for", "1.5", "--data", str(tmp_path / "d"), "--json")
    assert done.returncode == 0
    refusals = [line for line in done.stderr.splitlines() if "refused" in line]
    assert len(refusals) == 1, done.stderr
