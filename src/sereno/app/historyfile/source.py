"""A file of samples: which tags are in it, and its rows as parts of an import, in the order of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.client import ImportSource
from sereno.model import TagSpec

from .columns import FLOAT, TEXT, has_words, kind_of, qualities_of, times_of, values_of
from .reading import columns_in, tables_in, time_column

PART_BYTES = 3 << 20
"""Of a part, but for what a column needs whatever is in it."""
_COLUMN_BYTES = 300
_NAMED = ("quality", "unit", "text")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An Arrow stream and how many samples are in it."""

    data: bytes
    samples: int


@dataclass(slots=True, eq=False)
class SourceFile:
    """Long files have a column `tag`; else each column but the time is a tag, or, with `tag`, there is but one.

    Times without a zone are in `timezone`. `specs` by path are the tags of the node. `look` first.
    """

    path: Path
    tag: str
    timezone: str
    specs: Mapping[str, TagSpec]
    tags: dict[str, str] = field(default_factory=dict)
    """Tags of the file with their units; "" where it does not say."""
    samples: int = 0
    _time: str = ""
    _columns: list[str] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """True if there is a row for each sample."""
        return "tag" in self._columns

    def look(self) -> None:
        """Find out which tags are in it and how many samples, about. Raises ValueError, saying what is wrong."""
        self._columns = columns_in(self.path)
        self._time = time_column(self.path, self._columns)
        if self.is_long:
            self._look_at_rows()
        else:
            self._look_at_columns()
        check_tags(self.tags, self.specs)

    def source(self) -> ImportSource:
        """What goes on record of it; read with times of another zone it is another import."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        zone = "" if self.timezone == "UTC" else f" (times in {self.timezone})"
        return ImportSource(f"{self.path.name[-130:]}{zone}", digest, tuple(self.tags))

    def parts(self) -> Iterator[Part]:
        """Its samples, always in the same parts. Raises ValueError."""
        import pyarrow as pa

        texts = any(kind_of(self.specs[tag]) == TEXT for tag in self.tags)
        for table in tables_in(self.path, self._type, texts=texts):
            if not len(table):
                continue
            t = times_of(table[self._time], self.timezone, self.path.name)
            quality = qualities_of(table["quality"]) if "quality" in self._columns else None
            for columns in self._long(table, t, quality) if self.is_long else [self._wide(table, t, quality)]:
                batch = pa.table(columns).combine_chunks()
                times = 1 if self.is_long else len(self.tags)
                for part in _cut(batch):
                    yield Part(_stream(part), len(part) * times)

    def _look_at_columns(self) -> None:
        named = [name for name in self._columns if name not in (self._time, *_NAMED)]
        if self.tag and len(named) != 1:
            raise ValueError(
                f"{self.path.name} has {len(named)} columns besides the time, expected one for {self.tag!r}"
            )
        self.tags = {self.tag or name: "" for name in named}
        rows = 0
        if "unit" in self._columns:
            for table in tables_in(self.path, self._type, ["unit"]):
                rows += len(table)
                units = [unit for unit in table["unit"].unique().to_pylist() if unit]
                self.tags |= dict.fromkeys(self.tags, str(units[0])) if units else {}
        else:
            rows = _rows(self.path)
        self.samples = rows * len(named)

    def _look_at_rows(self) -> None:
        import pyarrow as pa

        wanted = [name for name in ("tag", "unit") if name in self._columns]
        for table in tables_in(self.path, self._type, wanted):
            self.samples += len(table)
            plain = [table[n].cast(pa.string()) if pa.types.is_dictionary(table[n].type) else table[n] for n in wanted]
            found = pa.table(plain, names=wanted).group_by(wanted).aggregate([])
            units = found["unit"].to_pylist() if "unit" in wanted else [""] * len(found)
            for tag, unit in zip(found["tag"].to_pylist(), units, strict=True):
                if self.tags.setdefault(tag, unit or "") != (unit or "") and unit:
                    raise ValueError(f"{tag!r} is in {self.tags[tag]!r} and in {unit!r} in the same file")

    def _type(self, name: str) -> Any:
        """Of a column of a CSV file."""
        import pyarrow as pa

        if name in ("tag", "quality", "unit"):
            return pa.dictionary(pa.int32(), pa.string())
        spec = self.specs.get(self.tag or name)
        if name == self._time or spec is None or self.is_long:
            plain = name == "value" and self.is_long and all(_is_plain(self.specs[tag]) for tag in self.tags)
            return pa.float64() if plain and self.tags else pa.string()
        return pa.float64() if _is_plain(spec) else pa.string()

    def _wide(self, table: Any, t: Any, quality: Any) -> dict[str, Any]:
        columns = {"t": t} if quality is None else {"t": t, "quality": quality}
        for tag in self.tags:
            name = tag if not self.tag else next(n for n in self._columns if n not in (self._time, *_NAMED))
            columns[tag] = values_of(table[name], self.specs[tag])
        return columns

    def _long(self, table: Any, t: Any, quality: Any) -> Iterator[dict[str, Any]]:
        """By tag where values may be words, else by kind: all rows at once where all tags are plain numbers."""
        import pyarrow as pa
        import pyarrow.compute as pc

        tags = table["tag"].combine_chunks()
        encoded = tags if pa.types.is_dictionary(tags.type) else tags.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        whole = {"tag": encoded, "t": t, "value": table["value"]}
        whole |= {} if quality is None else {"quality": quality}
        whole |= {"text": table["text"]} if "text" in self._columns else {}
        together = pa.table(whole)
        groups = _groups(names, self.specs)
        for tags_of, spec in groups:
            some = together
            if len(groups) > 1:
                some = together.filter(pc.is_in(encoded.indices, pa.array(tags_of, encoded.indices.type)))
            if len(some):
                columns = {name: some[name] for name in some.column_names if name != "text"}
                yield columns | {"value": values_of(_given(some, spec), spec)}


def _given(table: Any, spec: TagSpec) -> Any:
    """The values of tags, out of the column `text` where there are some: what a float64 cannot hold stands there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    value = table["value"]
    if "text" not in table.column_names or (kind_of(spec) == FLOAT and not has_words(spec)):
        return value
    return pc.coalesce(table["text"], value.cast(pa.string()))


def _groups(names: Sequence[str], specs: Mapping[str, TagSpec]) -> list[tuple[list[int], TagSpec]]:
    found: dict[object, list[int]] = {}
    for number, name in enumerate(names):
        spec = specs[name]
        found.setdefault(name if has_words(spec) else kind_of(spec), []).append(number)
    return [(numbers, specs[names[numbers[0]]]) for numbers in found.values()]


def check_tags(tags: Mapping[str, str], specs: Mapping[str, TagSpec]) -> None:
    """Raises ValueError if tags of a file are not declared, or have another unit there, or are arrays."""
    for tag, unit in tags.items():
        if tag not in specs:
            raise ValueError(f"no tag {tag!r} at the node; a column of another name is given with --tag")
        if unit and unit != specs[tag].unit:
            raise ValueError(f"{tag!r} is in {unit!r} in the file and in {specs[tag].unit!r} at the node")
        if specs[tag].shape:
            raise ValueError(f"{tag!r} is an array; arrays are not imported")


def _is_plain(spec: TagSpec) -> bool:
    return kind_of(spec) == FLOAT and not has_words(spec)


def _rows(path: Path) -> int:
    """Rows of a file, of CSV its lines."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".arrow":
        return sum(len(table) for table in tables_in(path, lambda _: None))
    lines = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
    return max(0, lines - 1)


def _cut(table: Any) -> Iterator[Any]:
    room = max(PART_BYTES // 4, PART_BYTES - _COLUMN_BYTES * table.num_columns)
    rows = max(1, len(table) * room // max(1, table.nbytes))
    for first in range(0, len(table), rows):
        yield table.slice(first, rows)


def _stream(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
