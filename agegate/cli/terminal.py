"""What commands share: options, output in two forms, progress, dates."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agegate.config import DEFAULT_FILE, ENVIRONMENT, Config
from agegate.errors import InputError

SCHEMA: Final = 1
"""Version of the JSON that commands print."""

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="agegate.toml; else $AGEGATE_CONFIG, else ./agegate.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


def print_json(content: Mapping[str, Any]) -> None:
    """Print an answer as JSON with its schema's version."""
    print(json.dumps({"schema": SCHEMA, **content}, indent=2, ensure_ascii=False, default=str))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end; a process may be started without a stream at all."""
    return stream is not None and stream.isatty()


def console() -> Console:
    """Where people read: as wide as their terminal, or 120 columns into a file."""
    return Console(width=None if is_terminal(sys.stdout) else 120, highlight=False)


def find_config(path: Path | None) -> Config | None:
    """The configuration, if there is one where one is optional."""
    named = path is not None or bool(os.environ.get(ENVIRONMENT))
    return Config.load(path) if named or Path(DEFAULT_FILE).exists() else None


def parse_day(text: str | None, option: str) -> date | None:
    """A day from an option. Raises `InputError` that names the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: not a day; write YYYY-MM-DD") from None


@contextmanager
def progress_bar(label: str) -> Iterator[Any]:
    """A progress bar on stderr, with count, rate of completion and time left; quiet without a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not is_terminal(sys.stderr),
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
