"""Which callers hold a transaction of their own on a SQLite file, so that nobody waits for themselves.

SQLite has one writer. Code that holds an open transaction on the file in which agegate keeps its tables, and
asks the gate inside it, would wait for a lock that it holds itself. The engines of SQLAlchemy in this process
say when a transaction begins and ends, and whose it is: the running task's, or the thread's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event

_lock: Final = threading.Lock()
_open: Final[WeakKeyDictionary[sa.Connection, object]] = WeakKeyDictionary()
_asked_by: Final[ContextVar[object]] = ContextVar("agegate_asked_by", default=None)


def watch() -> None:
    """Begin to note transactions; safe to repeat."""
    with _lock:
        for name, listener in (("begin", _begun), ("commit", _ended), ("rollback", _ended)):
            if not event.contains(sa.Engine, name, listener):
                event.listen(sa.Engine, name, listener)


def caller() -> object:
    """Whose transactions count: the task that asked, the running task, or the thread."""
    if (asked := _asked_by.get()) is not None:
        return asked
    try:
        return asyncio.current_task() or threading.get_ident()
    except RuntimeError:  # no loop runs in this thread
        return threading.get_ident()


@contextmanager
def asked_by(who: object) -> Iterator[None]:
    """Work for another caller, as a thread does for a task."""
    before = _asked_by.set(who)
    try:
        yield
    finally:
        _asked_by.reset(before)


def held_by_caller(file: Path) -> bool:
    """Whether the caller has a transaction of their own under way on this (resolved) SQLite file."""
    if not _open:
        return False
    me = caller()
    with _lock:
        mine = [connection for connection, owner in _open.items() if owner == me]
    return any(_file(connection) == file and _is_under_way(connection) for connection in mine)


def _begun(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite" and not connection.get_execution_options().get("agegate_own"):
        with _lock:
            _open[connection] = caller()


def _ended(connection: sa.Connection) -> None:
    with _lock:
        _open.pop(connection, None)


def _file(connection: sa.Connection) -> Path | None:
    name = connection.engine.url.database
    return Path(name).resolve() if name and name != ":memory:" else None


def _is_under_way(connection: sa.Connection) -> bool:
    """Whether the driver began too; it may wait for the first statement that writes."""
    if connection.closed:
        return False
    driver: Any = connection.connection.driver_connection
    driver = getattr(driver, "_conn", driver)  # an async driver keeps the plain one in a thread
    return bool(getattr(driver, "in_transaction", True))
