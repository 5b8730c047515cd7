"""Statements that are compiled once: the few of the gate's hot path.

The text, the names and the types are those of the Core statement; what is saved is looking for the compiled
form, rendering the schema and building parameters at each execution: half of the time of a small statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from agegate.database import SCHEMA

Processor = Callable[[Any], Any]


class Prepared:
    """A Core statement, compiled at its first use for each kind of database; `columns` are those it inserts."""

    def __init__(self, statement: sa.ClauseElement, columns: Sequence[str] | None = None) -> None:
        """Keep the statement; nothing is compiled yet."""
        self._statement = statement
        self._columns = columns
        self._ready: dict[str, _Ready] = {}

    def run(self, connection: sa.Connection, *rows: Mapping[str, object]) -> sa.CursorResult[Any]:
        """Execute it with one row of parameters, or with several at once."""
        ready = self._ready_for(connection.dialect)
        given = [ready.parameters(row) for row in rows]
        return connection.exec_driver_sql(ready.text, given[0] if len(given) == 1 else given)

    def rows(self, connection: sa.Connection, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a `select` as Python values; `values` are its parameters in their order."""
        ready = self._ready_for(connection.dialect)
        found = connection.exec_driver_sql(ready.text, ready.ordered(values)).all()
        return ready.results(found) if found else []

    def _ready_for(self, dialect: sa.Dialect) -> _Ready:
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = _Ready(self._statement, dialect, self._columns)
        return ready


class _Ready:
    """The text for one kind of database, and what turns values into its own and back."""

    def __init__(self, statement: Any, dialect: sa.Dialect, columns: Sequence[str] | None) -> None:
        schemas = {SCHEMA: None} if dialect.name == "sqlite" else None
        more = {"schema_translate_map": schemas, "render_schema_translate": True} if schemas else {}
        compiled = statement.compile(dialect=dialect, column_keys=columns, **more)
        self.text = str(compiled)
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        self._positional = compiled.positional
        self._into = [(name, _of(compiled.binds[name].type, dialect)) for name in names]
        outcome = getattr(statement, "selected_columns", ())
        self._out = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in outcome]

    def parameters(self, row: Mapping[str, object]) -> Any:
        found = [(name, into(row[name]) if into else row[name]) for name, into in self._into]
        return tuple(value for _, value in found) if self._positional else dict(found)

    def ordered(self, values: Sequence[object]) -> Any:
        """Parameters whose values need no change, in the order of the statement."""
        if self._positional:
            return tuple(values)
        return {name: value for (name, _), value in zip(self._into, values, strict=True)}

    def results(self, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        return [
            tuple(out(value) if out else value for out, value in zip(self._out, row, strict=True))
            for row in rows
        ]


def _of(type_: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Processor | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)
