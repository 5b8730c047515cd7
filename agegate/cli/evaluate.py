"""`agegate evaluate`: how good detection is on labelled texts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agegate import evaluate as measures
from agegate.cli.terminal import ConfigOption, JsonOption, console, find_config, parse_day, print_json


def evaluate(
    file: Annotated[Path, typer.Argument(help="JSON Lines: {text, label, lang?, written_on?} per line.")],
    as_of: Annotated[
        str | None, typer.Option(help="The day of texts without written_on; default today.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure precision, recall and F1 for "the writer is under 13" and "under 18" on labelled texts."""
    find_config(config)  # none is needed; one that is named must be right
    today = parse_day(as_of, "--as-of") or datetime.now(UTC).date()
    result = measures.evaluate(measures.read_rows(file), today=today)
    if as_json:
        print_json(result.as_dict())
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("under", "texts", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(name, justify="left" if name == "texts" else "right")
    for age, groups in result.scores.items():
        for group, score in sorted(groups.items(), key=lambda item: (item[0] != "all", item[0])):
            rates = (
                "-" if value is None else f"{value:.3f}" for value in (score.precision, score.recall, score.f1)
            )
            table.add_row(str(age), group, *rates, str(score.right), str(score.wrong), str(score.missed))
    console().print(table)
    print(f"{result.rows} rows, {result.rows / max(result.seconds, 1e-9):,.0f} rows/s")
