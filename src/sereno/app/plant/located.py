"""TOML with the line of every key, for faults that say where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sereno.model import ConfigurationError, Fault

Key = tuple[str | int, ...]

_POSITION = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Located:
    """A parsed file and where its keys stand."""

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int]

    def where(self, *key: str | int) -> str:
        """'file:line' of a key, or of the nearest table around it."""
        for length in range(len(key), -1, -1):
            line = self.lines.get(key[:length])
            if line is not None:
                return f"{self.path}:{line}"
        return f"{self.path}:1"


def without_strays(file: Located, known: Collection[str]) -> Located:
    """The file without the tables that belong to one whose header is misspelt: TOML puts them into the one before."""
    strange = {key: rows for key, rows in file.data.items() if key not in known and isinstance(rows, list)}
    strays = [file.lines.get((key, at), 0) for key, rows in strange.items() for at in range(len(rows))]
    if not strays:
        return file

    def astray(key: Key, above: Key) -> bool:
        line, start = file.lines.get(key, 0), file.lines.get(above, 0)
        return any(0 < start < stray < line for stray in strays)

    def kept(value: Any, key: Key, above: Key) -> Any:
        if isinstance(value, dict):
            return {name: kept(one, (*key, name), key) for name, one in value.items() if not astray((*key, name), key)}
        if isinstance(value, list):
            return [kept(one, (*key, at), above) for at, one in enumerate(value) if not astray((*key, at), above)]
        return value

    return Located(file.path, {name: kept(rows, (name,), ()) for name, rows in file.data.items()}, file.lines)


def read_text(path: Path) -> str:
    """The file's text. Raises ConfigurationError when it is missing, too large or not UTF-8."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.toml"))[:5] if path.parent.is_dir() else []
        fix = f"In that folder: {', '.join(near)}" if near else "Write one with: sereno init DIR"
        raise ConfigurationError([Fault(str(path), "no such file", fix=fix)]) from None
    except OSError as error:
        raise ConfigurationError([Fault(str(path), f"cannot be read: {error.strerror}")]) from None
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError([Fault(str(path), f"{len(raw)} bytes", f"at most {_MAX_BYTES}")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            [Fault(f"{path}:{line}", f"byte 0x{raw[error.start]:02x}", "UTF-8 text", "Save the file as UTF-8.")]
        ) from None


def load_toml(path: Path) -> Located:
    """Parse a TOML file. Raises ConfigurationError with file:line for anything that is wrong with it."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        message = _POSITION.sub("", str(error))
        raise ConfigurationError([Fault(f"{path}:{line}", f"not TOML: {message}")]) from None
    except RecursionError:
        raise ConfigurationError([Fault(str(path), "nested too deeply")]) from None
    return Located(path, data, _Locator(text).locate())


class _Locator:
    """Walks valid TOML once and notes the line of each table header and key, inline tables included."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.line = 1
        self.lines: dict[Key, int] = {}
        self.counts: dict[Key, int] = {}

    def locate(self) -> dict[Key, int]:
        table: Key = ()
        while self._skip_blank():
            line = self.line
            if self._peek() == "[":
                table = self._header()
                self.lines.setdefault(table, line)
                if table and isinstance(table[-1], int):
                    self.lines.setdefault(table[:-1], line)
            else:
                self._pair(table)
        return self.lines

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _step(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _skip_blank(self) -> bool:
        while char := self._peek():
            if char == "#":
                end = self.text.find("\n", self.at)
                self._step((end if end >= 0 else len(self.text)) - self.at)
            elif char in " \t\n,":
                self._step()
            else:
                return True
        return False

    def _header(self) -> Key:
        double = self.text.startswith("[[", self.at)
        self._step(2 if double else 1)
        names = self._dotted()
        self._step(2 if double else 1)
        key: Key = ()
        for i, name in enumerate(names):
            key = (*key, name)
            last = i == len(names) - 1
            if double and last:
                self.counts[key] = self.counts.get(key, -1) + 1
            if key in self.counts:
                key = (*key, self.counts[key])
        return key

    def _dotted(self) -> list[str]:
        names = []
        while True:
            self._spaces()
            if self._peek() in "\"'":
                start = self.at
                self._string()
                names.append(self.text[start + 1 : self.at - 1])
            else:
                found = _BARE.match(self.text, self.at)
                names.append(found[0] if found else "")
                self._step(len(names[-1]) or 1)
            self._spaces()
            if self._peek() != ".":
                return names
            self._step()

    def _spaces(self) -> None:
        while self._peek() in (" ", "\t"):
            self._step()

    def _pair(self, table: Key) -> None:
        line = self.line
        key = (*table, *self._dotted())
        self.lines.setdefault(key, line)
        self._step()  # the equals sign
        self._spaces()
        self._value(key)

    def _value(self, key: Key) -> None:
        char = self._peek()
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(key)
        elif char == "{":
            self._inline(key)
        else:
            while self._peek() not in ("", "\n", ",", "]", "}", "#"):
                self._step()

    def _string(self) -> None:
        quote = self._peek()
        triple = self.text.startswith(quote * 3, self.at)
        mark = quote * 3 if triple else quote
        self._step(len(mark))
        while not self.text.startswith(mark, self.at):
            self._step(2 if quote == '"' and self._peek() == "\\" else 1)
        self._step(len(mark))
        while triple and self._peek() == quote:  # up to two quotes may end the text itself
            self._step()

    def _array(self, key: Key) -> None:
        self._step()
        index = 0
        while self._skip_blank() and self._peek() != "]":
            self.lines.setdefault((*key, index), self.line)
            self._value((*key, index))
            index += 1
        self._step()

    def _inline(self, key: Key) -> None:
        self._step()
        while self._skip_blank() and self._peek() != "}":
            self._pair(key)
        self._step()
