"""The commands, put together: one module per job."""

from __future__ import annotations

import typer

from agegate.cli import audit, check, db, demo, erase, evaluate, host, law, review, sweep

app = typer.Typer(
    name="agegate",
    help="Keep a service free of minors it may not serve: sign-up gate, sweep, review, proven erasure.\n\n"
    "Start with `agegate demo`. Every command reads --config, else $AGEGATE_CONFIG, else ./agegate.toml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command("check")(check.check)
app.command("law")(law.law)
app.command("sweep")(sweep.sweep)
app.command("evaluate")(evaluate.evaluate)
app.command("demo")(demo.demo)
app.add_typer(host.app, name="host")
app.add_typer(review.app, name="review")
app.add_typer(erase.app, name="erase")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
