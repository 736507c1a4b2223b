"""Calls that src may make in one place only: reading time, and what is not the same on every system."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.checks.names import loop_methods, references
from tools.checks.source import Finding, Source

ALL = frozenset({"*"})

CLOCK_NAMES = frozenset(
    {f"time.{name}{suffix}" for name in ("time", "monotonic", "perf_counter") for suffix in ("", "_ns")}
    | {f"asyncio.{name}" for name in ("sleep", "timeout", "timeout_at", "wait_for")}
    | {f"datetime.{name}" for name in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")}
    | {"time.sleep"}
)
CLOCK_LOOP_METHODS = frozenset({"time", "call_later", "call_at"})

CLOCK_ALLOWED: dict[str, tuple[frozenset[str], str]] = {
    "src/sereno/model/_clock.py": (ALL, "it is the clock"),
    "src/sereno/testing/_clock.py": (ALL, "it is the jumping clock"),
    "src/sereno/app/paced/clock.py": (ALL, "it is the paced clock"),
    "src/sereno/device/_network.py": (
        frozenset({"asyncio.sleep", "loop.time", "loop.call_at"}),
        "a wire in memory delays by the time of its loop, which the jumping clock moves",
    ),
    "src/sereno/testing/pytest_leaks.py": (
        frozenset({"time.monotonic", "time.sleep"}),
        "waits for the kernel after the loop is closed",
    ),
}

PLATFORM_MODULES = frozenset(
    {"fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "syslog", "termios", "winreg"}
)
PLATFORM_WORDS = {
    "os": """
        fork forkpty kill killpg nice pause wait waitid waitpid wait3 wait4 posix_spawn posix_spawnp
        getuid geteuid getgid getegid getgroups getpgid getpgrp getsid getloadavg setuid seteuid setgid setegid
        setgroups setsid setpgid initgroups chown fchown lchown fchmod chroot mkfifo mknod uname statvfs fstatvfs
        fdatasync sync pread pwrite preadv pwritev sendfile splice eventfd posix_fadvise posix_fallocate copy_file_range
        sched_setaffinity sched_getaffinity sched_yield sysconf openpty ttyname
        O_DIRECTORY O_CLOEXEC O_NOFOLLOW O_NONBLOCK O_SYNC O_DSYNC O_DIRECT
    """,
    "signal": """
        SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGCHLD SIGALRM SIGQUIT SIGPIPE SIGSTOP SIGTSTP SIGCONT SIGTTIN SIGTTOU
        alarm setitimer pause sigwait sigtimedwait pthread_kill pthread_sigmask siginterrupt
    """,
    "asyncio": "open_unix_connection start_unix_server",
    "socket": "AF_UNIX SO_REUSEPORT",
    "socketserver": "ForkingMixIn ForkingTCPServer ForkingUDPServer UnixStreamServer",
    "time": "clock_gettime clock_gettime_ns tzset",
}
PLATFORM_NAMES = frozenset(f"{module}.{name}" for module, names in PLATFORM_WORDS.items() for name in names.split())
FORKING_NAMES = frozenset(
    f"multiprocessing.{name}" for name in ("Manager", "Pool", "Process", "Queue", "set_start_method")
)
PLATFORM_LOOP_METHODS = frozenset({"add_signal_handler", "create_unix_connection", "create_unix_server"})
PLATFORM_ARGUMENTS = frozenset({"preexec_fn", "pass_fds", "reuse_port"})
PLATFORM_FILE = "src/sereno/app/platform.py"
PLATFORM_ALLOWED: dict[str, tuple[frozenset[str], str]] = {
    PLATFORM_FILE: (ALL, "it is the marked place"),
    "src/sereno/historian/lock.py": (
        frozenset({"fcntl.flock", "fcntl.LOCK_EX", "fcntl.LOCK_NB", "msvcrt.locking", "msvcrt.LK_NBLCK"}),
        "one writer per folder needs each system's own lock, and the historian lies below app",
    ),
}


def clock(source: Source) -> Iterator[Finding]:
    """Time is read and waited for through the injected Clock only."""
    if not _is_source(source):
        return
    allowed, _ = CLOCK_ALLOWED.get(source.path, (frozenset(), ""))
    for name, line in sorted(_clock_uses(source.tree), key=lambda use: use[1]):
        if not allowed & {name, "*"}:
            fix = "take a sereno.model.Clock and call its wall_ns, monotonic, sleep, timeout or call_later"
            yield Finding(source.path, line, f"a bare {name}", "time only through the injected clock", fix)


def platform(source: Source) -> Iterator[Finding]:
    """What is missing on Windows or macOS is called from app/platform.py only."""
    if not _is_source(source):
        return
    allowed, _ = PLATFORM_ALLOWED.get(source.path, (frozenset(), ""))
    for name, line in sorted(_platform_uses(source.tree), key=lambda use: use[1]):
        if allowed & {name, "*"}:
            continue
        fix = f"put it behind a function of {PLATFORM_FILE}, or ask with getattr(os, ...) and do without"
        yield Finding(source.path, line, f"{name}, which not every system has", "the same code on every system", fix)


def fork(source: Source) -> Iterator[Finding]:
    """Processes are started by spawning: a fork copies locks and sockets, and Windows has none."""
    if not _is_source(source):
        return
    for name, line in sorted(_forks(source.tree), key=lambda use: use[1]):
        fix = "multiprocessing.get_context('spawn'), and mp_context= for an executor"
        yield Finding(source.path, line, f"{name} with the system's way to start", "a spawned process", fix)


def _is_source(source: Source) -> bool:
    return source.is_python and source.is_under("src")


def _clock_uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    yields = {id(call.func) for call in _calls(tree) if [ast.unparse(a) for a in call.args] == ["0"]}
    for name, node in references(tree):
        if name in CLOCK_NAMES and not (name == "asyncio.sleep" and id(node) in yields):
            yield name, node.lineno
    for name, method in loop_methods(tree):
        if name in CLOCK_LOOP_METHODS:
            yield f"loop.{name}", method.lineno
    waits = {id(node) for name, node in references(tree) if name == "asyncio.wait"}
    for call in _calls(tree):
        if id(call.func) in waits and any(keyword.arg == "timeout" for keyword in call.keywords):
            yield "asyncio.wait(timeout=)", call.lineno


def _platform_uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for name, node in references(tree):
        if name in PLATFORM_NAMES or name.partition(".")[0] in PLATFORM_MODULES:
            yield name, node.lineno
    for name, method in loop_methods(tree):
        if name in PLATFORM_LOOP_METHODS:
            yield f"loop.{name}", method.lineno
    for call in _calls(tree):
        for keyword in call.keywords:
            if keyword.arg in PLATFORM_ARGUMENTS:
                yield f"the argument {keyword.arg}=", call.lineno


def _forks(tree: ast.Module) -> Iterator[tuple[str, int]]:
    safe = set()
    for call in _calls(tree):
        spawns = [ast.unparse(argument) for argument in call.args] == ["'spawn'"]
        if spawns or any(keyword.arg == "mp_context" for keyword in call.keywords):
            safe.add(id(call.func))
    for name, node in references(tree):
        starts = name in {"multiprocessing.get_context", "concurrent.futures.ProcessPoolExecutor"}
        if name in FORKING_NAMES or (starts and id(node) not in safe):
            yield name, node.lineno


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
