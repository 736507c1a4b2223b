"""The tables of the observatory's own database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA = 1
"""Number of this form of the tables; a database of a later one is refused."""

METADATA = MetaData()

META = Table("observatory_meta", METADATA, Column("name", String(32), primary_key=True), Column("value", Text))

SEQUENCES = Table(
    "sequence",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(200), nullable=False),
    Column("program", String(200), nullable=False),
    Column("observer", String(200), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("why", Text, nullable=False),
    Column("t_changed", BigInteger, nullable=False),
    Column("t_start", BigInteger, nullable=False),
    Column("t_end", BigInteger, nullable=False),
    Column("duration", Float, nullable=False),
    Column("target", Text, nullable=False),
)

ACCOUNTS = Table(
    "sequence_account",
    METADATA,
    Column("sequence", ForeignKey("sequence.id"), primary_key=True),
    Column("account", String(200), nullable=False, index=True),
    Column("level", String(80), nullable=False),
)
"""In whose name a sequence was asked for, where that is known, and by which level; "" for one that others did."""

ALBUMS = Table(
    "album",
    METADATA,
    Column("sequence", ForeignKey("sequence.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("detector", String(200), nullable=False),
    Column("name", String(200), nullable=False),
)

PLANS = Table(
    "plan",
    METADATA,
    Column("sequence", ForeignKey("sequence.id"), primary_key=True),
    Column("album", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("filter", String(200), nullable=False),
    Column("frame", String(16), nullable=False),
    Column("exposure", Float, nullable=False),
    Column("images", Integer, nullable=False),
    Column("focus", Integer),
    Column("binning", Integer),
)

IMAGES = Table(
    "image",
    METADATA,
    Column("sequence", ForeignKey("sequence.id"), primary_key=True),
    Column("album", Integer, primary_key=True),
    Column("plan", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("t_start", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("detector", String(200), nullable=False),
    Column("filter", String(200), nullable=False),
    Column("note", Text, nullable=False),
)
IMAGES_BY_TIME = Index("image_t_start", IMAGES.c.t_start)

CHANGES = Table(
    "sequence_change",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("sequence", ForeignKey("sequence.id"), nullable=False),
    Column("t_changed", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Index("sequence_changes", "sequence", "number"),
)

TRIES = Table(
    "sequence_try",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("sequence", ForeignKey("sequence.id"), nullable=False, index=True),
    Column("t_tried", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)
"""Executions that ended because an instrument did not do its part."""
