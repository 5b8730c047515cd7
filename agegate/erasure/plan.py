"""What is to be deleted of an account, in which order: pure, from the declarations and the live schema.

Children come before their parents, by every reference between the tables. A plan is complete or it is
refused, with all findings at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from agegate.errors import PlanRefusedError
from agegate.host import Edge, Finding, HostSchema, HostSection, check
from agegate.model import CATEGORIES, Category


@dataclass(frozen=True, slots=True)
class Step:
    """One table of a plan: its categories of personal data and the references that lead to the account."""

    table: str
    categories: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are carried out, the account's own row last.

    A plan is the same for every account of a host; `rows` makes it one account's.
    """

    schema: HostSchema
    section: HostSection
    steps: tuple[Step, ...]

    @property
    def root(self) -> str:
        """The account table."""
        return self.section.accounts.table

    @property
    def hash(self) -> str:
        """A hash of what the plan does: tables, order and references."""
        lines = [f"{step.table}: {', '.join(map(str, step.edges))}" for step in self.steps]
        return sha256("\n".join(lines).encode()).hexdigest()

    @property
    def parents(self) -> tuple[str, ...]:
        """Tables between the account and others, whose keys are captured before they go, to verify those."""
        found = {edge.parent for step in self.steps for edge in step.edges if not self.is_direct(edge)}
        return tuple(sorted(found - {self.root}))

    def is_direct(self, edge: Edge) -> bool:
        """Whether a reference holds the account's own key."""
        return edge.parent == self.root and edge.parent_columns == self.section.accounts.key

    def rows(self, table: str, values: tuple[Any, ...]) -> sa.ColumnElement[bool]:
        """The condition for an account's rows in a table, by every reference that leads to it."""
        if table == self.root:
            return _equal(self.schema.tables[table], self.section.accounts.key, values)
        step = next(step for step in self.steps if step.table == table)
        ways = [self._way(edge, values) for edge in step.edges if edge.parent != table]
        return sa.or_(*ways)

    def _way(self, edge: Edge, values: tuple[Any, ...]) -> sa.ColumnElement[bool]:
        child = self.schema.tables[edge.child]
        if self.is_direct(edge):
            return _equal(child, edge.columns, values)
        parent = self.schema.tables[edge.parent]
        keys = sa.select(*(parent.c[name] for name in edge.parent_columns))
        return columns_of(child, edge.columns).in_(keys.where(self.rows(edge.parent, values)))

    def categories(self) -> Mapping[Category, tuple[str, ...]]:
        """The tables of each category; none for one that is stored nowhere."""
        return {
            category: tuple(sorted(step.table for step in self.steps if category in step.categories))
            for category in CATEGORIES
        }


def make_plan(schema: HostSchema, section: HostSection) -> Plan:
    """The plan for any account of a host.

    Raises `PlanRefusedError` with every finding if anything that reaches the account is undeclared, a
    category has no answer, or tables refer to each other in a circle; `HostError` if a declared name is
    not in the database.
    """
    findings = check(schema, section)
    root = section.accounts.table
    reaching = schema.reaching(root)
    declared = {name: edges for name, edges in reaching.items() if name in section.tables}
    sorter: TopologicalSorter[str] = TopologicalSorter({root: ()})
    for child, edges in declared.items():
        sorter.add(child)
        for edge in edges:
            if edge.parent != child:
                sorter.add(edge.parent, child)
    try:
        order = [table for table in sorter.static_order() if table in declared or table == root]
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        findings.append(Finding(circle, "refer to each other in a circle", "this version cannot order them"))
        order = []
    if findings:
        raise PlanRefusedError([str(finding) for finding in findings])
    steps = [Step(table, section.tables[table].category, declared.get(table, ())) for table in order]
    return Plan(schema, section, tuple(steps))


def columns_of(table: sa.Table, names: tuple[str, ...]) -> sa.ColumnElement[Any]:
    """One column, or several as a tuple."""
    return table.c[names[0]] if len(names) == 1 else sa.tuple_(*(table.c[name] for name in names))


def _equal(table: sa.Table, names: tuple[str, ...], values: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in zip(names, values, strict=True)))
