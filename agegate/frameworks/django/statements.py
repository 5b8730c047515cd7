"""Reading inserts as Django writes them: columns, and the values that go with the statement.

Only plain values can be read: `VALUES (%s, …)` of any number of rows, and the arrays that PostgreSQL's
`bulk_create` unnests. Everything else is refused, so this need not know all of SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from agegate.errors import NotAdmittedError
from agegate.signup.inserts import GAP, INTO, inserts_into, written_as

UNREADABLE: Final = object()
"""A value that the database computes, or that stands in the SQL itself."""

_NAME: Final = re.compile(r"\s*(?:([\w$]+)|\"([^\"]+)\"|'([^']+)'|`([^`]+)`|\[([^\]]+)\])\s*")
_PLACEHOLDER: Final = re.compile(r"%%|%s")
_VALUE: Final = re.compile(r"\(?\s*%s\s*\)?(?:::[\w ]+(?:\[\])?)?")


@lru_cache(maxsize=16)
def _patterns(table: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds a statement that writes rows into a table, and what reads its head."""
    head = rf"{GAP}*{INTO}{written_as(table)}{GAP}*\((?P<columns>[^()]*)\){GAP}*(?P<rest>.*)"
    return inserts_into(table), re.compile(head, re.IGNORECASE | re.DOTALL)


def find_inserts(sql: str, table: str) -> int:
    """How many times a text of SQL writes rows into a table."""
    return len(_patterns(table)[0].findall(sql))


def read_rows(sql: str, table: str, params: Any) -> Iterator[Mapping[str, object]]:
    """The rows of one insert by column; a value that cannot be read is `UNREADABLE`.

    Raises `NotAdmittedError` if the statement itself cannot be read.
    """
    head = _patterns(table)[1].fullmatch(sql)
    if find_inserts(sql, table) != 1 or head is None or isinstance(params, Mapping | str | bytes):
        raise _unreadable(table)
    columns = [_column(column, table) for column in head["columns"].split(",")]
    values = list(params or ())
    rest = head["rest"]
    if (unnested := re.match(r"SELECT \* FROM UNNEST\s*\(", rest, re.IGNORECASE)) is not None:
        yield from _unnested(columns, _first_group(rest[unnested.end() - 1 :], table), values, table)
        return
    found = re.match(r"VALUES\s*\(", rest, re.IGNORECASE)
    if found is None:
        raise _unreadable(table)
    at = 0
    for group in _groups(rest[found.end() - 1 :], table):
        if len(group) != len(columns):
            raise _unreadable(table)
        row: dict[str, object] = {}
        for column, item in zip(columns, group, strict=True):
            count = _count(item)
            row[column] = values[at] if _VALUE.fullmatch(item) and at < len(values) else UNREADABLE
            at += count
        yield row


def _unnested(
    columns: Sequence[str], items: Sequence[str], values: Sequence[Any], table: str
) -> Iterator[Mapping[str, object]]:
    """The rows of arrays, one for each column."""
    if not len(columns) == len(items) == len(values) or not all(map(_VALUE.fullmatch, items)):
        raise _unreadable(table)
    for row in zip(*values, strict=True):
        yield dict(zip(columns, row, strict=True))


def _column(written: str, table: str) -> str:
    """The name of a column, without its quotes."""
    found = _NAME.fullmatch(written)
    if found is None:
        raise _unreadable(table)
    return str(found[found.lastindex or 0])


def _count(item: str) -> int:
    """How many parameters an item takes."""
    return sum(mark == "%s" for mark in _PLACEHOLDER.findall(item))


def _first_group(text: str, table: str) -> list[str]:
    return next(_groups(text, table))


def _groups(text: str, table: str) -> Iterator[list[str]]:
    """The groups in parentheses at the beginning of a text, `(…), (…)`, each split at its own commas."""
    at = 0
    while at < len(text) and text[at] == "(":
        items, at = _group(text, at + 1, table)
        yield items
        after = re.compile(r"\s*,\s*(?=\()").match(text, at)
        if after is None:
            return
        at = after.end()


def _group(text: str, at: int, table: str) -> tuple[list[str], int]:
    """The items of one group from after its parenthesis, and where it ends."""
    items, depth, start, quote = [], 0, at, ""
    while at < len(text):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif letter in ",)" and not depth:
            items.append(text[start:at].strip())
            start = at + 1
            if letter == ")":
                return items, at + 1
        at += 1
    raise _unreadable(table)


def _unreadable(table: str) -> NotAdmittedError:
    return NotAdmittedError(
        f"SQL into {table} that cannot be checked; give columns and plain values, one statement at a time"
    )
