"""The file of what is in force, beside the cold files."""

from __future__ import annotations

import zlib
from pathlib import Path

from sereno.historian.disk import Disk

from .manifest import FOLDER, Manifest, StateFile
from .reading import DamagedError
from .state import InForceState, decode_state, empty_state, encode_state


def load_state(disk: Disk, folder: Path, manifest: Manifest) -> InForceState:
    """The state that the manifest names. Raises DamagedError if it is gone, cannot be read or is damaged."""
    if manifest.state is None:
        return empty_state()
    path = folder / FOLDER / manifest.state.name
    try:
        data = disk.read(path)
    except OSError as error:
        raise DamagedError(path, 0) from error
    if zlib.crc32(data) != manifest.state.crc:
        raise DamagedError(path, 0)
    return decode_state(data)


def save_state(disk: Disk, folder: Path, generation: int, state: InForceState) -> StateFile:
    """Write a state and sync it. Raises OSError."""
    name, data = f"state.{generation:06d}.bin", encode_state(state)
    path = folder / FOLDER / name
    disk.remove(path)
    file = disk.create(path)
    try:
        file.append(data)
        file.sync()
    finally:
        file.close()
    return StateFile(name=name, crc=zlib.crc32(data))
