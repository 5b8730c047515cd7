"""What an insert will insert: the rows of an `insert()`, and inserts in SQL text.

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

_GAP: Final = r"(?:\s|/\*.*?\*/|--[^\n]*\n)"
_SCHEMA: Final = rf"(?:(?:\w+|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]){_GAP}*\.{_GAP}*)*"


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


def inserts_into(table: str) -> re.Pattern[str]:
    """What finds inserts into a table in SQL text: quoted or not, in any schema, with comments between."""
    name = re.escape(table)
    target = rf"{_SCHEMA}(?:\"{name}\"|`{name}`|\[{name}\]|{name}(?![\w$]))"
    return re.compile(
        rf"\b(?:insert(?:{_GAP}+or{_GAP}+\w+)?|replace|merge){_GAP}+into\b{_GAP}*(?:only\b{_GAP}*)?{target}"
        rf"|\bcopy\b{_GAP}*{target}{_GAP}*(?:\([^)]*\){_GAP}*)?from\b",
        re.IGNORECASE | re.DOTALL,
    )


def _key(name: object) -> str:
    return str(getattr(name, "key", name))


def _literal(value: object, parameters: Row) -> object:
    if isinstance(value, sa.BindParameter):
        return parameters.get(value.key, value.effective_value)
    if isinstance(value, Null):
        return None
    computed = isinstance(value, sa.ClauseElement) or hasattr(value, "__clause_element__")
    return UNREADABLE if computed else value
