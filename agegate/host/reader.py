"""Reading accounts from the host: in chunks by key, with joined fields and texts, never row by row."""

from __future__ import annotations

import re
import uuid
import weakref
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL

from agegate.birthdate import BirthDate
from agegate.database import open_engine, reading
from agegate.errors import BirthDateError, NotFoundError
from agegate.host.description import HostSection, TextSection
from agegate.host.schema import Finding, HostSchema, check
from agegate.model import Account, Text, account_key, key_values


class Host:
    """The host's database by its description.

    `unreadable` counts, per column, the values that could not be read.
    """

    def __init__(self, section: HostSection, url: URL, *, read_only: bool = True) -> None:
        """Open the host; it connects when first used. Raises `DatabaseError` if a SQLite file is missing."""
        self.section = section
        self.engine = open_engine(url, read_only=read_only)
        weakref.finalize(self, self.engine.dispose)  # whoever drops a host drops its pooled connections
        self.unreadable: Counter[str] = Counter()

    @cached_property
    def schema(self) -> HostSchema:
        """The live schema, read once. Raises `DatabaseError` if the database cannot be reached."""
        with reading(self.engine) as connection:
            return HostSchema.reflect(connection, self.section)

    def check(self) -> list[Finding]:
        """What is undeclared or contradictory. Raises `HostError` if a name is not in the database."""
        return check(self.schema, self.section)

    def count(self) -> int:
        """How many accounts there are."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(self._accounts)).scalar_one()

    def common_birth_dates(self, share: float, at_least: int) -> frozenset[BirthDate]:
        """Declared birth dates that stand on more than `share` of all accounts and on `at_least` of them."""
        place = self.section.accounts.fields.get("birth_date")
        if place is None:
            return frozenset()
        column = self._column(place)
        total = self.count()
        many = sa.func.count() >= at_least
        query = (
            sa.select(_raw(column), sa.func.count()).where(column.is_not(None)).group_by(column).having(many)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        dates = (_birth_date(value) for value, count in rows if count > share * total)
        return frozenset(found for found in dates if found is not None)

    def chunk(self, after: str | None, size: int, *, kinds: Collection[str], today: date) -> list[Account]:
        """The next accounts in the order of their key, `size` at the most; `after` is the last key seen.

        `kinds` are the kinds of text to read. `today` stands in for a creation day that cannot be read.
        """
        columns = self._key_columns
        query = sa.select(*self._account_columns).order_by(*columns).limit(size)
        if after is not None:
            query = query.where(sa.tuple_(*columns) > sa.tuple_(*self._bound(columns, key_values(after))))
        return self._read(query, kinds, today)

    def account(self, key: str, *, kinds: Collection[str], today: date) -> Account:
        """One account. Raises `NotFoundError` if there is none of that key."""
        columns = self._key_columns
        try:
            values = key_values(key)
        except ValueError:
            values = ()
        if len(values) != len(columns):
            raise NotFoundError("no such account: a key is JSON, as `agegate review show` prints it")
        found = []
        if all(_fits(value, column) for value, column in zip(values, columns, strict=True)):
            bound = self._bound(columns, values)
            match = [column == value for column, value in zip(columns, bound, strict=True)]
            try:
                found = self._read(sa.select(*self._account_columns).where(*match), kinds, today)
            except (sa.exc.DataError, OverflowError):
                found = []  # a number too large for the column is nobody's
        if not found:
            raise NotFoundError("no such account in the host's database")
        return found[0]

    def text(self, field: str, row: str) -> str | None:
        """The text in a column (`table.column`) of the row with a key, as it is now; `None` if it is gone."""
        table, _, column = field.rpartition(".")
        found = self.schema.table(table, named_by="the evidence")
        columns = list(found.primary_key)
        if not columns:
            return None  # a row without a key cannot be found again
        values = self._bound(columns, key_values(row))
        match = [part == value for part, value in zip(columns, values, strict=True)]
        with reading(self.engine) as connection:
            value = connection.execute(sa.select(_raw(found.c[column])).where(*match)).scalar_one_or_none()
        return None if value is None else str(value)

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()

    # --- inside ---------------------------------------------------------------------------------------

    @cached_property
    def _accounts(self) -> sa.Table:
        return self.schema.table(self.section.accounts.table, named_by="host.accounts.table")

    @cached_property
    def _key_columns(self) -> list[sa.Column[Any]]:
        table = self.section.accounts.table
        return [
            self.schema.column(table, name, named_by="host.accounts.key") for name in self.section.accounts.key
        ]

    @cached_property
    def _own_fields(self) -> dict[str, sa.Column[Any]]:
        places = self.section.accounts.fields
        return {field: self._column(place) for field, place in places.items() if self._is_own(place)}

    @cached_property
    def _account_columns(self) -> list[sa.ColumnElement[Any]]:
        created = self._column(self.section.accounts.created)
        return [_raw(column) for column in (*self._key_columns, created, *self._own_fields.values())]

    def _named(self, table: str, column: str) -> sa.Column[Any]:
        return self.schema.column(table, column, named_by="host")

    def _is_own(self, place: str) -> bool:
        return place.rpartition(".")[0] in {"", self.section.accounts.table}

    def _column(self, place: str) -> sa.Column[Any]:
        table, _, column = place.rpartition(".")
        return self.schema.column(table or self.section.accounts.table, column, named_by="host.accounts")

    @staticmethod
    def _bound(columns: Sequence[sa.Column[Any]], values: Sequence[object]) -> list[sa.ColumnElement[Any]]:
        """Values as parameters of their columns' types, so that a server compares like with like."""
        return [sa.literal(value, column.type) for column, value in zip(columns, values, strict=True)]

    def _read(self, query: sa.Select[Any], kinds: Collection[str], today: date) -> list[Account]:
        width = len(self._key_columns)
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
            keys = [tuple(row[:width]) for row in rows]
            joined = self._joined_fields(connection, keys)
            texts = self._texts(connection, keys, kinds, today)
        accounts = []
        for row, values in zip(rows, keys, strict=True):
            key = account_key(values)
            fields = dict(zip(self._own_fields, row[width + 1 :], strict=True)) | joined[key]
            accounts.append(
                Account(
                    key=key,
                    created_on=self._day(row[width], self.section.accounts.created) or today,
                    birth_date=self._declared(fields.pop("birth_date", None)),
                    fields={name: str(value) for name, value in fields.items() if not _is_empty(value)},
                    texts=tuple(texts[key]),
                )
            )
        return accounts

    def _matching(
        self, table: sa.Table, names: Sequence[str], keys: Sequence[tuple[Any, ...]]
    ) -> sa.ColumnElement[bool]:
        columns = [table.c[name] for name in names]
        if len(columns) == 1:
            return columns[0].in_([values[0] for values in keys])
        return sa.tuple_(*columns).in_(list(keys))

    def _joined_fields(
        self, connection: sa.Connection, keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, dict[str, Any]]:
        """Fields that live in other tables; of several rows the one with the highest key counts."""
        owners = _owners(keys)
        by_table: dict[str, dict[str, str]] = defaultdict(dict)
        for field, place in self.section.accounts.fields.items():
            if not self._is_own(place):
                name, _, column = place.rpartition(".")
                by_table[name][field] = column
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for name, columns in by_table.items():
            table = self.schema.table(name, named_by="host.accounts.fields")
            link = self.schema.link(name, self.section)
            query = (
                sa.select(*(_raw(self._named(name, part)) for part in (*link, *columns.values())))
                .where(self._matching(table, link, keys))
                .order_by(*table.primary_key)
            )
            for row in connection.execute(query):
                values = zip(columns, row[len(link) :], strict=True)
                found[owners[_loosely(row[: len(link)])]].update(
                    {field: value for field, value in values if value is not None}
                )
        return found

    def _texts(
        self, connection: sa.Connection, keys: Sequence[tuple[Any, ...]], kinds: Collection[str], today: date
    ) -> Mapping[str, list[Text]]:
        found: dict[str, list[Text]] = defaultdict(list)
        for section in self.section.texts:
            if section.kind in kinds:
                for key, text in self._texts_of(connection, section, keys, today):
                    found[key].append(text)
        return found

    def _texts_of(
        self, connection: sa.Connection, section: TextSection, keys: Sequence[tuple[Any, ...]], today: date
    ) -> Iterator[tuple[str, Text]]:
        table = self.schema.table(section.table, named_by="host.texts")
        link = section.author or self.schema.link(section.table, self.section)
        row_key = list(table.primary_key)
        named = [self._named(section.table, name) for name in (*link, section.written, section.column)]
        columns = [*named, *row_key]
        query = (
            sa.select(*map(_raw, columns))
            .where(self._matching(table, link, keys), table.c[section.column].is_not(None))
            .order_by(*row_key)
        )
        owners = _owners(keys)
        field = f"{section.table}.{section.column}"
        for row in connection.execute(query):
            account, (written, text), place = (
                row[: len(link)],
                row[len(link) : len(link) + 2],
                row[len(link) + 2 :],
            )
            if text:
                day = self._day(written, f"{section.table}.{section.written}") or today
                yield owners[_loosely(account)], Text(field, account_key(place), str(text), day, section.kind)

    def _day(self, value: object, column: str) -> date | None:
        """A column's value as a day in UTC; what is no day of this service's time is counted."""
        try:
            if not _DAY.match(str(value)):
                raise ValueError
            moment = datetime.fromisoformat(str(value))
            day = (moment.astimezone(UTC) if moment.tzinfo else moment).date()
        except (ValueError, OverflowError):
            day = EPOCH
        if day <= EPOCH:
            self.unreadable[column] += 1
            return None
        return day

    def _declared(self, value: object) -> BirthDate | None:
        """A declared birth date; what is none is counted, an empty one is not."""
        if _is_empty(value):
            return None
        found = _birth_date(value)
        if found is None:
            self.unreadable[self.section.accounts.fields["birth_date"]] += 1
        return found


EPOCH: Final = date(1970, 1, 1)
"""No account was made and no text written before: such a day is some system's way to say "none"."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|$)")
_BIRTH_DATE: Final = re.compile(r"([0-9]{4}(?:-[0-9]{2}){0,2})(?:[T ][0-9:.+Z -]*)?")


def _birth_date(value: object) -> BirthDate | None:
    found = _BIRTH_DATE.fullmatch(str(value).strip())
    try:
        return BirthDate.parse(found[1]) if found else None
    except BirthDateError:
        return None


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _owners(keys: Sequence[tuple[Any, ...]]) -> dict[tuple[str, ...], str]:
    """The account key of each key's values, however another table's column writes them (`2` or `"2"`)."""
    return {_loosely(values): account_key(values) for values in keys}


def _loosely(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _fits(value: int | str, column: sa.Column[Any]) -> bool:
    """Whether a value of a key can be compared with a column at all."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return True
    if kind is uuid.UUID:
        try:
            uuid.UUID(str(value))
        except ValueError:
            return False
        return True
    return not issubclass(kind, int) or isinstance(value, int)


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The value as the driver gives it, a server's times as text: no cell may stop a chunk.

    PostgreSQL knows days that Python does not: `infinity`, and those before Christ.
    """
    if isinstance(column.type, sa.Date | sa.DateTime):
        return sa.cast(column, sa.Text).label(None)
    return sa.type_coerce(column, sa.types.NULLTYPE).label(None)
