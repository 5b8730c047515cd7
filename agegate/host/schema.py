"""The host's live schema: its tables, the ways in which they reach the account, and what is undeclared."""

from __future__ import annotations

import dataclasses
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.types import NULLTYPE

from agegate.database import SCHEMA
from agegate.errors import HostError
from agegate.host.description import AccountsSection, HostSection
from agegate.model import CATEGORIES

OWN_PREFIX = "agegate_"
"""agegate's own tables are never part of the host's, wherever they lie."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A reference from a child's columns to a parent's.

    `declared` where agegate.toml says so and not the database.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: bool = dataclasses.field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.child}.{'+'.join(self.columns)} -> {self.parent}"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a plan from being complete: where it is, and what to write about it."""

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


@dataclasses.dataclass(frozen=True)
class HostSchema:
    """Tables by name (`schema.table` outside the default schema) and every reference between them."""

    tables: Mapping[str, sa.Table]
    edges: tuple[Edge, ...]

    @classmethod
    def reflect(cls, connection: sa.Connection, section: HostSection) -> HostSchema:
        """Read the live catalog, and add the references that agegate.toml declares."""
        metadata = sa.MetaData()
        inspector = sa.inspect(connection)
        default = inspector.default_schema_name
        if connection.dialect.name == "sqlite":
            # Its columns hold values of any type, whatever their own is called.
            event.listen(metadata, "column_reflect", lambda _i, _t, column: column.update(type=NULLTYPE))
        with warnings.catch_warnings():
            # A column of a type that SQLAlchemy does not know is still a column.
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            for schema in inspector.get_schema_names():
                if schema not in {SCHEMA, "information_schema"} and not schema.startswith("pg_"):
                    metadata.reflect(
                        connection, schema=None if schema == default else schema, resolve_fks=False
                    )
        tables = {
            name: table for name, table in metadata.tables.items() if not table.name.startswith(OWN_PREFIX)
        }
        accounts = section.accounts
        edges = [_to_key(edge, accounts) for edge in _foreign_keys(inspector, tables)]
        for name, table in section.tables.items():
            if table.account is not None:
                edges.append(Edge(name, table.account, accounts.table, accounts.key, declared=True))
        return cls(tables, tuple(sorted(set(edges))))

    def table(self, name: str, *, named_by: str) -> sa.Table:
        """A table by name. Raises `HostError` that names the setting if there is none."""
        try:
            return self.tables[name]
        except KeyError:
            raise HostError(
                f"{named_by} names table {name}, which the host's database does not have; correct the name"
            ) from None

    def column(self, table: str, column: str, *, named_by: str) -> sa.Column[object]:
        """A column by name. Raises `HostError` that names the setting if there is none."""
        found = self.table(table, named_by=named_by)
        if column not in found.c:
            raise HostError(
                f"{named_by} names column {table}.{column}, which the host's database does not have; "
                "correct the name"
            )
        return found.c[column]

    def reaching(self, root: str) -> dict[str, tuple[Edge, ...]]:
        """Each table that reaches `root` by any number of references, with those that lead there.

        The root itself is not among them unless it refers to itself or to a child.
        """
        by_parent: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            by_parent[edge.parent].append(edge)
        found: dict[str, list[Edge]] = {}
        pending = [root]
        seen = {root}
        while pending:
            for edge in by_parent[pending.pop()]:
                found.setdefault(edge.child, []).append(edge)
                if edge.child not in seen:
                    seen.add(edge.child)
                    pending.append(edge.child)
        return {child: tuple(sorted(edges)) for child, edges in sorted(found.items())}

    def link(self, table: str, section: HostSection) -> tuple[str, ...]:
        """The columns of a table that hold the account's key.

        Raises `HostError` if neither a foreign key nor agegate.toml says which.
        """
        accounts = section.accounts
        if table == accounts.table:
            return accounts.key
        direct = [
            edge.columns
            for edge in self.edges
            if edge.child == table and edge.parent == accounts.table and edge.parent_columns == accounts.key
        ]
        if len(direct) != 1:
            raise HostError(
                f"table {table} refers to {accounts.table} in {len(direct)} ways; name the columns that hold "
                f"the account's key as host.tables.{table}.account (or author, for a text)"
            )
        return direct[0]


def _foreign_keys(inspector: sa.Inspector, tables: Mapping[str, sa.Table]) -> Iterator[Edge]:
    for name, table in tables.items():
        for key in inspector.get_foreign_keys(table.name, schema=table.schema):
            schema = key["referred_schema"]
            named = f"{schema}.{key['referred_table']}" if schema else key["referred_table"]
            parent = _as_written(named, tables)
            if parent is None:
                continue
            target = tables[parent]
            referred = key["referred_columns"] or target.primary_key.columns.keys()
            columns = tuple(_as_written(column, target.c.keys()) or column for column in referred)
            yield Edge(name, tuple(key["constrained_columns"]), parent, columns)


def _as_written(name: str, known: Iterable[str]) -> str | None:
    """A name as its own table or column writes it: SQLite lets a reference write it in other letters' case."""
    names = list(known)
    if name in names:
        return name
    return next((other for other in names if other.lower() == name.lower()), None)


def _to_key(edge: Edge, accounts: AccountsSection) -> Edge:
    """A reference to the account's key, with its columns in the key's own order."""
    if edge.parent != accounts.table or set(edge.parent_columns) != set(accounts.key):
        return edge
    by_key = dict(zip(edge.parent_columns, edge.columns, strict=True))
    return dataclasses.replace(
        edge, columns=tuple(by_key[name] for name in accounts.key), parent_columns=accounts.key
    )


def check(schema: HostSchema, section: HostSection) -> list[Finding]:
    """All that keeps the host's description from being complete, at once; an empty list is a clean bill.

    Raises `HostError` if the description names what the database does not have.
    """
    _names_exist(schema, section)
    return [*_undeclared(schema, section), *_ambiguous(schema, section), *_unanswered(section)]


def _names_exist(schema: HostSchema, section: HostSection) -> None:
    accounts = section.accounts
    for column in (*accounts.key, accounts.created):
        schema.column(accounts.table, column, named_by="host.accounts")
    for field, place in accounts.fields.items():
        table, _, column = place.rpartition(".")
        schema.column(table or accounts.table, column, named_by=f"host.accounts.fields.{field}")
        schema.link(table or accounts.table, section)
    for text in section.texts:
        for column in (text.column, text.written):
            schema.column(text.table, column, named_by="host.texts")
        if text.author is None:
            schema.link(text.table, section)
        else:
            _holds_key(schema, section, text.table, text.author, named_by="host.texts")
    for name, declared in section.tables.items():
        schema.table(name, named_by=f"host.tables.{name}")
        if declared.account is not None:
            _holds_key(schema, section, name, declared.account, named_by=f"host.tables.{name}.account")
    for name in section.not_personal:
        schema.table(name, named_by="host.not_personal")


def _holds_key(
    schema: HostSchema, section: HostSection, table: str, columns: tuple[str, ...], *, named_by: str
) -> None:
    """Whether columns exist and are as many as the account's key has."""
    for column in columns:
        schema.column(table, column, named_by=named_by)
    if len(columns) != len(section.accounts.key):
        raise HostError(
            f"{named_by} names {len(columns)} column(s); the account's key has {len(section.accounts.key)}"
        )


def _undeclared(schema: HostSchema, section: HostSection) -> Iterator[Finding]:
    root = section.accounts.table
    declared = {*section.tables, *section.not_personal}
    reaching = schema.reaching(root)
    for table in sorted({root, *reaching} - declared):
        ways = ", ".join(str(edge) for edge in reaching.get(table, ()))
        yield Finding(
            table,
            f"reaches the account ({ways})" if ways else "is the account table",
            f"declare it as [host.tables.{table}] with its category, or in [host.not_personal] with a reason",
        )
    links = {edge.columns for edge in schema.edges if edge.parent == root}
    for name in sorted(set(schema.tables) - set(reaching) - declared - {root}):
        for columns in sorted(links):
            if set(columns) <= set(schema.tables[name].c.keys()):
                yield Finding(
                    f"{name}.{'+'.join(columns)}",
                    "is named like a reference to the account and has no foreign key",
                    f"declare [host.tables.{name}] with account, or in [host.not_personal] with a reason",
                )
    for name in sorted(set(section.tables) - set(reaching) - {root}):
        yield Finding(
            name,
            "is declared but nothing leads from it to the account",
            f"name the columns that hold the account's key as host.tables.{name}.account",
        )


def _ambiguous(schema: HostSchema, section: HostSection) -> Iterator[Finding]:
    for child, edges in schema.reaching(section.accounts.table).items():
        table = section.tables.get(child)
        if table is not None and len(edges) > 1 and table.owners == "one":
            yield Finding(
                child,
                f"reaches the account in {len(edges)} ways ({', '.join(str(edge) for edge in edges)})",
                f'say host.tables.{child}.owners = "any" if a row goes with any of them',
            )


def _unanswered(section: HostSection) -> Iterator[Finding]:
    held = {category for table in section.tables.values() for category in table.category}
    for category in CATEGORIES:
        if category not in held and category not in section.not_held:
            yield Finding(
                f"category {category}",
                "has neither a table nor an answer",
                f"give a table this category, or write host.not_held.{category} with the reason",
            )
