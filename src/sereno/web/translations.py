"""The languages of the pages: plain catalogues, key to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

LANGUAGES = ("en", "es", "fr")
Translate = Callable[..., str]


class Translations:
    """Catalogues of all languages. A key that a language lacks shows in English, else as itself.

    `more` are folders of others by name; of theirs only keys "NAME.…" count, so nobody changes another's words.
    `faults` says of whose a file cannot be read.
    """

    def __init__(self, folder: Path, more: Mapping[str, Path] | None = None) -> None:
        self.catalogues: Mapping[str, dict[str, str]] = {lang: _load(folder / f"{lang}.json") for lang in LANGUAGES}
        self.faults: dict[str, str] = {}
        for name, other in (more or {}).items():
            for lang, catalogue in self.catalogues.items():
                texts = self._texts_of(name, other / f"{lang}.json")
                catalogue |= {key: text for key, text in texts.items() if key.startswith(f"{name}.")}

    def _texts_of(self, name: str, path: Path) -> Mapping[str, str]:
        try:
            return _load(path)
        except (msgspec.MsgspecError, UnicodeError, OSError) as error:
            self.faults[name] = f"{path}: {error}"
            return {}

    def of(self, lang: str) -> Translate:
        """The function `t(key, name=value...)` for a language; `{name}` in a text is replaced by the value."""
        own, english = self.catalogues[lang], self.catalogues["en"]

        def t(key: str, **values: Any) -> str:
            text = own.get(key) or english.get(key) or key
            for name, value in values.items():
                text = text.replace("{" + name + "}", str(value))
            return text

        return t


def choose(accepted: str, preferred: str | None) -> str:
    """The language for a browser: its cookie, else the best of Accept-Language, else English."""
    if preferred in LANGUAGES:
        return str(preferred)
    ranked: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        lang = tag.strip().lower().partition("-")[0]
        if lang in LANGUAGES:
            ranked.append((_weight(weight), lang))
    return max(ranked, key=lambda found: found[0])[1] if ranked else "en"


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def _load(path: Path) -> dict[str, str]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
