"""`agegate host`: whether the host's description is complete, and the trigger on its accounts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final, Literal

import sqlalchemy as sa
import typer

from agegate.cli.terminal import ConfigOption, JsonOption, print_json
from agegate.config import Config
from agegate.database import writing
from agegate.errors import InputError
from agegate.signup import trigger

CONTACTS: Final[tuple[Literal["email", "phone"], ...]] = ("email", "phone")

app = typer.Typer(help="The host's database and its description.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The host's database and its description."""


@app.command()
def check(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Compare agegate.toml with the live schema: what reaches the account and is undeclared.

    Exit 0 if the description is complete, 1 if there are findings.
    """
    settings = Config.load(config)
    host = settings.open_host()
    findings = host.check()
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(finding)
        declared = len(settings.host_section.tables)
        print(f"{declared} tables declared, {len(findings)} finding(s)")
    raise typer.Exit(1 if findings else 0)


@app.command()
def guard(
    install: Annotated[bool, typer.Option("--install", help="Install the trigger now.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the trigger.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print the SQL of the trigger that lets no account in unadmitted, for a migration; or install it.

    It sees what the guard in your code cannot: COPY, other programs, a driver's own cursors. Give your guard
    `trigger=True` first, or no account gets in at all (docs/guard.md).

    Example: agegate host guard > migrations/agegate_guard.sql
    """
    if install and remove:
        raise InputError("--install and --remove: give one of them")
    settings = Config.load(config)
    host = settings.open_host(read_only=not (install or remove))
    try:
        accounts, contact = _guarded(settings)
        sql = trigger.statements(host.engine.dialect, accounts, contact)
        if install or remove:
            with writing(host.engine) as connection:
                if install:
                    trigger.install(connection, accounts, contact)
                else:
                    trigger.remove(connection, accounts)
    finally:
        host.dispose()
    done = "installed" if install else "removed" if remove else "printed"
    if as_json:
        print_json({"state": done, "statements": sql})
    elif done == "printed":
        print(";\n\n".join(sql) + ";")
    else:
        print(f"trigger on {accounts.fullname}: {done}")


def _guarded(settings: Config) -> tuple[sa.Table, str | None]:
    """The table of accounts, and its own column with the e-mail address or else the phone number."""
    section = settings.host_section.accounts
    schema, _, name = section.table.rpartition(".")
    own = [section.fields[kind] for kind in CONTACTS if kind in section.fields]
    contact = next((column for column in own if "." not in column), None)
    return sa.Table(name, sa.MetaData(), schema=schema or None), contact
