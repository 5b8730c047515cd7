"""`agegate bench`: how fast it is here, beside the least that the work can cost."""

from __future__ import annotations

from collections.abc import Mapping

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agegate.cli.terminal import ConfigOption, JsonOption, console, find_config, print_json

app = typer.Typer(help="How fast agegate is on this machine, beside its floors.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """How fast agegate is on this machine, beside its floors."""


@app.command()
def gate(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Time decisions, sign-ups and the reading of the law; each figure beside the floor of the same run.

    Exit 1 if a part could not run; its figures are null.

    Example: agegate bench gate --json
    """
    find_config(config)  # none is needed; one that is named must be right
    from agegate.bench.gate import floors, run

    found = run()
    figures = {name: None if figure is None else round(figure, 3) for name, figure in found.items()}
    if as_json:
        print_json({"figures": figures, "floors_seconds": floors(found)})
    else:
        _show(figures)
    raise typer.Exit(1 if None in figures.values() else 0)


def _show(figures: Mapping[str, float | None]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, figure in figures.items():
        table.add_row(name, "could not run" if figure is None else f"{figure:,.3f}")
    console().print(table)
