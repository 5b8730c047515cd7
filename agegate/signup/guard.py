"""The guard: no account is inserted that nobody admitted, whichever way the host's code inserts it.

It listens to every engine of SQLAlchemy in the process, so it sees a session's flush, the bulk methods, Core
and ORM `insert()`, `INSERT … SELECT`, textual SQL and async sessions alike. Other programs, a driver's own
cursors and its `COPY` are seen by a trigger in the database (`agegate.signup.trigger`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Compiled
from sqlalchemy.sql.dml import Insert

from agegate.errors import ConfigError, NotAdmittedError
from agegate.signup.admission import Permit, open_import, open_permits
from agegate.signup.contacts import Contact
from agegate.signup.inserts import UNREADABLE, Row, inserts_into, place_of, rows_of
from agegate.signup.trigger import admit_rows, forget_rows

_HOW: Final = "check the person with AgeGate.check and create the account inside AgeGate.admitting"

_installed: Final[dict[tuple[str | None, str], Guard]] = {}


class Guard:
    """Refuses inserts into the table of accounts outside `AgeGate.admitting`.

    `accounts` is a mapped class or a `Table`; `email` and `phone` name its attributes or columns that an
    admission is bound to (without them any permit admits one row). With `trigger` the guard tells the trigger
    of `agegate.signup.trigger`, in the same transaction, which account may come.
    """

    def __init__(
        self,
        accounts: type[Any] | sa.Table,
        *,
        email: str | None = None,
        phone: str | None = None,
        trigger: bool = False,
    ) -> None:
        """Keep what is guarded; `install` begins. Raises `ConfigError` if a column does not exist."""
        self.table, columns = table_of(accounts)
        self._names: dict[str, frozenset[str]] = {}
        self._column: sa.Column[Any] | None = None
        for kind, name in (("email", email), ("phone", phone)):
            if name is None:
                continue
            if name not in columns:
                raise ConfigError(
                    f"the guard: {self.table.name} has no column {name!r}; name the one with the {kind}"
                )
            column = columns[name]
            self._names[kind] = frozenset(str(own).lower() for own in (name, column.key, column.name))
            self._column = column if self._column is None else self._column
        self.contact = None if self._column is None else str(self._column.name)
        self._trigger = trigger
        self._name = str(self.table.name).lower()
        self._word = max(re.split(r"\W", self._name), key=len)  # stands in SQL however the name is quoted
        self._mark = inserts_into(self.table.name)
        self._carried = _Carried()
        self._seen: WeakKeyDictionary[sa.Connection, object] = WeakKeyDictionary()
        self._told: set[sa.Connection] = set()
        self._lock = threading.Lock()

    def install(self) -> Self:
        """Begin to listen to all engines, those made later too; takes the place of an earlier guard."""
        place = (self.table.schema, self.table.name)
        if (earlier := _installed.get(place)) is not None:
            earlier.remove()
        _installed[place] = self
        for name, listener in self._listeners():
            event.listen(sa.Engine, name, listener)
        return self

    def remove(self) -> None:
        """Stop listening; safe to repeat."""
        place = (self.table.schema, self.table.name)
        if _installed.get(place) is self:
            del _installed[place]
            for name, listener in self._listeners():
                event.remove(sa.Engine, name, listener)

    def __enter__(self) -> Self:
        """`install`."""
        return self.install()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """`remove`."""
        self.remove()

    def _listeners(self) -> tuple[tuple[str, Any], ...]:
        return (
            ("before_execute", self._before_execute),
            ("before_cursor_execute", self._before_cursor_execute),
            ("rollback_savepoint", self._rolled_back_to),
            ("rollback", self._rolled_back),
            ("rollback_twophase", self._rolled_back),
            ("commit", self._committing),
            ("commit_twophase", self._committing),
        )

    def _before_execute(
        self, connection: sa.Connection, statement: Any, many: Sequence[Row], one: Row, options: Any
    ) -> None:
        """Look at an `insert()`: the last point where its values can be read, whatever made it."""
        # SQLAlchemy 2.0 also executes what was compiled before.
        insert = statement.statement if isinstance(statement, Compiled) else statement
        if not isinstance(insert, Insert) or not self._is_named_as(insert.table):
            return
        if not self._is_ours(connection, insert.table, options.get("schema_translate_map")):
            if statement is not insert:
                return  # its schema was written when it was compiled: nobody knows how
        elif insert.select is None:
            self._take(connection, list(rows_of(insert, many or [one])))
        elif open_import() is not None:
            return  # counted by the SQL itself
        else:
            raise NotAdmittedError(f"INSERT … SELECT into {self.table.name} admits nobody; {_HOW}")
        self._seen[connection] = statement

    def _before_cursor_execute(
        self, connection: sa.Connection, _cursor: Any, sql: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        """Look at the SQL itself: textual statements, and inserts inside others."""
        lowered = sql.lower()
        if self._word not in lowered or not ("into" in lowered or "copy" in lowered):
            return  # nearly all statements, at hardly any cost
        found = len(self._mark.findall(sql))
        if found and (seen := self._seen.get(connection)) is not None:
            made_from = (getattr(context, "invoked_statement", None), getattr(context, "compiled", None))
            # Its rows were looked at before it was compiled, or it is another schema's table.
            found -= any(statement is seen for statement in made_from)
        if found <= 0:
            return
        if (imported := open_import()) is not None:
            imported.accounts += found
            return
        if not self._trigger:
            raise NotAdmittedError(
                f"textual SQL into {self.table.name} cannot be checked; use insert(), or install the trigger"
            )
        with self._lock:
            permits = open_permits()
            if len(permits) != found:
                raise NotAdmittedError(f"an account in {self.table.name} that nobody admitted; {_HOW}")
            # The trigger compares the contact, which only it can see.
            own = [permit.email if "email" in self._names else permit.phone for permit in permits]
            self._pass_on(connection, permits, [contact.given if contact else None for contact in own])

    def _take(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Find an open permit for each row, and mark all of them as taken, or none."""
        contacts = [(self._value(row, "email"), self._value(row, "phone")) for row in rows]
        if any(UNREADABLE in contact for contact in contacts):
            raise NotAdmittedError(
                f"an account in {self.table.name} whose contact the database computes; give it as a value"
            )
        if (imported := open_import()) is not None:
            imported.accounts += len(rows)
            if self._trigger:
                self._told.add(connection)
                admit_rows(connection, self._column, [email or phone for email, phone in contacts])
            return
        with self._lock:
            permits = open_permits()
            taken = []
            for email, phone in contacts:
                permit = self._fitting(permits, email, phone)
                if permit is None:
                    raise NotAdmittedError(f"an account in {self.table.name} that nobody admitted; {_HOW}")
                permits.remove(permit)
                taken.append(permit)
            self._pass_on(
                connection, taken, [email if "email" in self._names else phone for email, phone in contacts]
            )

    def _fitting(self, permits: Sequence[Permit], email: object, phone: object) -> Permit | None:
        """The first permit for this contact. An e-mail address is read once, however many permits there are."""
        if not self._names:
            return permits[0] if permits else None
        if email is not None:
            written = (email, _canonical(email))
            permits = [
                permit
                for permit in permits
                if permit.email is not None
                and (permit.email.given in written or permit.email.canonical in written)
            ]
        return next((permit for permit in permits if permit.fits(email, phone)), None)

    def _pass_on(self, connection: sa.Connection, permits: Sequence[Permit], told: Sequence[object]) -> None:
        if self._trigger:
            self._told.add(connection)
            admit_rows(connection, self._column, told)
            if not _can_roll_back(connection):
                forget_rows(connection)
                raise NotAdmittedError(
                    f"the trigger on {self.table.name} cannot be told in AUTOCOMMIT; insert in a transaction"
                )
        self._carried.add(connection, permits)

    def _value(self, row: Row, kind: str) -> object:
        """The contact in a row; one that is named twice, and not the same, cannot be read."""
        names = self._names.get(kind, frozenset())
        found = [value for name, value in row.items() if name.lower() in names]
        if any(value is not found[0] and value != found[0] for value in found):
            return UNREADABLE
        return found[0] if found and found[0] != "" else None

    def _is_named_as(self, table: Any) -> bool:
        """Whether a table has the guarded one's name, in any case and any schema."""
        return str(getattr(table, "name", "")).lower() == self._name

    def _is_ours(self, connection: sa.Connection, table: Any, translated: Any) -> bool:
        """Whether a table is the guarded one, or what that becomes when its schema is translated."""
        dialect, own = connection.dialect, self.table
        place = place_of(table, dialect, translated)
        return place in {place_of(own, dialect), place_of(own, dialect, translated)}

    def _rolled_back(self, connection: sa.Connection, *_two_phase: object) -> None:
        self._told.discard(connection)
        self._carried.give_back(connection)

    def _rolled_back_to(self, connection: sa.Connection, savepoint: str, _context: object) -> None:
        self._carried.give_back(connection, savepoint)

    def _committing(self, connection: sa.Connection, *_two_phase: object) -> None:
        """Take back what the trigger was told and did not use: the insert failed and was caught."""
        self._carried.keep(connection)
        if connection in self._told:
            self._told.discard(connection)
            if not _two_phase:
                forget_rows(connection)


class _Carried:
    """The permits that transactions under way have taken, so that a rollback gives them back.

    Each is kept with the names of the savepoints that were open when it was taken.
    """

    def __init__(self) -> None:
        self._by_connection: WeakKeyDictionary[sa.Connection, list[tuple[Permit, frozenset[str]]]]
        self._by_connection = WeakKeyDictionary()

    def add(self, connection: sa.Connection, permits: Sequence[Permit]) -> None:
        savepoints = frozenset(_savepoints(connection))
        carried = self._by_connection.setdefault(connection, [])
        for permit in permits:
            permit.taken_by = connection
            carried.append((permit, savepoints))

    def give_back(self, connection: sa.Connection, savepoint: str | None = None) -> None:
        """Free what was taken since a savepoint, or in the whole transaction."""
        carried = self._by_connection.pop(connection, [])
        if not carried or not _can_roll_back(connection):
            return
        kept = []
        for permit, savepoints in carried:
            if savepoint is None or savepoint in savepoints:
                permit.taken_by = None
            else:
                kept.append((permit, savepoints))
        if kept:
            self._by_connection[connection] = kept

    def keep(self, connection: sa.Connection) -> None:
        self._by_connection.pop(connection, None)


def _savepoints(connection: sa.Connection) -> Iterator[str]:
    """The names of the savepoints that are open, the inmost first."""
    nested: Any = connection.get_nested_transaction()
    while nested is not None:
        yield str(nested._savepoint)
        nested = nested._previous_nested


def _can_roll_back(connection: sa.Connection) -> bool:
    """Whether the driver is in a transaction; in AUTOCOMMIT what was inserted stays."""
    if connection.closed or connection.invalidated:
        return False
    driver: Any = connection.connection.driver_connection
    driver = getattr(driver, "_conn", driver)  # an async driver keeps the plain one in a thread
    if getattr(driver, "autocommit", False) is True:
        return False
    # sqlite3 begins by itself before it inserts, unless it was told not to.
    return getattr(driver, "isolation_level", "") is not None or bool(getattr(driver, "in_transaction", True))


def table_of(accounts: type[Any] | sa.Table) -> tuple[sa.Table, Mapping[str, sa.Column[Any]]]:
    """The table in which a new account begins, and its columns by name of attribute or key."""
    if isinstance(accounts, sa.Table):
        return accounts, dict(accounts.columns.items())
    mapper = sa.inspect(accounts)
    while mapper.inherits is not None and not mapper.concrete:
        mapper = mapper.inherits
    if not isinstance(mapper.local_table, sa.Table):
        raise ConfigError("the guard needs a mapped class or a Table; give that of the accounts")
    return mapper.local_table, dict(mapper.columns.items())


def _canonical(email: object) -> str | None:
    try:
        return Contact.read("email", email).canonical
    except ValueError:
        return None
