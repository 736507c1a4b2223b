from __future__ import annotations

import io
import sys
import wave
from pathlib import Path

import pytest

from sereno.alarms.notify.way import Message
from sereno.alarms.notify.ways import sound
from sereno.alarms.notify.ways.sound import SoundConfig, SoundWay
from sereno.model import OperationError

MESSAGE = Message(id="1", plant="Works", kind="alarms", t=10**18, subject="s", text="t", priority=1)
PLAY = "import sys; open('played', 'ab').write(open(sys.argv[1], 'rb').read())"


async def test_the_player_gets_a_wav_file_as_often_as_wanted(tmp_path: Path) -> None:
    way = SoundWay(SoundConfig(player=[sys.executable, "-c", PLAY], times=2), tmp_path)
    assert await way.send(MESSAGE) == f"played by {Path(sys.executable).name}"
    assert (tmp_path / "played").read_bytes() == sound.sound(1) * 2


async def test_no_player_and_one_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "PLAYERS", ("none-such",))
    with pytest.raises(OperationError, match="nothing here plays sounds"):
        await SoundWay(SoundConfig(), tmp_path).send(MESSAGE)
    with pytest.raises(OperationError, match="ended with 1"):
        await SoundWay(SoundConfig(player=[sys.executable, "-c", "raise SystemExit(1)"]), tmp_path).send(MESSAGE)


@pytest.mark.parametrize(("priority", "tones"), [(1, 4), (2, 2), (3, 1), (4, 1), (9, 1)])
def test_the_urgent_ones_sound_longer(priority: int, tones: int) -> None:
    with wave.open(io.BytesIO(sound.sound(priority))) as file:
        assert file.getnframes() == tones * 4410
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
