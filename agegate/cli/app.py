"""The commands, put together: one module per job."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from agegate.cli import audit, bench, check, db, demo, doctor, erase, evaluate, host, law, review, sweep

app = typer.Typer(
    name="agegate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(version("agegate"))
        raise typer.Exit


@app.callback()
def agegate(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep a service free of minors it may not serve: sign-up gate, sweep, review, proven erasure.

    Start with `agegate demo`. Every command reads --config, else $AGEGATE_CONFIG, else ./agegate.toml.
    """


app.command("check")(check.check)
app.command("sweep")(sweep.sweep)
app.command("evaluate")(evaluate.evaluate)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(law.app, name="law")
app.add_typer(host.app, name="host")
app.add_typer(review.app, name="review")
app.add_typer(erase.app, name="erase")
app.add_typer(bench.app, name="bench")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
