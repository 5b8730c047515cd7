"""Every job as a command. `main` turns what agegate raises into one line on stderr and an exit code."""

from __future__ import annotations

import sys
from typing import Final

from agegate.errors import AgegateError

INTERRUPTED: Final = 130
"""What typer exits with after Ctrl-C."""


def main() -> None:
    """Run the command line.

    Exit 0 done, 1 needs a person, 2 wrong use or configuration, 75 try later; `check`: 0 admit,
    1 refuse, 2 invalid.
    """
    from agegate.cli.app import app

    try:
        app()
    except AgegateError as error:
        print(f"agegate: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print("agegate: stopped; what was done is kept, run the command again to go on", file=sys.stderr)
        raise
