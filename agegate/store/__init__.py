"""The store: agegate's own tables, opened, made and upgraded. The four use cases meet here."""

from __future__ import annotations

import os
import secrets
import socket
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from agegate.database import SCHEMA, open_engine, parse_url, reading, shown, writing
from agegate.errors import BusyError, DatabaseError
from agegate.store import tables

__all__ = ["Store", "tables"]


class Store:
    """agegate's own database: its file beside the host's, or the schema `agegate` in the host's server."""

    def __init__(self, url: URL | str, *, create: bool = False, shared: bool = False) -> None:
        """Open the store at a URL; nothing is connected until it is used.

        `shared` says that a SQLite file is the host's too, so that its journal mode is left alone. Raises
        `DatabaseError` if the URL cannot be used, or the file is missing and `create` is not set.
        """
        self.url = parse_url(url) if isinstance(url, str) else url
        self.engine = open_engine(self.url, own=not shared, create=create)
        _stores.add(self)
        weakref.finalize(self, self.engine.dispose)  # whoever drops a store drops its pooled connections

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that reads."""
        return reading(self.engine)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that writes, whole or not at all."""
        return writing(self.engine)

    def create(self) -> None:
        """Make the tables, or bring those that are there to this version's shape; safe to repeat."""
        from agegate.store.migrations import stamp

        if self._version() is not None:
            self.upgrade()
            return
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            tables.metadata.create_all(connection)
            stamp(connection)

    def upgrade(self) -> None:
        """Bring the tables to this version's shape by the migrations; safe to repeat.

        Raises `DatabaseError` if they are of a later version.
        """
        from agegate.store.migrations import upgrade

        found = self._version()
        if found is not None and found > tables.VERSION:
            raise DatabaseError(self._other_version(found))
        with self.writing() as connection:
            upgrade(connection)

    def require(self) -> None:
        """Check that the tables are there and have this version's shape.

        Raises `DatabaseError` that says to run `agegate db upgrade`.
        """
        with self.reading() as connection:
            schema = SCHEMA if connection.dialect.name == "postgresql" else None
            present = set(sa.inspect(connection).get_table_names(schema=schema))
        found = self._version()
        missing = sorted({table.name for table in tables.metadata.sorted_tables} - present)
        if found in {None, tables.VERSION} and missing:
            lacks = "agegate tables" if tables.requests.name in missing else ", ".join(missing)
            raise DatabaseError(f"database {shown(self.url)} has no {lacks}; run `agegate db upgrade`")
        if found != tables.VERSION:
            raise DatabaseError(self._other_version(str(found)))

    def _other_version(self, found: str) -> str:
        return (
            f"database {shown(self.url)} has agegate tables of version {found}, this is {tables.VERSION}; "
            "run `agegate db upgrade` with the newer agegate"
        )

    def _version(self) -> str | None:
        """The migration that the tables were last brought to, or `None` where there are none."""
        with self.reading() as connection:
            schema = SCHEMA if connection.dialect.name == "postgresql" else None
            if not sa.inspect(connection).has_table("agegate_version", schema=schema):
                return None
            table = sa.table("agegate_version", sa.column("version_num"), schema=schema)
            return connection.execute(sa.select(table.c.version_num)).scalar()

    @contextmanager
    def lease(self, name: str, *, seconds: int = 600) -> Iterator[str]:
        """Hold a name alone for a time; yields the holder's token.

        A lease whose process on this machine is gone (killed) is taken over at once. Raises `BusyError`
        at once if another process holds it.
        """
        holder = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"
        now = datetime.now(UTC)
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                # Two first takers find no row to lock; the table's lock makes one of them wait.
                connection.exec_driver_sql(f"LOCK TABLE {SCHEMA}.{tables.leases.name} IN EXCLUSIVE MODE")
            row = connection.execute(sa.select(tables.leases).where(tables.leases.c.name == name)).first()
            if row is not None and row.until > now and not _gone(row.holder):
                raise BusyError(f"another {name} is running; wait for it, or until {row.until:%H:%M} UTC")
            connection.execute(sa.delete(tables.leases).where(tables.leases.c.name == name))
            until = now + timedelta(seconds=seconds)
            connection.execute(sa.insert(tables.leases).values(name=name, holder=holder, until=until))
        try:
            yield holder
        finally:
            mine = (tables.leases.c.name == name) & (tables.leases.c.holder == holder)
            with self.writing() as connection:
                connection.execute(sa.delete(tables.leases).where(mine))

    def renew(self, name: str, holder: str, *, seconds: int = 600) -> None:
        """Keep a lease for another while.

        Raises `BusyError` if it ran out and somebody else took it.
        """
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        mine = (tables.leases.c.name == name) & (tables.leases.c.holder == holder)
        with self.writing() as connection:
            if connection.execute(sa.update(tables.leases).where(mine).values(until=until)).rowcount != 1:
                raise BusyError(f"the lease of this {name} ran out and another took it; start again")

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def _forget_connections() -> None:
    """In a process that was forked: its parent's connections are the parent's."""
    for store in _stores:
        store.engine.dispose(close=False)


_stores: weakref.WeakSet[Store] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


def beside(host: URL, name: str = "agegate.db") -> URL:
    """The default store for a host: its own file beside a SQLite file, else the host's own server."""
    if host.get_backend_name() == "sqlite":
        return host.set(database=str(Path(host.database or "").with_name(name)))
    return host


def _gone(holder: str) -> bool:
    """Whether a lease's holder was a process of this machine that no longer runs."""
    machine, pid, _ = holder.rsplit(":", 2)
    if machine != socket.gethostname()[:40] or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
