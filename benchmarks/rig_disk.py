"""disk: full, short of a write, failing at each call; every byte of a store flipped, every length cut.

A fault at the n-th call, for every n: what was acknowledged is there afterwards, nothing else is. A small store with
any one byte changed, or any file cut: no wrong value, loss at most the damaged block, or it is refused in words.
`--stride N` looks at every n-th byte and length only; `--defect unchecked` believes every checksum and must be found.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from breaking.workload import SIGNS, compactor_on, historian_on, record, stored, total, violations
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.reading import ColdReader
from sereno.historian.disk import AppendFile, SystemDisk
from sereno.model import OperationError, RefusedError, SystemClock

BATCHES = 60


class FailingDisk(SystemDisk):
    """Fails at call number `at`, and for `last` calls from then on: EIO, or ENOSPC after half of a write."""

    def __init__(self, at: int, last: int, code: int) -> None:
        self.calls = 0
        self._at, self._last, self._code = at, last, code

    def fails(self) -> bool:
        self.calls += 1
        return self._at <= self.calls < self._at + self._last

    def check(self) -> None:
        if self.fails():
            raise OSError(self._code, "planted")

    def create(self, path: Path) -> AppendFile:
        self.check()
        return _Failing(self, super().create(path))

    def extend(self, path: Path) -> AppendFile:
        self.check()
        return _Failing(self, super().extend(path))

    def rename(self, source: Path, target: Path) -> None:
        self.check()
        super().rename(source, target)

    def sync_folder(self, path: Path) -> None:
        self.check()
        super().sync_folder(path)

    @property
    def code(self) -> int:
        return self._code


class _Failing:
    def __init__(self, disk: FailingDisk, file: AppendFile) -> None:
        self._disk, self._file = disk, file
        self.close: Callable[[], None] = file.close

    def append(self, data: bytes) -> None:
        if self._disk.fails():
            if self._disk.code == errno.ENOSPC:
                self._file.append(data[: len(data) // 2])
            raise OSError(self._disk.code, "planted")
        self._file.append(data)

    def sync(self) -> None:
        self._disk.check()
        self._file.sync()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--fault-stride", type=int, default=1)
    parser.add_argument("--defect", choices=("unchecked",), default="")
    options = parser.parse_args()
    if options.defect:
        believe_everything()
    with tempfile.TemporaryDirectory(prefix="sereno-disk-") as name:
        counts = faults(Path(name) / "faults", options.fault_stride)
        counts = total(counts, damages(Path(name), options.stride))
    bad = sum(counts.get(key, 0) for key in ("lost", "doubled", "altered", "lost_beyond_the_block", "crashed"))
    print(json.dumps({"name": "disk", "figures": counts, "ratios": {}, "defect": options.defect, "found": bad > 0}))
    return int((bad > 0) is not bool(options.defect))


def faults(folder: Path, stride: int) -> dict[str, int]:
    """A fault at each call of a whole run, of one call and of several."""
    quiet = FailingDisk(1 << 60, 0, errno.EIO)
    asyncio.run(run(folder / "quiet", quiet))
    counts: dict[str, int] = {}
    for at in range(1, quiet.calls + 1, stride):
        for code, last in ((errno.EIO, 1), (errno.ENOSPC, 1), (errno.ENOSPC, 4)):
            victim = folder / "victim"
            acknowledged = asyncio.run(run(victim, FailingDisk(at, last, code)))
            series, _ = asyncio.run(stored(victim))
            counts = total(counts, {**violations(series, acknowledged), "faults": 1})
            shutil.rmtree(victim)
    return counts


async def run(folder: Path, disk: FailingDisk) -> set[int]:
    """Numbers that were told to be durable."""
    told: set[int] = set()
    historian = historian_on(folder, disk, SystemClock(), compactor_on(disk))
    try:
        await historian.start()
    except (OSError, OperationError):
        return told
    try:
        await record(historian, 0, BATCHES, lambda seq: told.update(range(seq + 1)), every=25)
    except RefusedError:
        pass
    finally:
        await historian.stop()
    return told


def damages(folder: Path, stride: int) -> dict[str, int]:
    """Each byte and each length of a small store with cold files and a log."""
    whole = folder / "whole"
    asyncio.run(run(whole, FailingDisk(1 << 60, 0, errno.EIO)))
    assert list((whole / "cold").glob("*.parquet"))
    assert len(list((whole / "log").glob("*.log"))) > 0
    everything = set(range(BATCHES))
    blocks = block_rows(whole)
    counts: dict[str, int] = {"bytes": sum(p.stat().st_size for p in whole.rglob("*") if p.is_file())}
    for path in sorted(p for p in whole.rglob("*") if p.is_file() and p.name != "lock"):
        data = path.read_bytes()
        for at in range(0, len(data), stride):
            flipped = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
            counts = total(counts, look(folder, whole, path, flipped, everything, blocks))
        for size in range(0, len(data), stride):
            counts = total(counts, look(folder, whole, path, data[:size], everything, None))
    return counts


def block_rows(whole: Path) -> int:
    """Samples of the largest block of the store: a row group, or everything that one commit of the log holds."""
    manifest = load_manifest(SystemDisk(), whole)
    reader = ColdReader(SystemDisk(), whole)
    groups = [int(reader.index(f).groups["rows"].max()) for f in manifest.files if f.kind in ("double", "decimal1")]
    return max([*groups, 3 * len(SIGNS)])


def look(folder: Path, whole: Path, path: Path, data: bytes, everything: set[int], block: int | None) -> dict[str, int]:
    """Open the store with one file changed."""
    copy = folder / "copy"
    shutil.copytree(whole, copy)
    (copy / path.relative_to(whole)).write_bytes(data)
    try:
        series, told = asyncio.run(stored(copy))
    except OperationError:
        return {"looked": 1, "refused": 1}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
        print(f"{path.name} {len(data)}: {type(error).__name__}: {error}")
        return {"looked": 1, "crashed": 1}
    finally:
        shutil.rmtree(copy)
    found = violations(series, everything)
    lost = found.pop("lost")
    silent = lost > 0 and not told and not gaps(series)
    if silent:
        print(f"{path.name}, {len(data)} bytes: {lost} lost and not a word")
    beyond = block is not None and path.suffix == ".parquet" and lost > block
    return {**found, "looked": 1, "rows_lost": lost, "lost_silently": int(silent), "lost_beyond_the_block": int(beyond)}


def gaps(series: list) -> bool:  # type: ignore[type-arg]
    """True if something is shown as missing."""
    return any(bool(np.isnan(one.value).any()) for one in series)


def believe_everything() -> None:
    """The planted defect: no checksum is looked at."""
    import zlib

    from sereno.historian.cold import reading

    class _Right:
        crc32 = staticmethod(lambda data, start=0: _Equal())  # noqa: ARG005

    class _Equal:
        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        def __hash__(self) -> int:
            return 0

    reading.zlib = _Right  # type: ignore[assignment]
    assert zlib.crc32 is not _Right.crc32


if __name__ == "__main__":
    sys.exit(main())
