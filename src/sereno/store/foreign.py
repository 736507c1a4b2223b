"""A database of somebody else, that is only read: rows of one query, never a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sereno.model import SystemClock

from .connect import make_engine, name_of, sqlite_file
from .errors import StoreError

_CLOCK = SystemClock()
_INSTRUCTIONS = 10_000
"""Of SQLite between two looks at the time."""


class ForeignDatabase:
    """At a file's path or a URL, asked in transactions that change nothing. Blocks, `seconds` for each step."""

    def __init__(self, where: str | Path, *, seconds: float) -> None:
        self._file = sqlite_file(where)
        self._seconds = seconds
        self._engine = _looking(self._file) if self._file is not None else make_engine(where, _patience(where, seconds))
        self._engine.update_execution_options(postgresql_readonly=True)
        self._before = {
            "postgresql": [f"SET LOCAL statement_timeout = {round(seconds * 1000)}"],
            "mariadb": ["SET TRANSACTION READ ONLY"],
        }.get(self._engine.dialect.name, [])

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        return str(self._file) if self._file is not None else name_of(self._engine.url)

    def rows(self, query: str, most: int) -> list[tuple[Any, ...]]:
        """All rows. Raises StoreError: it cannot be asked, or has more than `most`."""
        try:
            with self._engine.connect() as connection:
                self._limit(connection)
                for statement in self._before:
                    connection.exec_driver_sql(statement)
                asked = connection.execution_options(no_parameters=True).exec_driver_sql(query)
                found = [tuple(row) for row in asked.fetchmany(most + 1)]
                connection.rollback()
        except DBAPIError as error:
            words = _first_line(error.orig)
            told = f"no answer within {self._seconds:g} s" if words == "interrupted" else words
            raise StoreError(f"database {self.name}: {told}") from None
        except SQLAlchemyError as error:
            raise StoreError(f"database {self.name}: {_first_line(error)}") from None
        if len(found) > most:
            raise StoreError(f"database {self.name}: the query gives more than {most} rows")
        return found

    def _limit(self, connection: Connection) -> None:
        """SQLite has no time of its own for a question."""
        if self._file is not None:
            driver: Any = connection.connection.driver_connection
            end = _CLOCK.monotonic() + self._seconds
            driver.set_progress_handler(lambda: _CLOCK.monotonic() > end, _INSTRUCTIONS)

    def close(self) -> None:
        """Hang up."""
        self._engine.dispose()


def _looking(file: Path) -> Engine:
    return create_engine(f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true", connect_args={"timeout": 1.0})


def _patience(where: str | Path, seconds: float) -> dict[str, Any]:
    whole = max(1, round(seconds))
    limits = {"connect_timeout": whole}
    return limits if str(where).startswith("postgresql") else {**limits, "read_timeout": whole}


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0][:200]
