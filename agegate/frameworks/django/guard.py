"""The guard for Django: no account is inserted that nobody admitted, whichever way the code inserts it.

It stands at the cursor (Django's database instrumentation, `connection.execute_wrappers`), so it sees `save`,
`create`, `bulk_create`, `get_or_create`, `update_or_create`, `createsuperuser`, `loaddata`, child models and
raw SQL alike. What it cannot read it refuses. A driver's own cursor and `COPY` from a client pass it by.
"""

# mypy: disable-error-code="import-untyped"
# Django has no types of its own.

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError

from agegate.errors import ConfigError, NotAdmittedError
from agegate.frameworks.django.configuration import door, read_settings, refuse_to_wait
from agegate.frameworks.django.statements import UNREADABLE, find_inserts, read_rows
from agegate.signup.admission import Permit, open_import, open_permits

_HOW: Final = (
    "create it inside agegate's admitting(), or inside importing(reason) if the operator answers for it"
)

Execute = Callable[[str, Any, bool, Mapping[str, Any]], Any]


@dataclass(eq=False)
class _Taken:
    """A permit whose account is in a transaction that may still be rolled back."""

    permit: Permit
    is_committed: bool = False

    def commit(self) -> None:
        """The transaction was committed (`transaction.on_commit`)."""
        self.is_committed = True


@contextmanager
def importing(reason: str) -> Iterator[None]:
    """The block in which accounts come without a question: staff, a migration, fixtures of tests.

    See `AgeGate.importing`. Raises `InputError` without a reason, and `BusyError` inside a transaction on the
    SQLite file of the store.
    """
    refuse_to_wait()
    with door().gate.importing(reason):
        yield


class Guard:
    """Refuses rows in the table of accounts outside `admitting` and `importing`, on every connection."""

    def __init__(self, table: str, *, email: str | None = None, phone: str | None = None) -> None:
        """Guard a table whose columns `email` and `phone` hold what an admission is bound to.

        Raises `ConfigError` if neither is given: nothing would bind an admission to its account.
        """
        if email is None and phone is None:
            raise ConfigError(
                'settings: AGEGATE: the user model has no EMAIL_FIELD; name its field in "EMAIL" or "PHONE"'
            )
        self.table = table
        self._uid = f"agegate.guard.{table}"
        self._columns = {"email": email, "phone": phone}
        self._waiting: WeakKeyDictionary[Any, list[_Taken]] = WeakKeyDictionary()

    @classmethod
    def of_project(cls) -> Self:
        """The guard of the project's user model. Raises `ConfigError` if a field is not of its own table."""
        from django.contrib.auth import get_user_model

        model, own = get_user_model(), read_settings()
        email = own.email or (None if own.phone else getattr(model, "EMAIL_FIELD", None))
        return cls(
            model._meta.db_table,
            email=_column(model, "EMAIL", email),
            phone=_column(model, "PHONE", own.phone),
        )

    def install(self) -> Self:
        """Begin to look at all connections, those made later too."""
        connection_created.connect(self._connected, weak=False, dispatch_uid=self._uid)
        for connection in connections.all(initialized_only=True):
            self._connected(connection=connection)
        return self

    def remove(self) -> None:
        """Stop looking."""
        connection_created.disconnect(dispatch_uid=self._uid)
        for connection in connections.all(initialized_only=True):
            if self in connection.execute_wrappers:
                connection.execute_wrappers.remove(self)

    def _connected(self, *, connection: Any, **_more: object) -> None:
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        """Look at a statement, then execute it. Raises `NotAdmittedError`."""
        connection = context["connection"]
        text = _text(sql, connection)
        if not find_inserts(text, self.table):
            return execute(sql, params, many, context)
        given = params if many else [params]
        if (found := open_import()) is not None:
            answer = execute(sql, params, many, context)
            found.accounts += self._count(text, given, context["cursor"])
            return answer
        taken = self._take(text, given, connection)
        try:
            answer = execute(sql, params, many, context)
        except BaseException:
            for permit in taken:
                permit.taken_by = None
            raise
        for permit in taken:
            self._watch(connection, permit)
        return answer

    def _count(self, text: str, given: Sequence[Any], cursor: Any) -> int:
        """How many rows a statement wrote; not every driver knows it when a statement returns rows."""
        try:
            return sum(1 for params in given for _ in read_rows(text, self.table, params))
        except NotAdmittedError:
            return max(int(cursor.rowcount), 0)

    def _take(self, text: str, given: Sequence[Any], connection: Any) -> list[Permit]:
        """A permit for each row of a statement; all of them, or none."""
        taken: list[Permit] = []
        try:
            for params in given:
                for row in read_rows(text, self.table, params):
                    permit = self._permit(row, connection)
                    permit.taken_by = connection
                    taken.append(permit)
        except NotAdmittedError:
            for permit in taken:
                permit.taken_by = None
            raise
        return taken

    def _permit(self, row: Mapping[str, object], connection: Any) -> Permit:
        values = [_named(row, column) if column else None for column in self._columns.values()]
        if UNREADABLE in values:
            raise NotAdmittedError(
                f"an account in {self.table} whose contact the database computes; give it as a value"
            )
        email, phone = (None if value == "" else value for value in values)
        self._give_back(connection)
        for permit in open_permits():
            if permit.fits(email, phone):
                return permit
        raise NotAdmittedError(f"an account in {self.table} that nobody admitted; {_HOW}")

    def _watch(self, connection: Any, permit: Permit) -> None:
        """Remember a used permit until its transaction ends, so that a rollback frees it."""
        taken = _Taken(permit)
        try:
            connection.on_commit(taken.commit)
        except TransactionManagementError:  # the host ends its transactions by itself: it stays used
            return
        if not taken.is_committed:
            self._waiting.setdefault(connection, []).append(taken)

    def _give_back(self, connection: Any) -> None:
        """Free the permits whose accounts were rolled back: Django dropped what a commit would call."""
        hooks = [hook for _, hook, *_ in connection.run_on_commit]
        still = []
        for taken in self._waiting.pop(connection, []):
            if taken.commit in hooks:
                still.append(taken)
            elif not taken.is_committed:
                taken.permit.taken_by = None
        if still:
            self._waiting[connection] = still


def _named(row: Mapping[str, object], column: str) -> object:
    """The value of a column, however its name is written; named twice, nobody knows which one counts."""
    found = [value for name, value in row.items() if name.lower() == column.lower()]
    return UNREADABLE if len(found) > 1 else found[0] if found else None


def _column(model: Any, key: str, name: str | None) -> str | None:
    """The column of a field. Raises `ConfigError` if there is none in the model's own table."""
    if not name:
        return None
    fields = {field.name: field for field in model._meta.concrete_fields}
    if name not in fields:
        raise ConfigError(f'settings: AGEGATE["{key}"]: {model._meta.label} has no field {name!r}; name one')
    owner = fields[name].model._meta
    if owner.concrete_model is not model._meta.concrete_model:
        raise ConfigError(
            f'settings: AGEGATE["{key}"]: {name!r} is in the table of {owner.label}; '
            f"name a field of {model._meta.label} itself"
        )
    return str(fields[name].column)


def _text(sql: Any, connection: Any) -> str:
    """SQL as text, also where a driver composed it."""
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    if not isinstance(sql, str) and hasattr(sql, "as_string"):
        return str(sql.as_string(connection.connection))
    return str(sql)
