"""`agegate doctor`: whether everything is in order, and what is not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from agegate.cli.terminal import ConfigOption, JsonOption, print_json
from agegate.config import Config
from agegate.jobs import diagnose


def doctor(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Look at service, law, keys, store and host, and say what is not in order and what to do.

    Exit 0 without errors (warnings are listed), 1 with them.
    """
    found = diagnose(Config.load(config), on=datetime.now(UTC).date())
    errors = [finding for finding in found if finding.level == "error"]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            print(finding)
        print(f"{len(errors)} error(s), {len(found) - len(errors)} warning(s)")
    raise typer.Exit(1 if errors else 0)
