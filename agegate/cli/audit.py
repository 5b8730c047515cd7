"""`agegate audit`: whether the trail is whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import typer

from agegate.audit import Audit
from agegate.cli.terminal import ConfigOption, JsonOption, print_json
from agegate.config import Config

PATIENCE: Final = timedelta(minutes=15)
"""An unsealed tail is no fault until it is older than this."""

app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The audit trail."""


@app.command()
def verify(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Read the chain and its anchor back, and name any event edited, removed or reordered.

    Exit 0 if all is whole, 1 if there is a fault.
    """
    settings = Config.load(config)
    store = settings.open_store()
    store.require()
    report = Audit(store, settings.key_ring, settings.anchor_file).verify()
    faults = list(report.faults)
    if report.oldest_unsealed and datetime.now(UTC) - report.oldest_unsealed > PATIENCE:
        faults.append(f"{report.unsealed} event(s) are unsealed since {report.oldest_unsealed:%Y-%m-%d %H:%M}")
    if as_json:
        print_json({"sealed": report.sealed, "unsealed": report.unsealed, "faults": faults})
    else:
        for fault in faults:
            print(fault)
        print(f"{report.sealed} events sealed, {report.unsealed} waiting, {len(faults)} fault(s)")
    raise typer.Exit(1 if faults else 0)
