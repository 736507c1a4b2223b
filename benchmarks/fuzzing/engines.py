"""Two ways to look for inputs: atheris, which follows what code they reach, and hypothesis, which is always there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from .targets import Target

SLOWEST = 20
"""Seconds that one input may take under atheris."""
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True)
class Outcome:
    """What a target did: how many inputs it was given, and the first that raised, with what."""

    target: str
    engine: str
    executions: int
    seconds: float
    input: bytes | None = None
    error: str = ""


def engine_names() -> list[str]:
    """The engines that can be used here, the better first."""
    return ["atheris", "hypothesis"] if importlib.util.find_spec("atheris") else ["hypothesis"]


def replay(target: Target) -> Outcome:
    """Every seed and everything that was kept."""
    began = time.perf_counter()
    inputs = target.inputs()
    for i, data in enumerate(inputs):
        try:
            target.run(data)
        except Exception:  # noqa: BLE001 - whatever comes is a finding
            return Outcome(target.name, "replay", i + 1, time.perf_counter() - began, data, traceback.format_exc())
    return Outcome(target.name, "replay", len(inputs), time.perf_counter() - began)


# hypothesis: kept inputs, cut, changed and joined


def changed(inputs: list[bytes], longest: int) -> st.SearchStrategy[bytes]:
    """Bytes at random, and kept inputs with a few edits; both shrink to what is needed."""
    if not inputs:
        return st.binary(max_size=longest)
    piece = st.one_of(st.binary(max_size=8), st.sampled_from(inputs).map(lambda data: data[-32:]))
    edit = st.tuples(st.integers(0, 3), st.integers(0, 1 << 16), st.integers(0, 32), piece)
    edited = st.builds(_edited, st.sampled_from(inputs), st.lists(edit, max_size=6))
    return st.one_of(edited, edited, edited, st.binary(max_size=min(longest, 256))).map(lambda data: data[:longest])


def _edited(data: bytes, edits: list[tuple[int, int, int, bytes]]) -> bytes:
    for kind, place, size, piece in edits:
        at = place % (len(data) + 1)
        if kind == 0:
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == 1:
            data = data[:at] + piece + data[at:]
        elif kind == 2:
            data = data[:at] + data[at + size :]
        else:
            data = data[:at] + data[at : at + 4] * (1 << size // 3) + data[at:]
    return data


def by_hypothesis(target: Target, *, seconds: float = 0.0, examples: int = 200, seed: int = 0) -> Outcome:
    """Rounds of `examples` until `seconds` are over, at least one; the same seed is the same run."""
    began, done = time.perf_counter(), 0
    strategy = changed(target.inputs(), target.longest)
    while True:
        count, found, error = _round(target, strategy, examples, seed)
        done += count
        spent = time.perf_counter() - began
        if error or spent >= seconds:
            return Outcome(target.name, "hypothesis", done, spent, found, error)
        seed += 1


def _round(
    target: Target, strategy: st.SearchStrategy[bytes], examples: int, seed: int
) -> tuple[int, bytes | None, str]:
    count, last = 0, b""

    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def run(data: bytes) -> None:
        nonlocal count, last
        count, last = count + 1, data
        target.run(data)

    try:
        run()
    except Exception:  # noqa: BLE001 - whatever comes is a finding
        return count, last, traceback.format_exc()
    return count, None, ""


# atheris: libFuzzer in a process of its own, which it ends as it likes


def by_atheris(target: Target, *, seconds: float, seed: int = 0, defect: str = "", keep: Path | None = None) -> Outcome:
    """Coverage-guided for `seconds`; inputs that reached something new go into `keep`."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sereno-fuzz-") as folder:
        here = Path(folder)
        new, given_, found = here / "new", here / "given", here / "found"
        for place in (new, given_, found):
            place.mkdir()
        for i, data in enumerate(target.inputs()):
            (given_ / f"{i:04d}").write_bytes(data)
        command = [sys.executable, "-m", "fuzzing.under_atheris", target.name, defect]
        command += [str(keep or new), str(given_), f"-max_total_time={max(1, round(seconds))}", f"-seed={seed + 1}"]
        command += [f"-artifact_prefix={found}/", "-print_final_stats=1", f"-timeout={SLOWEST}", "-rss_limit_mb=4096"]
        command += [f"-max_len={target.longest}", "-verbosity=0"]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=_benchmarks())
        spent = time.perf_counter() - began
        artifacts = sorted(found.iterdir())
        culprit = artifacts[0].read_bytes() if artifacts else None
    runs = _RUNS.search(run.stderr)
    error = "" if run.returncode == 0 else _told(run.stderr + run.stdout)
    return Outcome(target.name, "atheris", int(runs[1]) if runs else 0, spent, culprit, error)


def _benchmarks() -> Path:
    return Path(__file__).parents[1]


def _told(output: str) -> str:
    """The traceback in what libFuzzer printed, or its end."""
    at = output.find("Traceback (most recent call last)")
    text = output[at:] if at >= 0 else output[-2000:]
    return text.partition("\n==")[0].strip() or "ended without a word"
