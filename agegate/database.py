"""How a database URL becomes an engine: the one place that knows drivers, pragmas and what may go wrong.

`postgresql://` always means psycopg 3, under SQLAlchemy 2.0 and 2.1 alike. SQLite gets real transactions
(SQLAlchemy begins them, not the driver), `foreign_keys` and `secure_delete` on: a deleted row's bytes are
overwritten (https://www.sqlite.org/pragma.html#pragma_secure_delete).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agegate.errors import BusyError, DatabaseError
from agegate.transactions import held_by_caller, watch

SCHEMA: Final = "agegate"
"""Schema of agegate's own tables on PostgreSQL; on SQLite, which has none, the tables' prefix does."""

BUSY_MS: Final = 10_000
"""How long a SQLite writer waits for another one, in milliseconds."""


def parse_url(text: str, *, base: Path | None = None) -> URL:
    """The URL with its driver settled and a relative SQLite path taken from the folder `base`.

    Raises `DatabaseError` if it is no URL of SQLite or PostgreSQL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError("database URL cannot be read; write sqlite:///file.db or postgresql://…") from None
    kind = url.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise DatabaseError(f"database kind {kind!r} is not supported; use sqlite:/// or postgresql://")
    if not url.database or url.database == ":memory:":
        raise DatabaseError("a SQLite URL must name a file, such as sqlite:///host.db")
    path = Path(url.database).expanduser()
    path = path if path.is_absolute() or base is None else base / path
    return url.set(drivername="sqlite", database=str(path))


def same_database(one: URL, other: URL) -> bool:
    """Whether two URLs of `parse_url` lead to the same database; a file may be named in several ways."""
    if one.get_backend_name() == other.get_backend_name() == "sqlite":
        return Path(one.database or "").resolve() == Path(other.database or "").resolve()
    return one == other


def shown(url: URL) -> str:
    """The URL as it may be printed: without its password, wherever it stands."""
    secret = {key: "***" for key in url.query if "password" in key}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def open_engine(url: URL, *, own: bool = False, read_only: bool = False, create: bool = False) -> sa.Engine:
    """An engine for a URL of `parse_url`; it connects when first used.

    `own` is for a file that agegate alone writes (write-ahead log on); a host's file keeps its own mode.
    `read_only` makes every write an error. Raises `DatabaseError` if a SQLite file is missing (unless
    `create`) or the PostgreSQL driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, own=own, read_only=read_only, create=create)
    return _open_postgresql(url, read_only=read_only)


def _open_postgresql(url: URL, *, read_only: bool) -> sa.Engine:
    options = {"options": "-c default_transaction_read_only=on"} if read_only else {}
    try:
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=options)
    except (ImportError, NoSuchModuleError):
        raise DatabaseError("PostgreSQL needs its driver; install agegate[postgresql]") from None


def _open_sqlite(url: URL, *, own: bool, read_only: bool, create: bool) -> sa.Engine:
    path = Path(url.database or "")
    if not create and not path.is_file():
        raise DatabaseError(f"database {shown(url)}: there is no such file; check the path in agegate.toml")
    file = path.resolve()
    engine = sa.create_engine(url, hide_parameters=True)
    engine = engine.execution_options(schema_translate_map={SCHEMA: None}, agegate_own=True)
    watch()

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions, not the driver
        # One cell that is not UTF-8 must not stop a job, and its bytes must not stand in an error.
        connection.text_factory = lambda cell: cell.decode("utf-8", "replace")
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        if own:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later can fail half-way for want of the lock.
        writes = connection.get_execution_options().get("agegate_writes", False)
        if writes and held_by_caller(file):  # who holds the lock and asks for it would wait for itself
            _be_patient(connection, 0)
        elif "agegate_hasty" in connection.info:
            _be_patient(connection, BUSY_MS)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _be_patient(connection: sa.Connection, milliseconds: int) -> None:
    """Set how long a SQLite connection of the pool waits for a lock."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout={milliseconds}")
    if milliseconds:
        connection.info.pop("agegate_hasty")
    else:
        connection.info["agegate_hasty"] = True


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in one transaction that only reads.

    Raises `DatabaseError` or `BusyError` in place of the driver's own errors.
    """
    with _translated(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in one transaction that writes: all of it is committed, or nothing.

    Raises `DatabaseError` or `BusyError` in place of the driver's own errors.
    """
    with (
        _translated(engine),
        _writer(engine).connect() as connection,
        connection.begin(),
    ):
        yield connection


@lru_cache(maxsize=64)
def _writer(engine: sa.Engine) -> sa.Engine:
    """The same engine, with the same pool, whose transactions begin to write at once."""
    return engine.execution_options(agegate_writes=True)


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    """Turn what a driver says about reaching a database into one clear line without its values."""
    try:
        yield
    except PoolTimeout:
        raise BusyError(
            f"database {shown(engine.url)}: every connection of the pool is in use; try again later"
        ) from None
    except DBAPIError as error:
        said = str(error.orig).partition("\n")[0] or "no reason given"
        place = f"database {shown(engine.url)}"
        if "database is locked" in said:
            raise BusyError(
                f"{place} is held by another writer; if your own code holds an open write transaction on "
                "the same SQLite file, commit it before you call agegate"
            ) from None
        if "does not exist" in said or "no such" in said:
            raise DatabaseError(
                f"{place}: {said}; run `agegate db upgrade`, then `agegate host check`"
            ) from None
        if isinstance(error, OperationalError) or "not a database" in said or "malformed" in said:
            raise DatabaseError(
                f"{place} cannot be used: {said}; check the URL in agegate.toml, and that it can be reached"
            ) from None
        raise
