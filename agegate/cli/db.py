"""`agegate db`: agegate's own tables."""

from __future__ import annotations

import typer

from agegate.cli.terminal import ConfigOption
from agegate.config import Config
from agegate.database import shown
from agegate.keys import KeyRing

app = typer.Typer(help="agegate's own tables and key ring.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """agegate's own tables and key ring."""


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Make or upgrade agegate's tables, and make a key ring (mode 0600) where there is none.

    Back up the key ring: without it no refusal, receipt or cleared case is recognised again.
    """
    settings = Config.load(config)
    store = settings.open_store(create=True)
    store.upgrade()
    ring = KeyRing.load_or_create(settings.key_file)
    print(
        f"tables are up to date in {shown(store.url)}; key ring {settings.key_file} in use: {ring.current.id}"
    )
