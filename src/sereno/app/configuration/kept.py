"""The configurations that ran, kept as copies of their files, so that one can be rolled back to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from sereno.app.plant.load import Plant
from sereno.app.platform import write_private
from sereno.client import KeptConfiguration
from sereno.model import OperationError

MOST = 20
"""Older ones are deleted."""
_ABOUT, _FILES, _RUNS = "about.json", "files", "runs.json"
log = structlog.get_logger(__name__)


class About(msgspec.Struct, frozen=True):
    """What is noted of a kept configuration. `plant` is its plant file below `files`, `home` where that file lies.

    `before` is the number of the one that ran when it came; 0 = none, or not known.
    """

    number: int
    since: int
    by: str
    plant: str
    home: str
    digests: dict[str, str]
    before: int = 0


@dataclass(frozen=True, slots=True)
class KeptConfigurations:
    """In one folder, a folder for each by its number. Blocks. Raises OperationError for a disk that refuses."""

    folder: Path

    def all(self) -> list[About]:
        """By number; what cannot be read is left out and logged."""
        found = []
        for path in sorted(self.folder.glob(f"[0-9]*/{_ABOUT}")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=About))
            except (OSError, msgspec.DecodeError) as error:
                log.warning("a kept configuration cannot be read", file=str(path), error=str(error))
        return sorted(found, key=lambda about: about.number)

    def keep(self, plant: Plant, digests: dict[str, str], since: int, by: str, before: int = 0) -> About:
        """Keep the files of a plant that comes at `since`; the newest one again, or `before`, if it is the same."""
        known = self.all()
        for same in [*known[-1:], *(one for one in known if one.number == before)]:
            if same.digests == digests:
                return same
        number = known[-1].number + 1 if known else 1
        root = _root(plant)
        about = About(number, since, by, _below(plant.path, root), str(plant.path.absolute().parent), digests, before)
        try:
            self._copy(plant, root, about)
        except OSError as error:
            raise OperationError(f"the configuration cannot be kept in {self.folder}: {error}") from error
        self._prune([one.number for one in known])
        return about

    def drop(self, about: About) -> None:
        """Forget one that never ran."""
        shutil.rmtree(self.folder / f"{about.number:06d}", ignore_errors=True)

    def runs(self, about: About) -> None:
        """Note which one runs. A disk that refuses is logged: then the one before is found by its number."""
        try:
            write_private(self.folder / _RUNS, msgspec.json.encode(about.number).decode())
        except OSError as error:
            log.warning("which configuration runs cannot be noted", error=str(error))

    def last(self) -> int:
        """The number of the one that ran last; 0 if that is not known."""
        try:
            return msgspec.json.decode((self.folder / _RUNS).read_bytes(), type=int)
        except (OSError, msgspec.DecodeError):
            return 0

    def path(self, about: About) -> Path:
        """The plant file of a kept one."""
        return self.folder / f"{about.number:06d}" / _FILES / about.plant

    def listed(self, about: About) -> KeptConfiguration:
        """For people."""
        return KeptConfiguration(
            number=about.number, since=about.since, by=about.by, folder=str(self.path(about).parent)
        )

    def _copy(self, plant: Plant, root: Path, about: About) -> None:
        place = self.folder / f"{about.number:06d}"
        shutil.rmtree(place, ignore_errors=True)
        for file in plant.files:
            source = file.absolute()
            if source.is_relative_to(root):
                target = place / _FILES / source.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        write_private(place / _ABOUT, msgspec.json.encode(about).decode())

    def _prune(self, numbers: Sequence[int]) -> None:
        for number in numbers[: max(0, len(numbers) + 1 - MOST)]:
            shutil.rmtree(self.folder / f"{number:06d}", ignore_errors=True)


def _root(plant: Plant) -> Path:
    """The folder that holds the plant file and all that it includes; modules may lie elsewhere."""
    folders = [file.absolute().parent for file in (plant.path, *plant.files) if file.suffix != ".py"]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        return plant.path.absolute().parent


def _below(file: Path, root: Path) -> str:
    return file.absolute().relative_to(root).as_posix()
