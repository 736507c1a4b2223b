"""A sound at the machine itself, by whatever plays sounds there."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
from pydantic import Field

from sereno.alarms.notify.way import Message, WayConfig
from sereno.model import OperationError

PLAYERS = ("pw-play", "paplay", "aplay", "afplay")
RATE = 22050
TONES = {1: (988, 740, 988, 740), 2: (784, 784), 3: (587,), 4: (440,)}


class SoundConfig(WayConfig):
    """`player`: the program and its arguments, the file comes last; [] finds one. `times` the sound is played."""

    player: list[str] = Field([], max_length=20)
    times: int = Field(1, ge=1, le=20)


class SoundWay:
    """Plays a sound that says the priority."""

    Config = SoundConfig
    addressed = False

    def __init__(self, config: SoundConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder

    async def send(self, message: Message) -> str:
        """See Way."""
        player = self._config.player or [name for name in PLAYERS if shutil.which(name)][:1]
        if not player:
            raise OperationError(f"nothing here plays sounds ({', '.join(PLAYERS)}); name a program: player = [...]")
        with tempfile.TemporaryDirectory(prefix="sereno-sound-") as folder:
            file = Path(folder) / "alarm.wav"
            file.write_bytes(sound(message.priority))
            for _ in range(self._config.times):
                await self._play([*player, str(file)])
        return f"played by {Path(player[0]).name}"

    async def _play(self, command: list[str]) -> None:
        nothing = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=self._folder
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            raise OperationError(f"{Path(command[0]).name} ended with {process.returncode}")


def sound(priority: int) -> bytes:
    """A WAV file, 16 bits, one channel: the same tones as in the browser."""
    t = np.arange(int(RATE * 0.2)) / RATE
    shape = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.02)
    tones = [np.sin(2 * np.pi * frequency * t) * shape for frequency in TONES.get(priority, TONES[4])]
    samples = (np.concatenate(tones) * 0.6 * 32767).astype("<i2")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return made.getvalue()
