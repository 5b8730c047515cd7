"""`agegate erase`: the plan, the run, and where requests stand."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.tree import Tree

from agegate.cli.terminal import ConfigOption, JsonOption, console, print_json, progress_bar
from agegate.config import Config
from agegate.erasure import Eraser, Plan
from agegate.store import tables

app = typer.Typer(help="Erasure: planned, carried out, verified, receipted.", no_args_is_help=True)


@app.command()
def plan(
    account: Annotated[str, typer.Argument(help="The account's key, as JSON: 17 or '\"a-uuid\"'.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what would be deleted of an account, with row counts. Deletes nothing.

    Exit 1 if the plan is refused: something reaches the account and is undeclared.
    """
    eraser = Eraser(Config.load(config))
    made = eraser.plan()
    rows = eraser.count(account)
    if as_json:
        steps = [
            {"table": step.table, "categories": step.categories, "rows": rows[step.table]}
            for step in made.steps
        ]
        print_json({"plan": made.hash, "steps": steps})
    else:
        console().print(_tree(made, rows))


@app.command()
def run(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Carry out every request whose day has come; safe to repeat after any interruption.

    Exit 0 done, 1 if a request needs a person, 75 if another run is under way.
    """
    settings = Config.load(config)
    store = settings.open_store()
    store.require()
    with progress_bar("erase") as progress:
        outcomes = Eraser(settings, store=store).run(progress=progress)
    done = [outcome.receipt for outcome in outcomes if outcome.receipt]
    dead = [outcome for outcome in outcomes if not outcome.receipt]
    if as_json:
        findings = [{"request": outcome.request, "finding": outcome.finding} for outcome in dead]
        print_json({"receipts": [receipt.as_dict() for receipt in done], "findings": findings})
    else:
        for receipt in done:
            print(f"request {receipt.request}: erased, {receipt.level}; receipt {receipt.hash[:16]}")
        for outcome in dead:
            print(f"request {outcome.request}: not erased: {outcome.finding}")
        print(f"{len(done)} erased, {len(dead)} need a person")
    raise typer.Exit(1 if dead else 0)


@app.command()
def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Count the requests in each state, and name the findings of those that need a person."""
    store = Config.load(config).open_store()
    store.require()
    request = tables.requests
    with store.reading() as connection:
        rows = connection.execute(sa.select(request.c.id, request.c.state, request.c.finding)).all()
    states = dict(sorted(Counter(row.state for row in rows).items()))
    findings = {row.id: row.finding for row in rows if row.finding}
    if as_json:
        print_json({"states": states, "findings": findings})
        return
    for state, count in states.items():
        print(f"{count:>8}  {state}")
    for number, finding in findings.items():
        print(f"request {number}: {finding}")


def _tree(made: Plan, rows: dict[str, int]) -> Tree:
    """The tables as they hang on the account, each once, with its rows and categories."""

    def label(table: str) -> str:
        step = next(step for step in made.steps if step.table == table)
        return f"{table}: {rows[table]} row(s)  [dim]{', '.join(step.categories)}[/dim]"

    tree = Tree(label(made.root))
    nodes = {made.root: tree}
    for step in reversed(made.steps[:-1]):
        parent = next(edge.parent for edge in step.edges if edge.parent in nodes)
        nodes[step.table] = nodes[parent].add(label(step.table))
    return tree
