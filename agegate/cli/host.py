"""`agegate host`: whether the host's description is complete."""

from __future__ import annotations

from dataclasses import asdict

import typer

from agegate.cli.terminal import ConfigOption, JsonOption, print_json
from agegate.config import Config

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
