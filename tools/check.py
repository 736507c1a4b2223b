"""./dev check: ruff, mypy, the import contracts and the project's own rules, one line per finding.

`./dev check NAME...` runs only the named steps: lint, format, types, windows and macos (the types as seen there),
imports, rules. With --fix, ruff first mends what it can. Exit 1 if anything but warnings is left.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.checks import calls, entries, handlers, imports, release, sizes, text
from tools.checks.source import Finding, Source, project_files, read_sources

ROOT = Path(__file__).resolve().parents[1]
RULES: list[Callable[[Source], Iterator[Finding]]] = [
    sizes.file_size,
    sizes.function_size,
    sizes.module_name,
    calls.clock,
    calls.platform,
    calls.fork,
    entries.routes_have_entries,
    handlers.broad_except,
    imports.heavy_imports,
    imports.private_imports,
    text.machine_paths,
    text.registry_hosts,
]
MYPY = ["mypy", "--no-error-summary", "--no-pretty", "--hide-error-context"]
COMMANDS = {
    "lint": ["ruff", "check", "--output-format", "concise", "--quiet", "."],
    "format": ["ruff", "format", "--check", "--output-format", "concise", "--quiet", "."],
    "types": MYPY,
    "windows": [*MYPY, "--platform", "win32", "--no-warn-unreachable", "--cache-dir", ".mypy_cache/win32"],
    "macos": [*MYPY, "--platform", "darwin", "--no-warn-unreachable", "--cache-dir", ".mypy_cache/darwin"],
    "imports": ["tools.checks.contracts"],
}
FIXES = [["ruff", "check", "--fix", "--quiet", "--exit-zero", "."], ["ruff", "format", "--quiet", "."]]
NO_FAULT = re.compile(r": (warning|note): ")
CHAIN = re.compile(r"^[-\s]*(?P<importer>[\w.]+) -> (?P<imported>[\w.]+) \(l\.(?P<line>\d+)")


def main(arguments: list[str]) -> int:
    """Run the named steps, all without names; returns the exit code."""
    steps = [*COMMANDS, "rules"]
    names = [name for name in arguments if name != "--fix"]
    unknown = [name for name in names if name not in steps]
    if unknown:
        print(f"./dev check has no step {unknown[0]!r}; it has: {', '.join(steps)}")
        return 2
    if "--fix" in arguments:
        for command in FIXES:
            subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        running = {name: pool.submit(run_step, name) for name in names or steps}
        lines = {name: future.result() for name, future in running.items()}
    for name in {"windows", "macos"} & set(lines):
        lines[name] = [line for line in lines[name] if line not in lines.get("types", [])]
    for line in (line for found in lines.values() for line in found):
        print(line)
    faults = {name: sum(not NO_FAULT.search(line) for line in found) for name, found in lines.items()}
    each = ", ".join(f"{name} {count}" for name, count in faults.items())
    print(sizes.figures(read_sources(ROOT)))
    print(f"./dev check: {sum(faults.values())} faults ({each}) in {time.perf_counter() - began:.1f} s")
    return 1 if any(faults.values()) else 0


def run_step(name: str) -> list[str]:
    """A step's findings, one line each."""
    if name == "rules":
        return [str(finding) for finding in sorted(project_findings(ROOT))]
    command = [sys.executable, "-m", *COMMANDS[name]]
    environment = dict(os.environ, NO_COLOR="1", COLUMNS="400")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if name == "imports":
        return broken_contracts(lines)
    return lines or [f"{name}: exit {done.returncode} without a word; run {' '.join(command)}"]


def broken_contracts(report: list[str]) -> list[str]:
    """import-linter's report as findings at the importing lines; the whole report where it names none."""
    findings = []
    rule = ""
    for line in report:
        chain = CHAIN.match(line)
        if chain:
            path = module_path(chain["importer"])
            findings.append(f"{path}:{chain['line']}: imports {chain['imported']}; {rule}")
        elif line.endswith(":") or "not allowed" in line:
            rule = line.strip().rstrip(":")
    return findings or report or ["imports: import-linter failed without a word"]


def module_path(module: str) -> str:
    """The file of a module under src."""
    stem = "src/" + module.replace(".", "/")
    return f"{stem}/__init__.py" if (ROOT / stem).is_dir() else f"{stem}.py"


def project_findings(root: Path) -> Iterator[Finding]:
    """Every finding of the project's own rules."""
    sources = read_sources(root)
    files = frozenset(project_files(root))
    for source in sources:
        try:
            for rule in RULES:
                yield from rule(source)
        except SyntaxError as error:
            yield Finding(source.path, error.lineno or 1, error.msg, "Python", "correct the syntax")
        yield from text.links(source, files)
    by_path = {source.path: source for source in sources}
    pyproject = by_path["pyproject.toml"].text
    yield from release.version(pyproject, by_path["src/sereno/__init__.py"])
    yield from release.lock(pyproject, by_path[release.LOCK].text)
    if release.PEERS_LOCK in by_path:
        yield from release.lock(pyproject, by_path[release.PEERS_LOCK].text, peers=True)
    if release.VENDOR_LIST in by_path:
        folder = (root / release.VENDOR_LIST).parent
        beside = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        yield from release.vendored(by_path[release.VENDOR_LIST].text, beside)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
