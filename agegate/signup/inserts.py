"""What an insert will insert, and where: the rows of an `insert()` and its table, and inserts in SQL text.

It reads what SQLAlchemy was given, before it is compiled: attributes, columns and plain names as keys, one
row or many, values beside the statement or in it. A value that only the database computes is `UNREADABLE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import Null

UNREADABLE: Final = object()
"""A value that the database computes: nobody can say beforehand what it will be."""

Row = Mapping[str, object]

GAP: Final = r"(?:\s|/\*.*?\*/|--[^\n]*(?:\n|$))"
"""What may stand between two words of SQL: white space and comments."""

INTO: Final = rf"\b(?:insert(?:{GAP}+or{GAP}+\w+)?|replace|merge){GAP}+into\b{GAP}*(?:only\b{GAP}*)?"
"""How SQL begins that writes rows, up to the name of the table."""

# SQLite takes single quotes, too, and those of MySQL and SQL Server.
_QUOTES: Final = ('""', "''", "``", "[]")
_QUOTED: Final = r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|`[^`]*`|\[[^\]]*\]"
_SCHEMA: Final = rf"(?:(?:\w+|{_QUOTED}){GAP}*\.{GAP}*)*"


def rows_of(statement: Insert, given: Sequence[Row]) -> Iterator[Row]:
    """The rows of an insert, by name of attribute or key of column; `given` are its parameters."""
    listed = [row for rows in statement._multi_values for row in rows]
    if not listed:
        fixed: Mapping[Any, Any] = statement._values or {}
        for parameters in given:
            both: Mapping[Any, Any] = {**fixed, **parameters}
            yield {_key(name): _literal(value, parameters) for name, value in both.items()}
        return
    replaced = any(given)  # a parameter beside a list of rows may stand for any of its values
    for row in listed:
        named: Mapping[Any, Any]
        named = row if isinstance(row, Mapping) else dict(zip(statement.table.columns, row, strict=False))
        yield {_key(name): UNREADABLE if replaced else _literal(value, {}) for name, value in named.items()}


def place_of(
    table: Any, dialect: sa.Dialect, translated: Mapping[str | None, str | None] | None = None
) -> tuple[str, str]:
    """Schema and name of a table, as the database compares them.

    `translated` is the `schema_translate_map` with which a statement is executed. A table without a schema is
    in the one that was the connection's own when the engine first connected.
    """
    schema = getattr(table, "schema", None) or None
    if translated and getattr(table, "_use_schema_map", False):
        schema = translated.get(schema, schema)
    return _compared(schema or dialect.default_schema_name or "", dialect), _compared(table.name, dialect)


def written_as(table: str) -> str:
    """The pattern of a table's name in SQL text: quoted or not, in any schema, with comments between."""
    quoted = (re.escape(f"{left}{table.replace(right, 2 * right)}{right}") for left, right in _QUOTES)
    return rf"{_SCHEMA}(?:{'|'.join(quoted)}|{re.escape(table)}(?![\w$]))"


def inserts_into(table: str) -> re.Pattern[str]:
    """What finds inserts into a table in SQL text."""
    name = written_as(table)
    copied = rf"\bcopy\b{GAP}*{name}{GAP}*(?:\([^)]*\){GAP}*)?from\b"
    return re.compile(rf"{INTO}{name}|{copied}", re.IGNORECASE | re.DOTALL)


def _compared(name: str, dialect: sa.Dialect) -> str:
    """SQLite compares all names in any case, PostgreSQL only those without quotes."""
    is_exact = dialect.name == "postgresql" and getattr(name, "quote", None) is not False
    return str(name) if is_exact else str(name).lower()


def _key(name: object) -> str:
    return str(getattr(name, "key", name))


def _literal(value: object, parameters: Row) -> object:
    if isinstance(value, sa.BindParameter):
        return parameters.get(value.key, value.effective_value)
    if isinstance(value, Null):
        return None
    computed = isinstance(value, sa.ClauseElement) or hasattr(value, "__clause_element__")
    return UNREADABLE if computed else value
