"""The ways themselves: each inserts as a host's code could, in a transaction that its caller rolls back."""

# ruff: noqa: S608 - every name in the SQL is quoted by the dialect

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from agegate.signup.guard import table_of

Values = Callable[[int], Mapping[str, object]]
"""An account's values by attribute (of a mapped class) or column key, told apart by the number given."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is inserted, in the shapes that the ways need; two rows wherever many are possible."""

    accounts: type[Any] | sa.Table
    values: Values
    sessions: sessionmaker[Session]

    @property
    def table(self) -> sa.Table:
        """The table in which an account begins."""
        return table_of(self.accounts)[0]

    def mappings(self) -> list[dict[str, object]]:
        """Rows by attribute."""
        return [dict(self.values(number)) for number in (1, 2)]

    def objects(self) -> list[object]:
        """Rows as objects of the mapped class."""
        assert not isinstance(self.accounts, sa.Table)
        return [self.accounts(**row) for row in self.mappings()]

    def rows(self) -> list[dict[str, object]]:
        """Rows by key of column, with the defaults that Python computes."""
        table, columns = table_of(self.accounts)
        rows = []
        for given in self.mappings():
            row = {name: given.get(name, _default(column)) for name, column in columns.items()}
            rows.append(
                {
                    str(column.key): row[name]
                    for name, column in columns.items()
                    if column.table is table and (name in given or row[name] is not None)
                }
            )
        return rows

    def raw(self, dialect: sa.Dialect) -> tuple[str, str, dict[str, object]]:
        """The table and the columns as SQL names them, and the first row as the driver takes it."""
        row, quote = self.rows()[0], dialect.identifier_preparer
        columns = [self.table.columns[key] for key in row]
        names = ", ".join(quote.format_column(column) for column in columns)
        values = {
            f"v{place}": _written(dialect, column, row[column.key]) for place, column in enumerate(columns)
        }
        return quote.format_table(self.table), names, values


def _default(column: sa.Column[Any]) -> object:
    made: Any = column.default
    if made is None or not (made.is_scalar or made.is_callable):
        return None
    return made.arg(None) if made.is_callable else made.arg


def _written(dialect: sa.Dialect, column: sa.Column[Any], value: object) -> object:
    """A value as the column's type gives it to the driver."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    return value if process is None else process(value)


@dataclass(frozen=True, slots=True)
class Kind:
    """A way: what inserts, if it needs a mapped class, where it exists, if only the trigger sees it."""

    name: str
    insert: Callable[[sa.Connection, Scene], object]
    mapped: bool
    dialects: tuple[str, ...]
    beyond: bool


_all: Final[list[Kind]] = []


def _way(
    name: str, *, mapped: bool = False, dialects: tuple[str, ...] = (), beyond: bool = False
) -> Callable[[Callable[[sa.Connection, Scene], object]], Callable[[sa.Connection, Scene], object]]:
    """Add a function to the ways; it returns what must live until the rows are counted."""

    def add(insert: Callable[[sa.Connection, Scene], object]) -> Callable[[sa.Connection, Scene], object]:
        _all.append(Kind(name, insert, mapped, dialects, beyond))
        return insert

    return add


def kinds(dialect: sa.Dialect, accounts: type[Any] | sa.Table) -> list[Kind]:
    """The ways that this database and driver, and a class or a bare table, leave possible."""
    known = {dialect.name, f"{dialect.name}+{dialect.driver}"}
    return [
        kind
        for kind in _all
        if not (kind.mapped and isinstance(accounts, sa.Table))
        and (not kind.dialects or known.intersection(kind.dialects))
    ]


@_way("Session.add()", mapped=True)
def _add(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.add(scene.objects()[0])
    session.flush()
    return session


@_way("Session.add_all()", mapped=True)
def _add_all(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.add_all(scene.objects())
    session.flush()
    return session


@_way("Session.merge()", mapped=True)
def _merge(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.merge(scene.objects()[0])
    session.flush()
    return session


@_way("Session.bulk_save_objects()", mapped=True)
def _bulk_save(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.bulk_save_objects(scene.objects())
    return session


@_way("Session.bulk_insert_mappings()", mapped=True)
def _bulk_mappings(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.bulk_insert_mappings(sa.inspect(scene.accounts), scene.mappings())
    return session


@_way("Session.execute(insert(), rows)", mapped=True)
def _session_rows(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.execute(sa.insert(scene.accounts), scene.mappings())
    return session


@_way("Session.execute(insert().values())", mapped=True)
def _session_values(connection: sa.Connection, scene: Scene) -> object:
    session = scene.sessions(bind=connection)
    session.execute(sa.insert(scene.accounts).values(**scene.mappings()[0]))
    return session


@_way("Connection.execute(insert(), row)")
def _core_row(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(sa.insert(scene.table), scene.rows()[0])


@_way("Connection.execute(insert(), rows)")
def _core_rows(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(sa.insert(scene.table), scene.rows())


@_way("insert().values(row)")
def _core_values(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(sa.insert(scene.table).values(scene.rows()[0]))


@_way("insert().values(rows)")
def _core_many_values(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(sa.insert(scene.table).values(scene.rows()))


@_way("insert().returning()", dialects=("postgresql", "sqlite"))
def _returning(connection: sa.Connection, scene: Scene) -> object:
    statement = sa.insert(scene.table).values(scene.rows()[0])
    return connection.execute(statement.returning(sa.literal(1))).all()


@_way("insert().compile()")
def _compiled(connection: sa.Connection, scene: Scene) -> object:
    compiled: Any = sa.insert(scene.table).values(scene.rows()[0]).compile(connection)
    return connection.execute(compiled)  # SQLAlchemy 2.1 itself refuses it


@_way("insert().on_conflict_do_nothing()", dialects=("sqlite",))
def _upsert_sqlite(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(sqlite.insert(scene.table).values(scene.rows()[0]).on_conflict_do_nothing())


@_way("insert().on_conflict_do_nothing()", dialects=("postgresql",))
def _upsert_postgresql(connection: sa.Connection, scene: Scene) -> object:
    return connection.execute(postgresql.insert(scene.table).values(scene.rows()[0]).on_conflict_do_nothing())


@_way("INSERT … SELECT")
def _from_select(connection: sa.Connection, scene: Scene) -> object:
    row = scene.rows()[0]
    values = [sa.literal(value, scene.table.columns[key].type) for key, value in row.items()]
    return connection.execute(sa.insert(scene.table).from_select(list(row), sa.select(*values)))


@_way("insert() in a CTE", dialects=("postgresql",))
def _cte(connection: sa.Connection, scene: Scene) -> object:
    made = sa.insert(scene.table).values(scene.rows()[0]).returning(sa.literal(1).label("made")).cte("made")
    return connection.execute(sa.select(made.c.made)).all()


@_way("text()")
def _text(connection: sa.Connection, scene: Scene) -> object:
    table, names, values = scene.raw(connection.dialect)
    marks = ", ".join(f":{name}" for name in values)
    return connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


@_way("exec_driver_sql()")
def _driver_sql(connection: sa.Connection, scene: Scene) -> object:
    statement, values = _driver_insert(connection.dialect, scene)
    return connection.exec_driver_sql(statement, values)


@_way("a cursor of the driver", beyond=True)
def _cursor(connection: sa.Connection, scene: Scene) -> object:
    statement, values = _driver_insert(connection.dialect, scene)
    cursor = connection.connection.cursor()
    try:
        return cursor.execute(statement, values)
    finally:
        cursor.close()


@_way("COPY", dialects=("postgresql+psycopg",), beyond=True)
def _copy(connection: sa.Connection, scene: Scene) -> object:
    table, names, values = scene.raw(connection.dialect)
    statement = f"COPY {table} ({names}) FROM STDIN"
    adapted: Any = connection.connection.dbapi_connection
    if connection.dialect.is_async:
        return adapted.run_async(lambda driver: _acopy(driver, statement, tuple(values.values())))
    with adapted.cursor() as cursor, cursor.copy(statement) as lines:
        return lines.write_row(tuple(values.values()))


async def _acopy(driver: Any, statement: str, row: tuple[object, ...]) -> None:
    async with driver.cursor() as cursor, cursor.copy(statement) as lines:
        await lines.write_row(row)


def _driver_insert(dialect: sa.Dialect, scene: Scene) -> tuple[str, Any]:
    """An INSERT of the first row with the driver's own marks for values (PEP 249, `paramstyle`)."""
    table, names, values = scene.raw(dialect)
    marks = {
        "qmark": ["?" for _ in values],
        "format": ["%s" for _ in values],
        "numeric_dollar": [f"${place}" for place, _ in enumerate(values, 1)],
        "pyformat": [f"%({name})s" for name in values],
        "named": [f":{name}" for name in values],
    }[dialect.paramstyle]
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(marks)})"
    return statement, values if dialect.paramstyle in {"pyformat", "named"} else tuple(values.values())
