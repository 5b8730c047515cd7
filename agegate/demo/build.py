"""Building the demo's host: a folder with its database and the `agegate.toml` that describes it."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agegate.database import open_engine, parse_url, writing
from agegate.demo.people import fill
from agegate.demo.schema import metadata
from agegate.errors import StateError

DATABASE: Final = "host.db"
"""The host's database within the folder; `agegate.toml` names it."""

DESCRIPTION: Final = "agegate.toml"
"""The host's description within the folder, and within this package."""


def build(folder: Path, *, accounts: int = 10_000, seed: int = 7, today: date) -> Path:
    """Make a host of fictional people in a folder, which is created; returns its `agegate.toml`.

    The same `accounts`, `seed` and `today` give the same rows. The database appears whole or not at all:
    it is filled elsewhere and moved in. Raises `StateError` if the folder holds a host or a description
    already, which is never overwritten.
    """
    for name in (DATABASE, DESCRIPTION):
        if (folder / name).exists():
            raise StateError(
                f"{folder} already holds {name}, so no demo host can be built there: "
                "name another folder with --dir, or remove this one"
            )
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix="demo-") as workshop:
        _make(Path(workshop), accounts=accounts, seed=seed, today=today)
        (Path(workshop) / DATABASE).replace(folder / DATABASE)
    description = folder / DESCRIPTION
    shipped = resources.files("agegate.demo").joinpath(DESCRIPTION)
    description.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return description


def _make(workshop: Path, *, accounts: int, seed: int, today: date) -> None:
    engine = open_engine(parse_url(f"sqlite:///{DATABASE}", base=workshop), create=True)
    try:
        with writing(engine) as connection:
            metadata.create_all(connection)
            fill(connection, accounts=accounts, seed=seed, today=today)
    finally:
        engine.dispose()
