"""The trigger: the guard inside the database, for COPY, other programs and drivers' own cursors.

It lets a row into the table of accounts only if the same transaction was told that this account was admitted
(a row of `agegate_admission`, which it deletes again, so that none outlives the transaction). It guards against
doors that were forgotten; whoever may write the table `agegate_admission` could open one, so grant that right
to the application's role alone. A session with `session_replication_role = replica` skips triggers, as
PostgreSQL documents.
"""

# ruff: noqa: S608 - every name is this module's own, or quoted by the dialect

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from agegate.database import SCHEMA

NAME: Final = "agegate_admission"

MESSAGE: Final = "agegate: an account that nobody admitted"
"""What the database says when it refuses; nothing of the row."""

_SQLITE: Final = sa.table(NAME, sa.column("id"), sa.column("contact"))
_POSTGRESQL: Final = sa.table(NAME, sa.column("id"), sa.column("contact"), schema=SCHEMA)


def statements(dialect: sa.Dialect, accounts: sa.Table, contact: str | None = None) -> list[str]:
    """The SQL that installs the trigger, for a migration; it may run again.

    `contact` is the column with the e-mail address or phone number that the guard tells the trigger. Without
    it the trigger counts: as many accounts as were admitted, whichever they are.
    """
    if dialect.name == "postgresql":
        return _postgresql(dialect.identifier_preparer.format_table(accounts), contact)
    return _sqlite(dialect.identifier_preparer, accounts, contact)


def _sqlite(quote: sa.sql.compiler.IdentifierPreparer, accounts: sa.Table, contact: str | None) -> list[str]:
    same = f" WHERE lower(contact) = lower(coalesce(NEW.{quote.quote(contact)}, ''))" if contact else ""
    told = f"(SELECT min(id) FROM {NAME}{same})"
    trigger = quote.quote(_trigger(accounts))
    return [
        f"CREATE TABLE IF NOT EXISTS {NAME} (id INTEGER PRIMARY KEY, contact TEXT NOT NULL)",
        f"DROP TRIGGER IF EXISTS {trigger}",
        f"CREATE TRIGGER {trigger} BEFORE INSERT ON {quote.quote(accounts.name)} BEGIN "
        f"SELECT RAISE(ABORT, '{MESSAGE}') WHERE {told} IS NULL; "
        f"DELETE FROM {NAME} WHERE id = {told}; END",
    ]


def _postgresql(table: str, contact: str | None) -> list[str]:
    own = f"{SCHEMA}.{NAME}"
    argument = (contact or "").replace("'", "''")
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        # A row belongs to the transaction that wrote it, should one ever be left behind.
        f"CREATE TABLE IF NOT EXISTS {own} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        "contact text NOT NULL, transaction xid8 NOT NULL DEFAULT pg_current_xact_id())",
        f"""CREATE OR REPLACE FUNCTION {own}_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    mine text := coalesce(to_jsonb(NEW) ->> TG_ARGV[0], '');
BEGIN
    DELETE FROM {own} WHERE id = (SELECT min(id) FROM {own}
        WHERE transaction = pg_current_xact_id() AND (TG_ARGV[0] = '' OR lower(contact) = lower(mine)));
    IF NOT FOUND THEN
        RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $guard$""",
        f"DROP TRIGGER IF EXISTS {NAME}_guard ON {table}",
        f"CREATE TRIGGER {NAME}_guard BEFORE INSERT ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {own}_guard('{argument}')",
    ]


def _trigger(accounts: sa.Table) -> str:
    """The trigger's name on SQLite, where those of all tables must differ."""
    return f"{NAME}_guard_{accounts.name}"


def install(connection: sa.Connection, accounts: sa.Table, contact: str | None = None) -> None:
    """Install the trigger in the host's database, in the caller's transaction; safe to repeat."""
    for statement in statements(connection.dialect, accounts, contact):
        connection.exec_driver_sql(statement)


def remove(connection: sa.Connection, accounts: sa.Table) -> None:
    """Remove the trigger, in the caller's transaction, and with the last one its table; safe to repeat."""
    quote = connection.dialect.identifier_preparer
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {NAME}_guard ON {quote.format_table(accounts)}")
        others = f"SELECT count(*) FROM pg_trigger WHERE tgname = '{NAME}_guard' AND tgparentid = 0"
        last = [f"DROP FUNCTION IF EXISTS {SCHEMA}.{NAME}_guard()", f"DROP TABLE IF EXISTS {SCHEMA}.{NAME}"]
    else:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {quote.quote(_trigger(accounts))}")
        others = f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{NAME}_guard_%'"
        last = [f"DROP TABLE IF EXISTS {NAME}"]
    if not connection.exec_driver_sql(others).scalar():
        for statement in last:
            connection.exec_driver_sql(statement)


def admit_rows(connection: sa.Connection, column: sa.Column[Any] | None, contacts: Sequence[object]) -> None:
    """Tell the trigger, in this transaction, that one account with each contact may come.

    `column` is the accounts' own: a type of the host's, such as one that encrypts, writes the contact here
    as it writes it there.
    """
    told: sa.ColumnElement[str] = sa.literal("")
    if column is not None:
        written = sa.bindparam("told", type_=column.type)
        told = sa.func.coalesce(sa.cast(written, sa.Text), "")
    rows = [{} if column is None else {"told": contact} for contact in contacts]
    connection.execute(sa.insert(_table(connection)).values(contact=told), rows)


def forget_rows(connection: sa.Connection) -> None:
    """Take back what was told in this transaction and not used."""
    connection.execute(sa.delete(_table(connection)))


def _table(connection: sa.Connection) -> sa.TableClause:
    return _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
